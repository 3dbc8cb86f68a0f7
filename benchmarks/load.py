"""One load on an assembler of its own: arrows shot at a given rate, and the cost of each until its event is readable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.commit_floor import CREATE, EVENTS, READY, Landings, listen
from benchmarks.figures import percentile
from benchmarks.hub import CHANNEL, Hub, eventually
from benchmarks.lanes import Range, open_range
from benchmarks.proc import cpu_s
from edge.common.postgres.connection import Connection
from edge.common.postgres.feed import RECHECK_S, FeedCursor, current_cursor, read_page
from edge.common.vocabulary import Result

DATABASE = "load"
PAGE = 100
ASSEMBLED_WITHIN_S = 600.0
"""Deadline for the shots that were shot before."""
READABLE_WITHIN_S = 30.0
"""Time after the last landing at which the events still missing count as that late."""


class Load(NamedTuple):
    """A load on one assembler."""

    lanes: int
    arrows: int
    """Arrows already in each session."""
    rate: float
    """Landings per second of all lanes."""
    shots: int
    """Arrows to shoot."""
    chatter: float = 0.0
    """Landings per second of a sensor that chatters, on a further lane without a bow."""

    def __str__(self) -> str:
        lanes = "1 lane" if self.lanes == 1 else f"{self.lanes} lanes"
        beside = f", beside a sensor that chatters at {self.chatter:g}/s" if self.chatter else ""
        return f"{lanes}, {self.arrows} arrows each, {self.rate:g} landings/s{beside}"


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a load."""

    cpu_ms: float
    """Processor time of the assembler for each shot, with everything else that it does meanwhile."""
    database_ms: float
    """The same of its connections in the database server."""
    p50_ms: float
    """From the commit of a landing until the event of its shot is readable."""
    p99_ms: float
    floor_p50_ms: float
    """The same where a listener writes an event for each landing and nothing is computed."""
    floor_p99_ms: float


class FeedWatcher:
    """Reads the feed as the push service does, and records when the event of each landing was readable."""

    def __init__(self, connection: Connection) -> None:
        self.readable: dict[tuple[str, int], float] = {}
        """By target and number of the landing, on the clock of ``time.perf_counter``."""
        self._connection = connection
        self._heard = asyncio.Event()

    async def run(self, cursor: FeedCursor) -> None:
        """Read until cancelled."""
        await self._connection.add_listener(CHANNEL, lambda *_: self._heard.set())
        self._heard.set()
        pause: float | None = None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._heard.wait()
            self._heard.clear()
            page = await read_page(self._connection, cursor, PAGE)
            now, cursor = time.perf_counter(), page.cursor
            for event in page.events:
                if event.type.startswith("shot.") and event.data["landing_seq"] is not None:
                    key = (event.data["landing_device_id"], event.data["landing_seq"])
                    self.readable.setdefault(key, now)
            pause = RECHECK_S if page.more_soon else None


