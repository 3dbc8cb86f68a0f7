"""Assembles the sessions of one share of the lanes: one statement reads what is new, one writes what came of it."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from uuid import UUID

import asyncpg

from edge.common.postgres.connection import DATABASE_FAULTS, Connection, use_index_plans
from edge.common.postgres.database import describe_error
from edge.common.process.progress import Tick, no_tick
from edge.shots.apart import Apart, Guard
from edge.shots.assembly.context import Parameters
from edge.shots.session import SessionAssembler, load_sessions
from edge.shots.store.readings import ReadingRow, TooManyReadings, sessions_near
from edge.shots.store.rebuilds import request_rebuild
from edge.shots.store.results import Progress, SessionResult, take_over_shots, write_results
from edge.shots.store.sessions import open_sessions, read_sessions
from edge.shots.store.shares import read_progress, share_of
from edge.shots.store.updates import Updates, pages_since, read_updates
from edge.shots.stuck import StuckSessions

SAVE_EVERY_S = 10.0
"""Interval between writes of the reading position: after a restart the readings since then are read again."""
SESSIONS_AT_ONCE = 20
"""Number of sessions that one pass loads, and that one transaction writes: a long one would hold back the feed."""
PASSES_AT_ONCE = 4
"""Most passes in one step: for news, for watermarks, and for a session that is loaded again in between."""
LOADED_READINGS = 1000
ASSEMBLED_READINGS = 400
ASSEMBLED_S = 0.05
"""The most that one session costs all others, in readings and in processor time; a larger one is assembled apart.

