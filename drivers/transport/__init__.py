"""The ways bytes and edges come in: serial ports (and TCP by URL) and GPIO pins."""
