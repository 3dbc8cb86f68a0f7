"""Bytes that are sent at one bit rate and heard at another. Pure."""

from __future__ import annotations

from typing import Final

_FALLS: Final = b"\1\0"
"""Levels around the beginning of a start bit."""


def heard(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """Return the bytes that a receiver finds: 8N1, each bit sampled in its middle, a wrong stop bit ignored."""
    if sent_baud == heard_baud:
        return data
    bits = b"".join(bytes((0, *(byte >> place & 1 for place in range(8)), 1)) for byte in data)
    line = b"\1" + bits  # the line is idle before
    bit = sent_baud / heard_baud  # time of the receiver's bit, in those of the sender
    found = bytearray()
    at = line.find(_FALLS)
    while at >= 0:
        middles = (int(at + (1.5 + place) * bit) for place in range(8))
        found.append(sum((middle >= len(bits) or bits[middle]) << place for place, middle in enumerate(middles)))
        at = line.find(_FALLS, int(at + 9.5 * bit) + 1)
    return bytes(found)
