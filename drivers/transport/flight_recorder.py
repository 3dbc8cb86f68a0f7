"""The last bytes in and out of a line, kept cheaply and written out when something went wrong."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final

from drivers.clock.host import clock_pair

LINES: Final = 64
BYTES_SHOWN: Final = 96
"""Of a longer piece only the beginning is shown."""


class FlightRecorder:
    """Remembers the last 64 pieces. Costs one append each; text is made only when asked for."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, str, bytes]] = deque(maxlen=LINES)

    def heard(self, data: bytes, at_ns: int) -> None:
        """Bytes came in."""
        self._pieces.append((at_ns, "<", data))

    def sent(self, data: bytes, at_ns: int) -> None:
        """Bytes went out."""
        self._pieces.append((at_ns, ">", data))

    def lines(self) -> list[str]:
        """One line a frame, oldest first: UTC time of day, ``<`` for in and ``>`` for out, hexadecimal bytes."""
        pair = clock_pair()
        lines: list[str] = []
        for at_ns, way, data in self._pieces:
            time_of_day = pair.utc_of(at_ns).strftime("%H:%M:%S.%f")
            lines.extend(f"{time_of_day} {way} {_hex(frame)}" for frame in data.split(b"\0") if frame)
        return list(islice(lines, max(0, len(lines) - LINES), None))


def _hex(frame: bytes) -> str:
    shown = frame[:BYTES_SHOWN].hex()
    return shown if len(frame) <= BYTES_SHOWN else f"{shown}... ({len(frame)} bytes)"
