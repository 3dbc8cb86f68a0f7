"""A thread with an event loop of its own, for work that would keep the process's main loop waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress

STOP_WITHIN_S = 1.0
"""Longest wait for the thread once it is cancelled. It is a daemon thread: the process ends without it."""


class OwnLoop:
    """Runs one coroutine function in a thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None] | None] | None = None
        self._is_cancelled = False
        """Checked after ``_running`` is set, and set before that is read: so a cancel before the thread's start counts too."""

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` in a new thread until it ends; raises its exception. Cancelled, it cancels the work and waits shortly."""
        self._is_cancelled = False
        outcome: Future[None] = Future()
        outcome.set_running_or_notify_cancel()
        thread = threading.Thread(target=self._run, args=(work, outcome), name=self._name, daemon=True)
        thread.start()
        ended = asyncio.wrap_future(outcome)
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            self._is_cancelled = True
            if (running := self._running) is not None and running[1] is not None:
                self.call(running[1].cancel)
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_WITHIN_S):
                    await asyncio.shield(ended)
            raise
        finally:
            if outcome.done():
                thread.join()  # it is about to end

    def call(self, callback: Callable[[], object]) -> None:
        """Call something in the thread's loop, soon; without effect when the loop does not run."""
        if (running := self._running) is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                running[0].call_soon_threadsafe(callback)

    def _run(self, work: Callable[[], Awaitable[None]], outcome: Future[None]) -> None:
        async def main() -> None:
            self._running = asyncio.get_running_loop(), asyncio.current_task()
            try:
                if not self._is_cancelled:
                    await work()
            finally:
                self._running = None

        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            outcome.set_result(None)
        except BaseException as fault:  # noqa: BLE001 - raised again where it is awaited
            outcome.set_exception(fault)
        else:
            outcome.set_result(None)
