"""Bow drivers: when an arrow is nocked and when it leaves the string."""
