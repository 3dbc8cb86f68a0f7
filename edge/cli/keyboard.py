"""Lines that an operator types while a command waits for something else."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from edge.common.postgres.connection import Connection

KEEP_ALIVE_S = 10.0
"""Interval between statements while a question waits: the server ends a session of an operator that is idle for a minute."""
MOST_LINES = 16
"""Lines kept until they are read; later ones are dropped."""


class Keyboard:
    """The lines typed at a terminal."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str] = asyncio.Queue(MOST_LINES)
        self._has_ended = False
        """The input has ended, by Ctrl-D or with its terminal: no line follows."""
        self._changed = asyncio.Event()
        self._rest = ""

    def feed(self, text: str) -> None:
        """Take typed text; ``""`` is the end of the input."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if not self.lines.full():
                self.lines.put_nowait(line.strip())
        self._has_ended = self._has_ended or not text
        self._changed.set()

    async def next_line(self) -> str | None:
        """The next line, however long it takes; None at the end of the input."""
        while self.lines.empty():
            if self._has_ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self.lines.get_nowait()

    async def ask(self, connection: Connection) -> str:
        """The next line, however long it takes; keeps the connection in use meanwhile. Empty at the end of the input."""
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    return await self.next_line() or ""
            except TimeoutError:
                await connection.execute("select 1")


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and the end of the terminal cancel this task while the block runs, as Ctrl-C does, so that it can tidy up."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None:
        raise RuntimeError("no task runs")
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    for number in numbers:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


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
