"""The SQL of the assembler: sessions, readings, shots, corrections and rebuild requests."""
