"""Bytes to values and back, without input or output: one file per wire protocol."""
