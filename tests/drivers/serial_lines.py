"""The far end of a serial line, for tests: a pseudo terminal behind a symlink."""

from __future__ import annotations

import asyncio
import os
import select
import tty
from contextlib import suppress
from pathlib import Path


class FarEnd:
    """Holds the master of a pseudo terminal whose slave is linked at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        path.symlink_to(os.ttyname(self._slave))

    def has_room(self) -> bool:
        """Whether the near side's queue accepts bytes now."""
        return bool(select.select([], [self.master], [], 0)[1])

    def send(self, data: bytes) -> None:
        assert os.write(self.master, data) == len(data)

    def send_some(self, data: bytes) -> None:
        """Send as much as the near side's queue accepts now."""
        if self.has_room():
            with suppress(BlockingIOError):
                os.write(self.master, data)

    async def receive(self, timeout_s: float = 20.0) -> bytes:
        """Wait for the next bytes from the near side."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[None] = loop.create_future()

        def notify() -> None:
            if not came.done():
                came.set_result(None)

        loop.add_reader(self.master, notify)
        try:
            async with asyncio.timeout(timeout_s):
                await came
        finally:
            loop.remove_reader(self.master)
        return os.read(self.master, 65536)

    def hang_up(self) -> None:
        """Unplug the cable: the port's name disappears and the line breaks."""
        if self.master >= 0:
            self.path.unlink()
            os.close(self._slave)
            os.close(self.master)
            self.master = -1
