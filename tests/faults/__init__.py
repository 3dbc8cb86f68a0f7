"""Chaos runs: many faults at once on one simulated range, whose database must hold exactly the truth."""
