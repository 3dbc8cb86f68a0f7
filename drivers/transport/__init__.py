"""Transports of bytes and edges: serial ports, TCP by URL, and GPIO pins. They know no protocol."""
