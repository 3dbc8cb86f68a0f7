"""The watchdog is fed while every loop goes on, and by nothing else."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.common.process.supervision import Supervision
from edge.common.process.systemd import Notifier

WATCHDOG_S = 0.4


class Manager:
    """The notifications that systemd would have received so far."""

    def __init__(self, path: Path) -> None:
        self.messages: list[list[str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.path = str(path)

    async def until(self, condition: Callable[[list[str]], bool], within_s: float = 20.0) -> list[str]:
        async with asyncio.timeout(within_s):
            while True:
                lines = (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode().split("\n")
                self.messages.append(lines)
                if condition(lines):
                    return lines

    def drain(self) -> None:
        try:
            while True:
                self.messages.append(self._socket.recv(4096).decode().split("\n"))
        except BlockingIOError:
            return

    def close(self) -> None:
        self._socket.close()


@asynccontextmanager
async def supervised(
    path: Path, supervision: Callable[[Notifier], Supervision], status: Callable[[], str]
) -> AsyncIterator[Manager]:
    manager = Manager(path)
    task = asyncio.create_task(supervision(Notifier(manager.path, WATCHDOG_S)).run(status))
    try:
        yield manager
    finally:
        task.cancel()
        await asyncio.wait({task})
        manager.close()


async def test_ready_comes_first_and_status_only_when_it_changes(short_path: Path) -> None:
    words = ["opening bow-1"]
    async with supervised(short_path / "n", Supervision, lambda: words[0]) as manager:
        assert await manager.until(lambda _: True) == ["READY=1", "STATUS=opening bow-1", "WATCHDOG=1"]
        assert await manager.until(lambda _: True) == ["WATCHDOG=1"]
        words[0] = "reading bow-1"
        assert "STATUS=reading bow-1" in await manager.until(lambda lines: len(lines) > 1 or "WATCHDOG=1" not in lines)


async def test_a_hung_loop_is_named_and_stops_the_watchdog(short_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ticks: list[Callable[[], None]] = []

    def build(notifier: Notifier) -> Supervision:
        supervision = Supervision(notifier)
        ticks.append(supervision.loop("writer", 0.3))
        return supervision

    caplog.set_level(logging.INFO)
    looks = 0

    def status() -> str:
        nonlocal looks
        looks += 1
        return f"look {looks}"

    def fed(lines: list[str]) -> bool:
        return "WATCHDOG=1" in lines

    async with supervised(short_path / "n", build, status) as manager:
        await manager.until(fed)
        await manager.until(lambda _: "hung" in caplog.text)
        manager.drain()
        for _ in range(5):  # it checks and reports its status, but no longer feeds the watchdog
            assert not fed(await manager.until(lambda _: True))
        ticks[0]()
        await manager.until(fed)
    assert "writer" in caplog.text
    assert "loops: running" in caplog.text


async def test_ready_is_sent_again_until_it_arrives(short_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    supervision = Supervision(Notifier(str(short_path / "n"), WATCHDOG_S))
    task = asyncio.create_task(supervision.run(lambda: "serving"))
    try:
        async with asyncio.timeout(20):
            while "notifying systemd: failed" not in caplog.text:
                await asyncio.sleep(0.01)
        manager = Manager(short_path / "n")
        try:
            assert (await manager.until(lambda _: True))[:2] == ["READY=1", "STATUS=serving"]
            supervision.stopping()
            await manager.until(lambda lines: "STOPPING=1" in lines)
        finally:
            manager.close()
    finally:
        task.cancel()
        await asyncio.wait({task})