Of a session that is loaded, of its last end, and of one assembly: below 50 ms each on a processor of 2020. At the start,
when every session is loaded, they do not apply.
"""
REFUSALS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.CardinalityViolationError,  # two sessions claim one orphan
)
"""Errors of a statement whose rows the tables refuse."""

log = logging.getLogger(__name__)


class Assembler:
    """Keeps the open sessions of some shares of the lanes in memory, over one connection."""

    def __init__(
        self,
        connection: Connection,
        shares: Collection[int],
        tick: Tick = no_tick,
        *,
        slow: Apart | None = None,
        only: Callable[[], Collection[UUID]] | None = None,
        guard: Guard = nullcontext,
    ) -> None:
        """Assemble the sessions of the shares but those that ``slow`` has taken; or the sessions ``only``, without limits.

        ``guard`` is entered for each write, and yields those of its results that may be written.
        """
        self._connection = connection
        self._shares = shares
        self._tick = tick
        self._slow = slow
        self._only = only
        self._guard = guard
        self._sessions: dict[UUID, SessionAssembler] = {}
        self._by_device: dict[str, set[UUID]] = defaultdict(set)
        self._due: dict[UUID, float] = {}
        """When each session is assembled again without news, by the monotonic clock."""
        self._to_load: set[UUID] = set()
        self._requests: dict[UUID, list[int]] = {}
        self._stuck = StuckSessions()
        self._starting: set[UUID] = set()
        """Sessions that are loaded for the first time, whatever their size."""
        self._loaded_for: set[int] = set()
        """Pending requests whose session was read from the tables for them."""
        self._xmin: int | None = None
        self._seen: frozenset[object] = frozenset()
        """Readings of transactions that the next pass reads again, because an older one has not ended."""
        self._is_unsaved = False
        """Readings were read since the reading position was last stored."""
        self._saved_at = -math.inf

    @property
    def next_due_s(self) -> float:
        """Seconds until time alone may change a session; infinity for never, negative when it is late."""
        due = -math.inf if self._to_load else min(self._due.values(), default=math.inf)
        return min(due, self._stuck.next_retry) - time.monotonic()

    def watches(self, devices: Collection[str]) -> bool:
        """Whether any of the devices is, or was, of a session in memory; also for an empty name, which means all."""
        return any(not device or device in self._by_device for device in devices)

    def load(self, sessions: Iterable[UUID]) -> None:
        """Load sessions from the tables with the next step."""
        self._to_load.update(sessions)

    def recheck_all(self) -> None:
        """Assemble every session in memory with the next step: a watermark may have changed since the last one."""
        self._due |= dict.fromkeys(self._sessions, -math.inf)

    async def step(self, notified: Iterable[str] = ()) -> None:
        """Read what is new, and bring the tables up to date; ``notified`` are devices that probably have new readings.

        A session whose devices did not notify needs a second pass, which reads their watermarks too. Where many sessions are
        to be loaded, further steps are due at once.
        """
        await self._read_and_assemble(notified)
        for _ in range(PASSES_AT_ONCE - 1):
            if self._to_load or -math.inf in self._due.values():
                await self._read_and_assemble(())

    async def _read_and_assemble(self, notified: Iterable[str]) -> None:
        if self._xmin is None:
            self._xmin = await read_progress(self._connection, self._shares)
            await use_index_plans(self._connection)
            await write_results(self._connection, [])
            recent = await open_sessions(self._connection, Parameters().late_accept_s)
            self._starting = {i for i, lane in recent.items() if self._owns(i, lane)}
            self._to_load |= self._starting
        self._to_load |= self._stuck.due()
        asked = self._devices_asked(notified)
        seen = await read_updates(self._connection, self._xmin, asked)
        touched = await self._take(seen)
        now = time.monotonic()
        touched |= {i for i, due in self._due.items() if due <= now}
        touched -= self._to_load
        ready = [i for i in sorted(touched) if self._sessions[i].rows.window.devices.keys() <= asked]
        self._due |= dict.fromkeys(touched.difference(ready), -math.inf)  # once their watermarks are read too
        await self._assemble(ready, seen)
        self._xmin = seen.xmin

    def _devices_asked(self, notified: Iterable[str]) -> set[str]:
        """The devices whose watermarks the sessions need that are due, or for whose devices the doorbell rang."""
        now = time.monotonic()
        sessions = {i for i, due in self._due.items() if due <= now}
        for device in notified:
            sessions |= self._by_device.get(device, set())
        return {device for i in sessions for device in self._sessions[i].rows.window.devices}

    async def _take(self, seen: Updates) -> set[UUID]:
        """Take the news into memory; returns the sessions in memory that they touch."""
        deleted = [one.session_id for one in seen.sessions if one.lane is None]
        self._forget(deleted)
        self._stuck.forget(deleted)
        changed = {one.session_id: one.revision for one in seen.sessions if self._owns(one.session_id, one.lane)}
        stale = {i for i in changed if i in self._sessions and changed[i] != self._sessions[i].rows.revision}
        self._to_load |= {i for i in changed if i not in self._sessions}
        self._take_requests(seen)
        fresh = [reading for reading in seen.readings if reading.key not in self._seen]
        if seen.exceeds_limit:
            await self._load_for_all()
        else:
            await self._load_neighbours(fresh)
        self._to_load -= self._stuck.waiting()
        touched = await self._refresh(stale) | await self._load()
        touched |= await self._route(fresh, seen)
        touched |= self._requests.keys() & self._sessions.keys()
        self._seen = frozenset(reading.key for reading in seen.readings if reading.xid >= seen.xmin)
        self._is_unsaved |= seen.exceeds_limit or bool(fresh)
        return touched & self._sessions.keys()

    def _take_requests(self, seen: Updates) -> None:
        """Note the pending requests, and the sessions that are to be read from the tables for them."""
        self._requests = defaultdict(list)
        for request in seen.rebuilds:
            if not self._owns(request.session_id, request.lane):
                continue
            self._requests[request.session_id].append(request.id)
            if request.session_id not in self._sessions or (request.is_whole and request.id not in self._loaded_for):
                self._to_load.add(request.session_id)
        self._loaded_for = {i for requests in self._requests.values() for i in requests}

    async def _load_for_all(self) -> None:
        """Load every session that any of very many new readings may belong to from the tables, and not again."""
        self._saved_at = -math.inf
        async for page in pages_since(self._connection, self._xmin or 0):
            self._tick()
            self._to_load |= await self._of_shares(await sessions_near(self._connection, page))

    async def _load_neighbours(self, readings: Sequence[ReadingRow]) -> None:
        """Load the sessions not in memory that late readings, or readings between two sessions, may belong to."""
        others = [reading for reading in readings if not self._has_one_session(reading)]
        if self._only is not None:
            others = [reading for reading in others if reading.device_id in self._by_device]
        if others:
            near = await sessions_near(self._connection, others)
            self._to_load |= await self._of_shares(near - self._sessions.keys())

    def _has_one_session(self, reading: ReadingRow) -> bool:
        """Whether a session in memory holds the reading and no other session can."""
        windows = [self._sessions[i].rows.window for i in self._by_device.get(reading.device_id, ())]
        instant = reading.instant
        return any(w.is_open and w.began_before(instant) and w.holds(reading.device_id, instant) for w in windows)

    async def _of_shares(self, sessions: Collection[UUID]) -> set[UUID]:
        """Those of some sessions whose lanes are of this assembler's shares."""
        if not sessions:
            return set()
        rows = await self._connection.fetch("select id, lane from sessions where id = any($1)", list(sessions))
        return {row["id"] for row in rows if self._owns(row["id"], row["lane"])}

    def _owns(self, session_id: UUID, lane: int | None) -> bool:
        if self._only is not None:
            return session_id in self._only()
        return (
            lane is not None and share_of(lane) in self._shares and (self._slow is None or session_id not in self._slow)
        )

    async def _refresh(self, sessions: Collection[UUID]) -> set[UUID]:
        """Read the rows of sessions in memory again, apart from their readings."""
        rows = await read_sessions(self._connection, sessions)
        for session_id in sessions:
            if session_id not in rows or self._sessions[session_id].take(rows[session_id]):
                self._to_load.add(session_id)
        return set(rows)

    async def _load(self) -> set[UUID]:
        """Read some of the sessions that are to be loaded; returns those that exist.

        The next pass reads further ones, when these are written: after a long outage all of them together would not fit into
        memory.
        """
        group = sorted(self._to_load)[:SESSIONS_AT_ONCE]
        self._to_load.difference_update(group)
        self._tick()
        self._forget(group)
        loaded = await self._loaded(group)
        for session_id, session in loaded.items():
            self._sessions[session_id] = session
            for device in session.rows.window.devices:
                self._by_device[device].add(session_id)
        return set(loaded)

    async def _loaded(self, sessions: Sequence[UUID]) -> dict[UUID, SessionAssembler]:
        """Load sessions; of several each alone, where one of them is too large or fails."""
        is_limited = self._slow is not None and not self._starting.issuperset(sessions)
        most_readings = LOADED_READINGS if is_limited else None
        try:
            loaded = await load_sessions(self._connection, sessions, most_readings)
        except TooManyReadings:
            if len(sessions) == 1:
                await self._hand_over(sessions[0])
                return {}
        except Exception as fault:  # what one session's rows raise must not stop the other lanes
            if isinstance(fault, DATABASE_FAULTS) and not isinstance(fault, REFUSALS):
                raise
            if len(sessions) == 1:
                await self._set_aside(sessions[0], "its rows cannot be loaded", fault)
                return {}
        else:
            self._starting.difference_update(sessions)
            self._stuck.forget(set(sessions) - loaded.keys())  # they were deleted
            return loaded
        each = [await self._loaded([session_id]) for session_id in sessions]
        return {session_id: session for one in each for session_id, session in one.items()}

    async def _hand_over(self, session_id: UUID) -> None:
        """Have a session assembled apart: it would cost the other lanes too much time.

        A start loads every open session; for a closed one a request is the record that it is not up to date.
        """
        self._forget([session_id])
        self._stuck.forget([session_id])  # a failure left a request, which is now completed apart
        row = await self._connection.fetchrow("select lane, is_opened from sessions where id = $1", session_id)
        if row is None or self._slow is None:
            return
        if not row["is_opened"]:
            await request_rebuild(self._connection, session_id)
        self._slow.take(session_id, row["lane"])

    async def _set_aside(self, session_id: UUID, what: str, fault: Exception) -> None:
        """Try a session again later. After a restart the request for it is the only record that it is not up to date."""
        self._forget([session_id])
        reason = f"{what} ({type(fault).__name__}: {describe_error(fault)})"
        if self._stuck.add(session_id, reason):
            log.debug("session %s", session_id, exc_info=fault)
            await request_rebuild(self._connection, session_id)

    def _forget(self, sessions: Iterable[UUID]) -> None:
        for session_id in sessions:
            self._due.pop(session_id, None)
            session = self._sessions.pop(session_id, None)
            for device in () if session is None else session.rows.window.devices:
                self._by_device[device].discard(session_id)

    async def _route(self, readings: Sequence[ReadingRow], seen: Updates) -> set[UUID]:
        """Give each reading to the sessions that it may belong to, and each arrow to those that know it.

        Returns the sessions to assemble now.
        """
        touched: set[UUID] = set()
        failed: dict[UUID, Exception] = {}
        for reading in readings:
            for session_id in self._by_device.get(reading.device_id, ()):
                session = self._sessions[session_id]
                if not session.rows.window.holds(reading.device_id, reading.instant):
                    continue
                try:
                    if not session.add(reading):
                        self._to_load.add(session_id)
                except Exception as fault:  # noqa: BLE001 - a reading must not stop the other lanes
                    failed[session_id] = fault
                touched.add(session_id)
        for session_id, cause in failed.items():
            await self._set_aside(session_id, "it takes no further reading", cause)
        arrows = {arrow.id: arrow for arrow in seen.arrows}
        if arrows:
            touched |= {i for i, session in self._sessions.items() if session.take_arrows(arrows)}
        return touched

    async def _assemble(self, sessions: Sequence[UUID], seen: Updates) -> None:
        """Assemble sessions and write what changed, some at a time; then the reading position, if it is due."""
        results: list[SessionResult] = []
        slow: set[UUID] = set()
        for session_id in sessions:
            self._tick()
            began = time.thread_time()
            may_take_long = self._slow is None or self._sessions[session_id].is_new
            result = await self._assemble_session(session_id, seen)
            if not may_take_long and time.thread_time() - began > ASSEMBLED_S:
                slow.add(session_id)
            if result is not None and not result.is_empty:
                results.append(result)
            if len(results) >= SESSIONS_AT_ONCE:
                await self._write(results, None)
                results = []
            elif len(sessions) > 1:
                await asyncio.sleep(0)  # one computation follows the other: let the loop answer in between
        is_due = self._is_unsaved and self._only is None and time.monotonic() >= self._saved_at + SAVE_EVERY_S
        # Not beyond what is written, nor past readings that wait for their watermarks.
        is_due = is_due and not self._to_load and all(due > -math.inf for due in self._due.values())
        progress = Progress(seen.xmin, self._shares) if is_due else None
        if results or progress:
            await self._write(results, progress)
        if progress:
            self._is_unsaved, self._saved_at = False, time.monotonic()
        for session_id in slow & self._sessions.keys():
            await self._hand_over(session_id)

    async def _assemble_session(self, session_id: UUID, seen: Updates) -> SessionResult | None:
        """Assemble one session; None when it is to be assembled apart, or fails."""
        session = self._sessions[session_id]
        if self._slow is not None and session.is_larger_than(ASSEMBLED_READINGS):
            await self._hand_over(session_id)
            return None
        try:
            result = session.assemble(seen.now, seen.watermarks)
        except Exception as fault:  # noqa: BLE001 - a fault of one session must not stop the other lanes
            await self._set_aside(session_id, "its readings cannot be assembled", fault)
            return None
        result.requests = self._requests.get(session_id, ())
        self._due[session_id] = time.monotonic() + session.recheck_in_s
        if session.is_done:
            self._forget([session_id])
        return result

    async def _write(self, results: Sequence[SessionResult], progress: Progress | None) -> None:
        try:
            async with self._owned(results) as owned:
                await write_results(self._connection, owned, progress)
        except REFUSALS:
            # Sessions without new shots come first: one loses a shot before another takes it over.
            for result in sorted(results, key=lambda one: len(one.added)):
                await self._write_alone(result)
            await write_results(self._connection, [], progress)
            return
        for result in owned:
            self._stuck.recover(result.session_id)

    @asynccontextmanager
    async def _owned(self, results: Sequence[SessionResult]) -> AsyncIterator[Sequence[SessionResult]]:
        """The results to write now: another assembler writes a session that was given up meanwhile."""
        async with self._guard(results) as held:
            only = None if self._only is None else self._only()
            yield held if only is None else [result for result in held if result.session_id in only]

    async def _write_alone(self, result: SessionResult) -> None:
        """Write one session. One whose rows the tables refuse is logged and tried again, and delays no other lane."""
        try:
            async with self._owned([result]) as owned:
                for one in owned:
                    await take_over_shots(self._connection, one)
                    await write_results(self._connection, [one])
        except REFUSALS as fault:
            await self._set_aside(result.session_id, "the database refuses its shots", fault)
        else:
            self._stuck.recover(result.session_id)
