"""A connection that records what is written to it."""

from __future__ import annotations

import asyncio
import sys


class FakeTransport(asyncio.WriteTransport):
    """A transport that accepts everything at once, or nothing more after ``full_after`` writes."""

    def __init__(self, full_after: int = sys.maxsize) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self._full_after = full_after

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Record one write."""
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        """Report an empty buffer, or a full one."""
        return 0 if len(self.writes) < self._full_after else sys.maxsize

    def is_closing(self) -> bool:
        """Report an open connection."""
        return False
