"""Composition root and the technician's tools."""
