"""What a process tells whoever looks after it: that it runs, how it is in one line, and that its loops go on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NoReturn

from edge.common.process.logs import Transitions
from edge.common.process.progress import Progress, Tick
from edge.common.process.systemd import Notifier

LOOK_EVERY_S = 1.0
DATABASE_LOOP_S = 60.0
"""Longest round of a loop that talks to the database: a few statements, each with its own deadline of 10 s."""

log = logging.getLogger(__name__)


class Supervision:
    """Feeds the watchdog while every loop goes on. A loop that hangs is told of, and systemd ends the process."""

    def __init__(self, notifier: Notifier | None = None) -> None:
        self._notifier = notifier or Notifier(None)
        self._progress = Progress()
        self._ready = False
        self._status = ""
        self._fed_at = float("-inf")
        self._loops = Transitions(log, "loops")
        self._way = Transitions(log, "telling systemd")

    def loop(self, name: str, deadline_s: float = DATABASE_LOOP_S) -> Tick:
        """Watch a loop; it calls the result each time it comes round, at least every ``deadline_s``."""
        return self._progress.loop(name, deadline_s)

    async def run(self, status: Callable[[], str]) -> NoReturn:
        """From now on the process counts as started; ``status`` says in one line how it is. For ever."""
        wait_s = min(LOOK_EVERY_S, (self._notifier.watchdog_s or LOOK_EVERY_S * 4) / 4)
        while True:
            self._look(time.monotonic(), status())
            await asyncio.sleep(wait_s)

    def stopping(self) -> None:
        """The process was asked to end, and does."""
        self._tell(["STOPPING=1", "STATUS=stopping"])

    def _look(self, now: float, status: str) -> None:
        hung = self._progress.hung(now)
        if hung:
            self._loops.enter("hung", f"{', '.join(hung)}; the watchdog is not fed any more")
        elif self._loops.state is not None:
            self._loops.enter("going on")
        news = [] if self._ready else ["READY=1"]
        if status != self._status:
            news.append(f"STATUS={status}")
        watchdog_s = self._notifier.watchdog_s
        feed = watchdog_s is not None and not hung and now >= self._fed_at + watchdog_s / 4
        if feed:
            news.append("WATCHDOG=1")
        if news and self._tell(news):
            self._ready, self._status = True, status
            self._fed_at = now if feed else self._fed_at

    def _tell(self, news: list[str]) -> bool:
        """Whether it was told; if not, it is told again with the next look."""
        try:
            self._notifier.tell(*news)
        except OSError as fault:
            self._way.enter("failed", f"{fault}; trying again")
            return False
        if self._way.state is not None:
            self._way.enter("works again")
        return True
