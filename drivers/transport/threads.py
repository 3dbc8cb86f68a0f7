"""Run blocking work in a thread of its own without losing its result.

``asyncio.to_thread`` is unsuitable: its threads are joined when the loop ends, so a driver stuck in ``open`` would keep
the process alive, and a result after the caller was cancelled, here an open port, would leak.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def run_in_thread(work: Callable[[], T], *, name: str, discard: Callable[[T], object] | None = None) -> T:
    """Run ``work`` and return its result or raise its exception. The deadline is the caller's.

    If the caller is cancelled, the thread continues alone, and ``discard`` is called with its result in a thread.
    """
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # it cannot be cancelled any more, only abandoned

    def run() -> None:
        try:
            result = work()
        except BaseException as fault:  # noqa: BLE001  (raised again where it is awaited)
            outcome.set_exception(fault)
        else:
            outcome.set_result(result)

    def throw_away(done: Future[T]) -> None:
        if discard is not None and done.exception() is None:
            threading.Thread(target=discard, args=(done.result(),), name=f"{name} (late)", daemon=True).start()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        return await asyncio.wrap_future(outcome)
    except asyncio.CancelledError:
        outcome.add_done_callback(throw_away)
        raise
    finally:
        if outcome.done():
            thread.join()  # it is about to end
