"""Run what may block in a thread of its own, without ever losing what it made.

``asyncio.to_thread`` will not do: its threads are joined when the loop ends, so that a driver stuck in ``open`` would
keep the process from ending, and a result that comes after the caller was cancelled is dropped, here an open port.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def run_in_thread(work: Callable[[], T], *, name: str, discard: Callable[[T], object] | None = None) -> T:
    """The result of ``work``, or the exception it raised.

    When the caller is cancelled meanwhile the thread goes on alone, and ``discard`` gets what it makes, in a thread.
    Bounded only by the caller's own deadline.
    """
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # from here on it cannot be cancelled, only left alone

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
            thread.join()  # it has nothing left to do but to end
