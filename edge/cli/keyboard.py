"""Lines that an operator types while a command waits for something else."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.common.postgres.connection import Connection

KEEP_ALIVE_S = 10.0
"""Interval between statements while a question waits: the server ends a session of an operator that is idle for a minute."""
MOST_LINES = 16
"""Lines kept until they are read; later ones are dropped."""


class Keyboard:
    """The lines typed at a terminal."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str] = asyncio.Queue(MOST_LINES)
        self._rest = ""

    def feed(self, text: str) -> None:
        """Take typed text; ``""`` is the end of the input, which counts as an empty line."""
        *lines, self._rest = (self._rest + (text or "\n")).split("\n")
        for line in lines:
            if not self.lines.full():
                self.lines.put_nowait(line.strip())

    async def ask(self, connection: Connection) -> str:
        """The next line, however long it takes; keeps the connection in use meanwhile."""
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    return await self.lines.get()
            except TimeoutError:
                await connection.execute("select 1")


@asynccontextmanager
async def terminal() -> AsyncIterator[Keyboard | None]:
    """The keyboard while the block runs; None when standard input is no terminal, so that a command in a script asks nothing."""
    stdin = sys.stdin
    if stdin is None or not stdin.isatty():
        yield None
        return
    keyboard, loop, number = Keyboard(), asyncio.get_running_loop(), stdin.fileno()

    def read() -> None:
        try:
            data = os.read(number, 4096)
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            loop.remove_reader(number)
        keyboard.feed(data.decode(errors="replace"))

    loop.add_reader(number, read)
    try:
        yield keyboard
    finally:
        loop.remove_reader(number)
