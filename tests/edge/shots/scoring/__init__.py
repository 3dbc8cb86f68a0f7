"""Faces, scores, slots and rules."""
