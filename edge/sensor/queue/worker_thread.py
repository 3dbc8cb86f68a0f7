"""A thread that does blocking work for the event loop, one step after the other, and never delays the process's end.

The standard executors join their threads at the end of the process: a disk that does not answer would keep it alive.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class WorkerThread:
    """A daemon thread, started with its first work."""

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Queue ``work``; the future has its result or its exception.

        Work that is cancelled before its turn is skipped; work that has begun is finished.
        """
        outcome: Future[T] = Future()
        awaited = asyncio.wrap_future(outcome)

        def run() -> None:
            # The loop passes a cancel on to ``outcome`` only on its next turn: this thread may come first.
            if awaited.cancelled() or not outcome.set_running_or_notify_cancel():
                return
            try:
                result = work()
            except BaseException as fault:  # noqa: BLE001 - raised again where it is awaited
                outcome.set_exception(fault)
            else:
                outcome.set_result(result)

        if self._thread.ident is None:
            self._thread.start()
        self._queue.put(run)
        return awaited

    def end(self, *, wait: bool) -> None:
        """Take no more work. With ``wait`` block until the queued work is done and the thread has ended."""
        self._queue.put(None)
        if wait and self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
