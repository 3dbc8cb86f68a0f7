"""One simulated device per file: bytes in, bytes out."""
