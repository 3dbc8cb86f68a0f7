"""Consistent Overhead Byte Stuffing: any bytes, written without a zero, so that a zero can end a frame.

Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999. The text is cut
at its zeros; each piece is written as its length + 1 and its bytes. A length byte of 255 means 254 bytes and no zero
after them. The cost is one byte for every 254.
"""

from __future__ import annotations

_FULL = 254
"""Bytes in a piece that ends by its length, not at a zero."""


def encode(data: bytes) -> bytes:
    """``data`` without zeros; the ending zero is not added."""
    out: list[bytes] = []
    pieces = data.split(b"\0")
    last = len(pieces) - 1
    for index, piece in enumerate(pieces):
        start, length = 0, len(piece)
        while length - start >= _FULL:
            # A full block that ends the text needs no empty piece behind it.
            if index == last and length - start == _FULL:
                out.append(b"\xff" + piece[start:])
                return b"".join(out)
            out.append(b"\xff" + piece[start : start + _FULL])
            start += _FULL
        out.append(bytes((length - start + 1,)) + piece[start:])
    return b"".join(out)


def decode(encoded: bytes) -> bytes:
    """What was encoded. ``encoded`` holds no zero and not the ending one.

    Raises ValueError when it contains a zero or ends inside a piece.
    """
    if 0 in encoded:
        raise ValueError("a zero inside the frame")
    out: list[bytes] = []
    at, size = 0, len(encoded)
    while at < size:
        code = encoded[at]
        end = at + code
        if end > size:
            raise ValueError("the frame ends inside a piece")
        out.append(encoded[at + 1 : end])
        if code <= _FULL and end < size:
            out.append(b"\0")
        at = end
    return b"".join(out)


def longest(size: int) -> int:
    """The most bytes that ``size`` bytes can take once encoded."""
    return size + size // _FULL + 1
