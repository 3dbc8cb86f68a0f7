"""The assembler's process.

Recomputes sessions when readings arrive, and every second while any shot is undecided.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import asyncpg

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, describe_error, wait_until_ready
from edge.common.postgres.feed import prune
from edge.common.postgres.listener import Listener
from edge.common.postgres.reconnect import reconnecting
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick
from edge.common.process.supervision import Supervision
from edge.shots.assembly.context import Parameters
from edge.shots.session import SessionAssembler
from edge.shots.store import readings as reading_rows
from edge.shots.store.context import read_watermarks
from edge.shots.store.rebuilds import complete_rebuilds, pending_rebuilds, request_rebuild, take_over

SWEEP_S = 1.0
"""Interval between sweeps over the sessions that time alone may change."""
LATE_DATA_RECHECK_S = 10.0
"""Interval between rechecks of closed sessions that still await late device data."""
PRUNE_EVERY_S = 3600.0
"""Interval between deletions of events past their retention: short enough that one deletion stays small."""
STANDBY_S = 1.0
"""Interval between attempts of a standing-by assembler to take over."""
SAVE_EVERY_S = 10.0
"""Interval between writes of the reading position when no shot was written: each write wears the SD card."""
SESSIONS_AT_ONCE = 20
"""Number of sessions computed in one transaction: a long transaction would hold back the feed."""

log = logging.getLogger(__name__)


class AssemblerState(StrEnum):
    """The state of the assembler's process, as logged and reported to systemd."""

    ACTIVE = "active"
    STANDING_BY = "standing by"
    INTERRUPTED = "interrupted"


class SessionProgress(StrEnum):
    """Whether the database takes a session's shots, as logged."""

    STUCK = "stuck"
    RECOVERED = "assembled again"


async def run_shots(database: Database, stop: asyncio.Event, supervision: Supervision | None = None) -> None:
    """Turn readings into shots until ``stop`` is set. May be killed at any point and restarted with the same result."""
    supervision = supervision or Supervision()
    listener = Listener(database, [f"{database.channel}_readings"], tick=supervision.loop("listener"))
    state_log = Transitions(log, "assembling")
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(listener.run()),
            tasks.create_task(_work(database, listener, stop, state_log, supervision.loop("assembler"))),
            tasks.create_task(supervision.run(lambda: _headline(state_log))),
        ]
        await stop.wait()
        for task in background:
            task.cancel()
        supervision.stopping()


def _headline(state_log: Transitions) -> str:
    match state_log.state:
        case AssemblerState.ACTIVE:
            return "assembling shots, database ok"
        case AssemblerState.STANDING_BY:
            return "standing by: another archstats-shots is active on this database"
        case _:
            return "waiting for the database"


async def _work(
    database: Database, listener: Listener, stop: asyncio.Event, state_log: Transitions, tick: Tick
) -> None:
    def on_fault(fault: Exception) -> None:
        state_log.enter(AssemblerState.INTERRUPTED, f"{describe_error(fault)}; resumes where it stopped")

    async for attempt in reconnecting(database, on_fault):
        with attempt:
            await wait_until_ready(database, stop=stop, tick=tick)
            connection = await attempt.connect()
            await _stand_by(connection, state_log, tick)
            attempt.succeed()
            state_log.enter(AssemblerState.ACTIVE)
            await Assembler(connection, listener, tick).run()


async def _stand_by(connection: Connection, state_log: Transitions, tick: Tick) -> None:
    """Wait until no other assembler is active on this database."""
    while not await take_over(connection):
        tick()
        state_log.enter(AssemblerState.STANDING_BY, "another archstats-shots is active on this database")
        await asyncio.sleep(STANDBY_S)


def _is_done(session: SessionAssembler) -> bool:
    return session.is_over and not session.undecided and not session.awaits_late_data


