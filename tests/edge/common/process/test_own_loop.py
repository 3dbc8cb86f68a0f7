"""A coroutine in a thread with an event loop of its own: its end, its fault, its cancellation."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from pytest_mock import MockerFixture

from edge.common.process import own_loop
from edge.common.process.own_loop import OwnLoop


async def test_work_runs_in_a_thread_and_takes_calls() -> None:
    thread, names, woken = OwnLoop("apart"), list[str](), list[asyncio.Event]()

    async def work() -> None:
        names.append(threading.current_thread().name)
        woken.append(asyncio.Event())
        await woken[0].wait()

    running = asyncio.create_task(thread.run(work))
    async with asyncio.timeout(10.0):
        while not woken:
            await asyncio.sleep(0.001)
        thread.call(lambda: woken[0].set())
        await running
    assert names == ["apart"]
    thread.call(lambda: names.append("late"))  # without effect: the loop has ended


async def test_fault_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await OwnLoop("apart").run(work)


async def test_cancelled_work_ends_with_its_cleaning_up() -> None:
    begun, cleaned = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600.0)
        finally:
            cleaned.set()

    running = asyncio.create_task(OwnLoop("apart").run(work))
    await asyncio.to_thread(begun.wait, 10.0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cleaned.is_set()


async def test_work_that_is_cancelled_before_its_start_ends(mocker: MockerFixture) -> None:
    started, may_run = threading.Thread.start, threading.Event()

    def start_late(thread: threading.Thread) -> None:
        run = thread.run
        thread.run = lambda: may_run.wait(10.0) and run()  # type: ignore[method-assign, assignment]
        started(thread)

    mocker.patch.object(threading.Thread, "start", start_late)

    async def work() -> None:
        await asyncio.sleep(3600.0)

    running = asyncio.create_task(OwnLoop("late").run(work))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    may_run.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert "late" not in {thread.name for thread in threading.enumerate()}


async def test_work_that_does_not_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_loop, "STOP_WITHIN_S", 0.05)
    begun, ends = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        ends.wait(10.0)

    running = asyncio.create_task(OwnLoop("hung").run(work))
    await asyncio.to_thread(begun.wait, 10.0)
    before = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - before < 5.0
    ends.set()
    for thread in threading.enumerate():
        if thread.name == "hung":
            await asyncio.to_thread(thread.join, 10.0)
