"""Codec of the Chirp bow clip. Pure.

A frame has four bytes: C5, type, value, and the exclusive or of these three.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

START = 0xC5
SIZE = 4


class Kind(IntEnum):
    """Type of a frame."""

    HELLO_REQUEST = 0x01
    HELLO = 0x02
    """Value: 1 for a simulated clip, else 0."""
    NOCKED = 0x10
    LOOSED = 0x11
    """Value: 1 when the arrow was taken off, else 0."""
    STATUS_REQUEST = 0x20
    STATUS = 0x21
    """Value: battery in percent."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: Kind
    value: int = 0


@dataclass(slots=True)
class Counters:
    """Counts of one decoder."""

    frames: int = 0
    noise: int = 0
    """Bytes that belong to no valid frame."""


def encode(frame: Frame) -> bytes:
    """Encode a frame."""
    return bytes((START, frame.kind, frame.value, START ^ frame.kind ^ frame.value))


def split_frames(data: bytes) -> tuple[list[bytes], bytes]:
    """Divide bytes into valid frames (noise joins the frame after it) and the rest."""
    pieces: list[bytes] = []
    begin = at = 0
    while len(data) - at >= SIZE:
        if _is_frame(data[at : at + SIZE]):
            at += SIZE
            pieces.append(data[begin:at])
            begin = at
        else:
            at += 1
    return pieces, data[begin:]


class Decoder:
    """Decodes a stream of bytes, in pieces of any size. Never raises, and holds less than a frame."""

    def __init__(self) -> None:
        self.counters = Counters()
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that ``data`` completes, in order."""
        pieces, rest = split_frames(self._rest + data)
        self._rest = rest[-(SIZE - 1) :]
        self.counters.frames += len(pieces)
        self.counters.noise += len(rest) - len(self._rest) + sum(len(piece) - SIZE for piece in pieces)
        return [Frame(Kind(piece[-3]), piece[-2]) for piece in pieces]


def _is_frame(data: bytes) -> bool:
    return data[0] == START and data[1] in list(Kind) and data[3] == START ^ data[1] ^ data[2]