class LoadedRange:
    """A range whose sessions hold the arrows shot before, with its daemons, and no assembler yet."""

    def __init__(self, running: Hub, load: Load, lanes: Range, connection: Connection, watcher: FeedWatcher) -> None:
        self.lanes = lanes
        self.connection = connection
        self._running = running
        self._load = load
        self._watcher = watcher

    async def start(self) -> int:
        """Start an assembler, wait until it has assembled every landing and one more; returns its pid."""
        pid = self._running.start(["archstats-shots"], {"POSTGRES_DB": DATABASE})
        await eventually(self._is_assembled, "the assembly of the earlier arrows", ASSEMBLED_WITHIN_S)
        await self._until_readable(await self._shoot_one())
        return pid

    async def restart_s(self) -> float:
        """Shoot one arrow while no assembler runs; returns the seconds from the start of one to the shot's event."""
        landing = await self._shoot_one()
        began = time.perf_counter()
        pid = self._running.start(["archstats-shots"], {"POSTGRES_DB": DATABASE})
        await self._until_readable(landing)
        self._running.stop(pid)
        return self._watcher.readable[landing] - began

    async def measure(self, pid: int, floor_s: list[float]) -> Cost:
        """Shoot, and return the cost."""
        self.lanes.landed.clear()
        backends = await self._backends()
        before, database_before = cpu_s(pid), sum(map(cpu_s, backends))
        async with asyncio.TaskGroup() as tasks:
            chatter = tasks.create_task(self.lanes.chatter(self._load.chatter))
            await self.lanes.shoot(self._load.shots, self._load.rate)
            chatter.cancel()
        with suppress(TimeoutError):
            await eventually(lambda: self.lanes.landed.keys() <= self._watcher.readable.keys(), "", READABLE_WITHIN_S)
        spent, database_spent = cpu_s(pid) - before, sum(map(cpu_s, backends)) - database_before
        late = time.perf_counter()
        took = [self._watcher.readable.get(key, late) - landed for key, landed in self.lanes.landed.items()]
        shots = self._load.shots
        return Cost(
            spent / shots * 1000,
            database_spent / shots * 1000,
            *(percentile(seconds, part) * 1000 for seconds in (took, floor_s) for part in (0.5, 0.99)),
        )

    async def floor_s(self) -> list[float]:
        """Return the seconds of two commits with nothing computed, for landings at the same rate."""
        await self.connection.execute(CREATE)
        started = self._running.output().count(READY)
        pid = self._running.start(["python", "-m", "benchmarks.commit_floor", "events"], {"POSTGRES_DB": DATABASE})
        await eventually(lambda: self._running.output().count(READY) > started, "the floor")
        readable: dict[str, float] = {}
        committed: dict[str, float] = {}
        listening = await self._running.connect(DATABASE)

        def take(token: str) -> None:
            readable[token] = time.perf_counter()

        await listen(listening, EVENTS, take)
        landings, due = Landings(self.connection), time.monotonic()
        for number in range(self._load.shots):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await landings.commit(str(number))
            committed[str(number)] = time.perf_counter()
            due += 1 / self._load.rate
        await eventually(lambda: committed.keys() <= readable.keys(), "the floor's last event")
        self._running.stop(pid)
        await listening.close()
        return [readable[token] - at for token, at in committed.items()]

    async def _shoot_one(self) -> tuple[str, int]:
        await self.lanes.shoot(1, 1.0)
        return next(reversed(self.lanes.landed))

    async def _until_readable(self, landing: tuple[str, int]) -> None:
        await eventually(lambda: landing in self._watcher.readable, "the event of a landing", ASSEMBLED_WITHIN_S)

    async def _is_assembled(self) -> bool:
        rows = await self.connection.fetch("select result, count(*) as shots from shots group by result")
        results = {Result(row["result"]): int(row["shots"]) for row in rows}
        if results.keys() - {Result.PENDING, Result.HIT}:
            raise RuntimeError(f"the arrows shot before became {results}: each of them has a landing on the face")
        return results.get(Result.HIT, 0) >= self._load.lanes * self._load.arrows

    async def _backends(self) -> list[int]:
        rows = await self.connection.fetch(
            "select pid from pg_stat_activity where datname = current_database() and application_name like 'archstats-shots%'"
        )
        if not rows:
            raise RuntimeError("the assembler has no connection to the database. Updates at its output.")
        return [row["pid"] for row in rows]


@asynccontextmanager
async def loaded_range(running: Hub, template: str, load: Load) -> AsyncIterator[LoadedRange]:
    """Copy the template database and fill it; the daemons keep their status rows up to date meanwhile."""
    await running.copy(template, DATABASE)
    async with AsyncExitStack() as stack:
        lanes = await stack.enter_async_context(open_range(running, DATABASE, load.lanes))
        connections = [await running.connect(DATABASE) for _ in range(2)]
        for connection in connections:
            stack.push_async_callback(connection.close)
        await lanes.set_up(load.arrows)
        watcher = FeedWatcher(connections[1])
        cursor = await current_cursor(connections[0])
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        background = [tasks.create_task(lanes.keep_statuses()), tasks.create_task(watcher.run(cursor))]
        try:
            yield LoadedRange(running, load, lanes, connections[0], watcher)
        finally:
            for task in background:
                task.cancel()


async def cost_of(running: Hub, template: str, load: Load) -> Cost:
    """Return the cost of a load, and of its floor before the assembler starts."""
    async with loaded_range(running, template, load) as loaded:
        floor_s = await loaded.floor_s()
        pid = await loaded.start()
        try:
            return await loaded.measure(pid, floor_s)
        finally:
            running.stop(pid)
