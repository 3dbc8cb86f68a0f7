"""Firmware of a simulated R200 reader: its settings, and the commands that reach tags."""
