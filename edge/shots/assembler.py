"""Assembles the sessions of one share of the lanes: one statement reads what is new, one writes what came of it."""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from uuid import UUID

import asyncpg

from edge.common.postgres.connection import Connection, use_index_plans
from edge.common.postgres.database import describe_error
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick
from edge.shots.assembly.context import Parameters
from edge.shots.session import SessionAssembler, load_sessions
from edge.shots.store.readings import ReadingRow, sessions_near
from edge.shots.store.rebuilds import request_rebuild
from edge.shots.store.results import Progress, SessionResult, take_over_shots, write_results
from edge.shots.store.sessions import open_sessions, read_sessions
from edge.shots.store.shares import read_progress, share_of
from edge.shots.store.updates import Updates, pages_since, read_updates

SAVE_EVERY_S = 10.0
"""Interval between writes of the reading position: after a restart the readings since then are read again."""
SESSIONS_AT_ONCE = 20
"""Number of sessions that one pass loads, and that one transaction writes: a long one would hold back the feed."""
PASSES_AT_ONCE = 4
"""Most passes in one step: for news, for watermarks, and for a session that is loaded again in between."""
RETRY_S = 1.0
"""Interval between attempts to assemble a session whose shots the tables refuse."""
REFUSALS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.CardinalityViolationError,  # two sessions claim one orphan
)
"""Errors of a statement whose rows the tables refuse."""

log = logging.getLogger(__name__)


class SessionProgress(StrEnum):
    """Whether the database takes a session's shots, as logged."""

    STUCK = "stuck"
    RECOVERED = "assembled again"


