"""Rows that operators change one by one, beside a running assembler."""
