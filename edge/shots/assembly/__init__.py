"""Readings and session context in, shots out. Pure: no clock, no I/O, no logging."""
