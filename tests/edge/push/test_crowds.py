"""Crowds of clients: a healthy one is served at all times, the limits are reached, and the log stays short."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import cycle, islice
from pathlib import Path

import pytest

from edge.common.config.settings import ServiceSettings
from tests.edge.push.crowd import EVENTS, HALF_OPEN, WEBSOCKET, Held, answer, hold, odd_requests, open_streams
from tests.edge.push.push_process import PushProcess, push_process
from tests.edge.push.serving import WITHIN_S
from tests.timing import limit_s

WAVES = 3
PARALLEL = 20
PROBE_EVERY_S = 0.05


@dataclass(frozen=True)
class Crowd:
    """Sizes of a crowd, and the descriptors of the process that serves it."""

    descriptors: tuple[int, int]
    """Soft and hard limit."""
    half_open: int
    """Requests that begin and do not go on."""
    streams: int
    """Streams that come and go, in waves."""
    odd: int
    max_streams: int
    """Streams that fit at the same time; a tenth more is tried."""


SMALL = Crowd((256, 256), half_open=300, streams=150, odd=400, max_streams=144)
FULL = Crowd((1024, 8192), half_open=3000, streams=3000, odd=5000, max_streams=2000)
"""A login's soft limit, and the limits of the unit."""


@dataclass
class Probes:
    """Checks of the health during a crowd."""

    statuses: Counter[int] = field(default_factory=Counter)
    longest_s: float = 0.0


@asynccontextmanager
async def probing(push: PushProcess) -> AsyncIterator[Probes]:
    """Check the health all the time, in a thread, because the crowd keeps this loop busy."""
    probes, ended = Probes(), threading.Event()

    def run() -> None:
        while not ended.is_set():
            began = time.monotonic()
            probes.statuses[_health(push.port)] += 1
            probes.longest_s = max(probes.longest_s, time.monotonic() - began)
            ended.wait(PROBE_EVERY_S)

    running = asyncio.create_task(asyncio.to_thread(run))
    try:
        yield probes
    finally:
        ended.set()
        await running


def _health(port: int) -> int:
    """Return the status of ``/healthz``; 0 when the connection is closed without an answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=WITHIN_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


@contextmanager
def closing(connections: list[Held]) -> Iterator[None]:
    """Close the connections at the end."""
    try:
        yield
    finally:
        for one in connections:
            one.close()


def stream_requests(count: int) -> list[bytes]:
    """Requests for streams, over both transports alike."""
    return list(islice(cycle((EVENTS, WEBSOCKET)), count))


async def come_and_go(push: PushProcess, crowd: Crowd) -> list[int]:
    """Open the streams wave by wave, each beside the one before; returns the statuses of those that were refused."""
    refused: list[int] = []
    before: list[Held] = []
    for _ in range(WAVES):
        streams, others = await open_streams(push.port, stream_requests(crowd.streams // WAVES), PARALLEL)
        refused += others
        for one in before:
            one.close()
        before = streams
    for one in before:
        one.close()
    return refused


async def send_odd_requests(push: PushProcess, count: int) -> Counter[int]:
    """Send odd requests; returns the number of each status."""
    statuses: Counter[int] = Counter()
    slots = asyncio.Semaphore(PARALLEL)

    async def one(request: bytes) -> None:
        async with slots:
            statuses[(await answer(push.port, request))[0]] += 1

    await asyncio.gather(*map(one, odd_requests(7, count)))
    return statuses


@pytest.mark.timeout(600)
@pytest.mark.parametrize("crowd", [SMALL, pytest.param(FULL, marks=pytest.mark.long)], ids=["small", "full"])
async def test_a_crowd_costs_a_healthy_client_nothing(
    database_settings: ServiceSettings, tmp_path: Path, crowd: Crowd, pytestconfig: pytest.Config
) -> None:
    async with push_process(database_settings, tmp_path, crowd.descriptors) as push:
        async with probing(push) as probes:
            with closing(await hold(push.port, HALF_OPEN, crowd.half_open)):
                refused, statuses = await asyncio.gather(come_and_go(push, crowd), send_odd_requests(push, crowd.odd))
        await _until_gone(push)
        async with probing(push) as more:
            streams, full = await open_streams(push.port, stream_requests(crowd.max_streams * 11 // 10), PARALLEL)
            with closing(streams):
                _, loaded = await push.health()
        lines = push.lines()
    assert refused == []
    assert not [status for status in statuses if status >= 500]
    for seen in (probes, more):
        assert seen.statuses.keys() == {200}
        assert seen.longest_s < limit_s(pytestconfig, 1.0)
    assert (len(streams), set(full)) == (crowd.max_streams, {503})  # the limit of streams is answered, not reset
    assert loaded["status"] == "degraded"
    assert loaded["checks"]["connections"]["refused"]["streams_full"] == len(full)
    assert len(lines) < 100
    assert not [line for line in lines if "Traceback" in line]
    print(f"health within {max(probes.longest_s, more.longest_s):.3f} s, {len(lines)} lines, {dict(statuses)}")


async def _until_gone(push: PushProcess) -> None:
    async with asyncio.timeout(30):
        while (await push.health())[1].get("clients") != 0:
            await asyncio.sleep(0.05)
