"""Consistent Overhead Byte Stuffing: encodes any bytes without a zero, so that a zero can end a frame.

Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999. The data are cut
at their zeros; each piece is written as its length + 1 and its bytes. A length byte of 255 means 254 bytes and no zero
after them. The overhead is one byte for every 254.
"""

from __future__ import annotations

from typing import Final

_FULL = 254
"""Length of a piece that is not followed by a zero."""
_CODES: Final = tuple(bytes((code,)) for code in range(256))
"""Length bytes, made once."""


def encode(data: bytes) -> bytes:
    """Encode ``data`` without zeros; the zero that ends a frame is not added."""
    pieces = data.split(b"\0")
    if len(data) < _FULL:  # nearly every frame: no piece can be full
        return b"".join([_CODES[len(piece) + 1] + piece for piece in pieces])
    out: list[bytes] = []
    last = len(pieces) - 1
    for index, piece in enumerate(pieces):
        start, length = 0, len(piece)
        while length - start >= _FULL:
            # A full block at the end of the data needs no empty piece after it.
            if index == last and length - start == _FULL:
                out.append(b"\xff" + piece[start:])
                return b"".join(out)
            out.append(b"\xff" + piece[start : start + _FULL])
            start += _FULL
        out.append(bytes((length - start + 1,)) + piece[start:])
    return b"".join(out)


def decode(encoded: bytes) -> bytes:
    """Decode a frame without the zero that ends it.

    Raises ValueError when ``encoded`` contains a zero or ends inside a piece.
    """
    if 0 in encoded:
        raise ValueError("the frame contains a zero")
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
    """Greatest length of ``size`` bytes once encoded."""
    return size + size // _FULL + 1