class Assembler:
    """Keeps the open sessions of some shares of the lanes in memory, over one connection."""

    def __init__(self, connection: Connection, shares: Collection[int], tick: Tick = no_tick) -> None:
        self._connection = connection
        self._shares = shares
        self._tick = tick
        self._sessions: dict[UUID, SessionAssembler] = {}
        self._by_device: dict[str, set[UUID]] = defaultdict(set)
        self._due: dict[UUID, float] = {}
        """When each session is assembled again without news, by the monotonic clock."""
        self._to_load: set[UUID] = set()
        self._requests: dict[UUID, list[int]] = {}
        self._stuck: dict[UUID, Transitions] = {}
        """Sessions whose shots the tables refuse: loaded and tried again every second."""
        self._retry_at = -math.inf
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
        retry_at = self._retry_at if self._stuck else math.inf
        due = -math.inf if self._to_load else min(self._due.values(), default=math.inf)
        return min(due, retry_at) - time.monotonic()

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
            self._to_load |= {i for i, lane in recent.items() if share_of(lane) in self._shares}
        is_retrying = time.monotonic() >= self._retry_at
        if is_retrying:
            self._to_load |= self._stuck.keys()
        asked = self._devices_asked(notified)
        seen = await read_updates(self._connection, self._xmin, asked)
        touched = await self._take(seen, is_retrying=is_retrying)
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

    async def _take(self, seen: Updates, *, is_retrying: bool) -> set[UUID]:
        """Take the news into memory; returns the sessions in memory that they touch."""
        changed = {one.session_id: one.revision for one in seen.sessions if share_of(one.lane) in self._shares}
        stale = {i for i in changed if i in self._sessions and changed[i] != self._sessions[i].rows.revision}
        self._to_load |= {i for i in changed if i not in self._sessions}
        self._take_requests(seen)
        fresh = [reading for reading in seen.readings if reading.key not in self._seen]
        if seen.exceeds_limit:
            await self._load_for_all()
        else:
            await self._load_neighbours(fresh)
        if not is_retrying:
            self._to_load -= self._stuck.keys()
        touched = await self._refresh(stale) | await self._load()
        touched |= self._route(fresh, seen)
        touched |= self._requests.keys() & self._sessions.keys()
        self._seen = frozenset(reading.key for reading in seen.readings if reading.xid >= seen.xmin)
        self._is_unsaved |= seen.exceeds_limit or bool(fresh)
        return touched & self._sessions.keys()

    def _take_requests(self, seen: Updates) -> None:
        """Note the pending requests, and the sessions that are to be read from the tables for them."""
        self._requests = defaultdict(list)
        for request in seen.rebuilds:
            if share_of(request.lane) not in self._shares:
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
        return {row["id"] for row in rows if share_of(row["lane"]) in self._shares}

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
        loaded = await load_sessions(self._connection, group)
        for session_id, session in loaded.items():
            self._sessions[session_id] = session
            for device in session.rows.window.devices:
                self._by_device[device].add(session_id)
        for session_id in self._stuck.keys() & set(group) - loaded.keys():
            del self._stuck[session_id]  # it was deleted
        return set(loaded)

    def _forget(self, sessions: Iterable[UUID]) -> None:
        for session_id in sessions:
            self._due.pop(session_id, None)
            session = self._sessions.pop(session_id, None)
            for device in () if session is None else session.rows.window.devices:
                self._by_device[device].discard(session_id)

    def _route(self, readings: Sequence[ReadingRow], seen: Updates) -> set[UUID]:
        """Give each reading to the sessions that it may belong to, and each arrow to those that know it.

        Returns the sessions to assemble now.
        """
        touched: set[UUID] = set()
        for reading in readings:
            for session_id in self._by_device.get(reading.device_id, ()):
                session = self._sessions[session_id]
                if not session.rows.window.holds(reading.device_id, reading.instant):
                    continue
                if not session.add(reading):
                    self._to_load.add(session_id)
                touched.add(session_id)
        arrows = {arrow.id: arrow for arrow in seen.arrows}
        if arrows:
            touched |= {i for i, session in self._sessions.items() if session.take_arrows(arrows)}
        return touched

    async def _assemble(self, sessions: Sequence[UUID], seen: Updates) -> None:
        """Assemble sessions and write what changed, some at a time; then the reading position, if it is due."""
        results: list[SessionResult] = []
        for session_id in sessions:
            self._tick()
            session = self._sessions[session_id]
            result = session.assemble(seen.now, seen.watermarks)
            result.requests = self._requests.get(session_id, ())
            self._due[session_id] = time.monotonic() + session.recheck_in_s
            if session.is_done:
                self._forget([session_id])
            if not result.is_empty:
                results.append(result)
            if len(results) >= SESSIONS_AT_ONCE:
                await self._write(results, None)
                results = []
        is_due = self._is_unsaved and time.monotonic() >= self._saved_at + SAVE_EVERY_S
        # Not beyond what is written, nor past readings that wait for their watermarks.
        is_due = is_due and not self._to_load and all(due > -math.inf for due in self._due.values())
        progress = Progress(seen.xmin, self._shares) if is_due else None
        if results or progress:
            await self._write(results, progress)
        if progress:
            self._is_unsaved, self._saved_at = False, time.monotonic()

    async def _write(self, results: Sequence[SessionResult], progress: Progress | None) -> None:
        try:
            await write_results(self._connection, results, progress)
        except REFUSALS:
            # Sessions without new shots come first: one loses a shot before another takes it over.
            for result in sorted(results, key=lambda one: len(one.added)):
                await self._write_alone(result)
            await write_results(self._connection, [], progress)
            return
        for result in results:
            if (recovered := self._stuck.pop(result.session_id, None)) is not None:
                recovered.enter(SessionProgress.RECOVERED)

    async def _write_alone(self, result: SessionResult) -> None:
        """Write one session. One whose rows the tables refuse is logged and tried again, and delays no other lane."""
        try:
            await take_over_shots(self._connection, result)
            await write_results(self._connection, [result])
        except REFUSALS as fault:
            self._forget([result.session_id])
            self._retry_at = time.monotonic() + RETRY_S
            if result.session_id not in self._stuck:
                await request_rebuild(self._connection, result.session_id)
            state_log = self._stuck.setdefault(result.session_id, Transitions(log, f"session {result.session_id}"))
            state_log.enter(
                SessionProgress.STUCK,
                f"the database refuses its shots ({describe_error(fault)}). Other lanes continue. Please report this as a bug.",
            )
        else:
            if (recovered := self._stuck.pop(result.session_id, None)) is not None:
                recovered.enter(SessionProgress.RECOVERED)
