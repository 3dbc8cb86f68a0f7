"""Supervision of one service process: readiness, one status line and the watchdog, reported to systemd."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import NoReturn

from edge.common.process.logs import Transitions
from edge.common.process.progress import Progress, Tick
from edge.common.process.systemd import Notifier

CHECK_EVERY_S = 3.3
"""Longest interval between checks of the loops."""
DATABASE_LOOP_S = 60.0
"""Longest round of a loop that uses the database: a few statements, each with its own deadline of 10 s."""

log = logging.getLogger(__name__)


class LoopsState(StrEnum):
    """The state of the loops of a process, as logged."""

    RUNNING = "running"
    HUNG = "hung"


class NotifyingState(StrEnum):
    """Whether systemd takes notifications, as logged."""

    FAILED = "failed"
    RECOVERED = "works again"


class Supervision:
    """Feeds the watchdog while every loop makes progress. A loop that hangs is logged, and systemd ends the process."""

    def __init__(self, notifier: Notifier | None = None) -> None:
        self._notifier = notifier or Notifier(None)
        self._progress = Progress()
        self._ready = False
        self._status = ""
        self._fed_at = float("-inf")
        self._loops = Transitions(log, "loops")
        self._notifying = Transitions(log, "notifying systemd")

    def loop(self, name: str, deadline_s: float = DATABASE_LOOP_S) -> Tick:
        """Watch a loop. It calls the result in each round, at least every ``deadline_s``."""
        return self._progress.loop(name, deadline_s)

    async def run(self, status: Callable[[], str]) -> NoReturn:
        """Report the process as started, then its status and watchdog until cancelled. ``status`` returns one line."""
        wait_s = min(CHECK_EVERY_S, (self._notifier.watchdog_s or CHECK_EVERY_S * 3) / 3)
        while True:
            self._check(time.monotonic(), status())
            await asyncio.sleep(wait_s)

    def stopping(self) -> None:
        """Report that the process is stopping."""
        self._notify(["STOPPING=1", "STATUS=stopping"])

    def _check(self, now: float, status: str) -> None:
        hung = self._progress.hung(now)
        if hung:
            self._loops.enter(LoopsState.HUNG, f"{', '.join(hung)}; the watchdog is no longer fed")
        elif self._loops.state is not None:
            self._loops.enter(LoopsState.RUNNING)
        assignments = [] if self._ready else ["READY=1"]
        if status != self._status:
            assignments.append(f"STATUS={status}")
        watchdog_s = self._notifier.watchdog_s
        feed = watchdog_s is not None and not hung and now >= self._fed_at + watchdog_s / 4
        if feed:
            assignments.append("WATCHDOG=1")
        if assignments and self._notify(assignments):
            self._ready, self._status = True, status
            self._fed_at = now if feed else self._fed_at

    def _notify(self, assignments: list[str]) -> bool:
        """Send to systemd; False when that failed: the next round sends again."""
        try:
            self._notifier.notify(*assignments)
        except OSError as fault:
            self._notifying.enter(NotifyingState.FAILED, f"{fault}; trying again")
            return False
        if self._notifying.state is not None:
            self._notifying.enter(NotifyingState.RECOVERED)
        return True
