"""The worker thread: works in order, passes exceptions on, and never delays the end of a process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from edge.sensor.queue.worker_thread import WorkerThread

STUCK = """
import asyncio, time
from edge.sensor.queue.worker_thread import WorkerThread

async def main():
    thread = WorkerThread("stuck")
    try:
        async with asyncio.timeout(0.1):
            await thread.do(lambda: time.sleep(300))
    except TimeoutError:
        thread.end(wait=False)

asyncio.run(main())
"""


@pytest.fixture
def thread() -> Iterator[WorkerThread]:
    one = WorkerThread("test")
    yield one
    one.end(wait=True)


async def test_work_is_done_in_order_off_the_loop(thread: WorkerThread) -> None:
    done: list[int] = []
    await asyncio.gather(*(thread.do(partial(done.append, number)) for number in range(50)))
    assert done == list(range(50))
    assert await thread.do(threading.current_thread) is not threading.current_thread()


async def test_exception_is_raised_where_it_is_awaited(thread: WorkerThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await thread.do(lambda: 1 // 0)
    assert await thread.do(lambda: 1) == 1


async def test_work_cancelled_before_its_turn_is_skipped(thread: WorkerThread) -> None:
    go, done = threading.Event(), []
    first = thread.do(lambda: go.wait(30))
    second = thread.do(lambda: done.append("second"))
    second.cancel()
    await asyncio.sleep(0)  # the loop passes the cancel on in its next turn
    go.set()
    assert await first
    await thread.do(lambda: done.append("third"))
    assert done == ["third"]


def test_process_ends_while_its_thread_is_stuck() -> None:
    ended = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