class Assembler:
    """Assembles the sessions of one database over one connection."""

    def __init__(self, connection: Connection, listener: Listener, tick: Tick = no_tick) -> None:
        self._connection = connection
        self._listener = listener
        self._tick = tick
        self._sessions: dict[UUID, SessionAssembler] = {}
        self._stuck: dict[UUID, Transitions] = {}
        """Sessions whose shots the tables refuse: reloaded and tried again with each sweep."""
        self._xmin: int | None = None
        self._is_unsaved = False
        """Readings were read since the reading position was last stored."""
        self._saved_at = float("-inf")
        self._swept_at = self._rechecked_at = float("-inf")
        self._pruned_at = float("-inf")

    async def run(self) -> None:
        """Assemble until the database fails; another assembler then starts from the tables."""
        while True:
            self._tick()
            await self.step()
            if time.monotonic() >= self._pruned_at + PRUNE_EVERY_S:
                self._pruned_at = time.monotonic()
                await prune(self._connection)
            await self._listener.wait(max(0.0, self._swept_at + SWEEP_S - time.monotonic()))

    async def step(self) -> None:
        """Read the new readings once and bring the tables up to date."""
        if self._xmin is None:
            self._xmin = await reading_rows.read_progress(self._connection)
        watermarks = await read_watermarks(self._connection)  # before the readings
        news = await reading_rows.read_news(self._connection, self._xmin, self._tick)
        if news.is_much:
            self._forget(news.sessions)
        touched = set(news.sessions)
        rebuilds = await pending_rebuilds(self._connection)
        self._forget(rebuilds.keys())  # a rebuild uses the tables alone
        touched |= rebuilds.keys()
        if time.monotonic() >= self._swept_at + SWEEP_S:  # even while readings arrive without a pause on another lane
            self._swept_at = time.monotonic()
            touched |= await reading_rows.open_sessions(self._connection)
            touched |= {i for i, session in self._sessions.items() if session.undecided}
            touched |= self._stuck.keys()
        else:
            touched -= self._stuck.keys()
        if time.monotonic() >= self._rechecked_at + LATE_DATA_RECHECK_S:
            if self._rechecked_at < 0:
                touched |= await reading_rows.recent_sessions(self._connection, Parameters().late_accept_s)
            self._rechecked_at = time.monotonic()
            touched |= {i for i, session in self._sessions.items() if session.awaits_late_data}
        waiting = sorted(touched)
        while len(waiting) > SESSIONS_AT_ONCE:
            group, waiting = waiting[:SESSIONS_AT_ONCE], waiting[SESSIONS_AT_ONCE:]
            async with self._connection.transaction():
                await self._update_each(group, watermarks, news.rows, rebuilds)
            self._forget_done()
        async with self._connection.transaction():
            wrote = await self._update_each(waiting, watermarks, news.rows, rebuilds)
            await self._save(news, wrote=wrote)
        self._forget_done()
        self._xmin = news.xmin

    async def _save(self, news: reading_rows.NewReadings, *, wrote: bool) -> None:
        """Store the reading position, in the transaction that holds the resulting shots."""
        self._is_unsaved |= news.is_much or bool(news.rows)
        if self._is_unsaved and (wrote or time.monotonic() >= self._saved_at + SAVE_EVERY_S):
            await reading_rows.write_progress(self._connection, news.xmin)
            self._is_unsaved, self._saved_at = False, time.monotonic()

    def _forget(self, sessions: Iterable[UUID]) -> None:
        """Drop sessions from memory: the next update loads them from the tables."""
        for session_id in sessions:
            self._sessions.pop(session_id, None)

    def _forget_done(self) -> None:
        self._forget([i for i, session in self._sessions.items() if _is_done(session)])

    async def _update_each(
        self,
        sessions: Sequence[UUID],
        watermarks: Mapping[str, Instant],
        rows: list[asyncpg.Record],
        rebuilds: Mapping[UUID, Sequence[int]],
    ) -> bool:
        """Update sessions; returns whether anything was written."""
        wrote = False
        for session_id in sessions:
            self._tick()
            wrote |= await self._update(session_id, watermarks, rows, rebuilds.get(session_id, ()))
        return wrote

    async def _update(
        self,
        session_id: UUID,
        watermarks: Mapping[str, Instant],
        rows: list[asyncpg.Record],
        requests: Sequence[int],
    ) -> bool:
        """Update one session; returns whether anything was written.

        A session whose rows the tables refuse is logged and retried, and delays no other lane.
        """
        session = self._sessions.setdefault(session_id, SessionAssembler(session_id))
        try:
            async with self._connection.transaction():
                session.add(rows)
                result = await session.update(self._connection, watermarks)
                if requests:
                    await complete_rebuilds(self._connection, requests, result)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as fault:
            self._sessions.pop(session_id, None)
            if session_id not in self._stuck:
                await request_rebuild(self._connection, session_id)
            state_log = self._stuck.setdefault(session_id, Transitions(log, f"session {session_id}"))
            state_log.enter(
                SessionProgress.STUCK,
                f"the database refuses its shots ({describe_error(fault)}). Other lanes continue. Please report this as a bug.",
            )
            return False
        if (recovered := self._stuck.pop(session_id, None)) is not None:
            recovered.enter(SessionProgress.RECOVERED)
        return result.wrote
