"""Ring buffer of the last bytes in and out of a line, logged with a fault."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import islice
from typing import Final

from drivers.clock.host import clock_pair

LINES: Final = 64
"""Pieces kept, and lines returned."""
BYTES_SHOWN: Final = 96
"""Bytes shown of a longer frame."""


class Direction(StrEnum):
    """Direction of bytes, as a line of the record shows it."""

    IN = "<"
    OUT = ">"


class FlightRecorder:
    """Keeps the last 64 pieces. Recording costs one append; the text is made on request."""

    def __init__(self, split: Callable[[bytes], Iterable[bytes]]) -> None:
        """``split`` divides a piece of bytes into frames, as the protocol of the line defines them."""
        self._split = split
        self._pieces: deque[tuple[int, Direction, bytes]] = deque(maxlen=LINES)

    def received(self, data: bytes, at_ns: int) -> None:
        """Record received bytes."""
        self._pieces.append((at_ns, Direction.IN, data))

    def sent(self, data: bytes, at_ns: int) -> None:
        """Record sent bytes."""
        self._pieces.append((at_ns, Direction.OUT, data))

    def lines(self) -> list[str]:
        """One line per frame, oldest first: UTC time of day with a Z, ``<`` for in and ``>`` for out, hexadecimal bytes."""
        pair = clock_pair()
        lines: list[str] = []
        for at_ns, direction, data in self._pieces:
            time_of_day = pair.utc_of(at_ns).strftime("%H:%M:%S.%fZ")
            lines.extend(f"{time_of_day} {direction} {_hex(frame)}" for frame in self._split(data))
        return list(islice(lines, max(0, len(lines) - LINES), None))


def _hex(frame: bytes) -> str:
    shown = frame[:BYTES_SHOWN].hex()
    return shown if len(frame) <= BYTES_SHOWN else f"{shown}... ({len(frame)} bytes)"
