"""The assembler's process: woken by readings, swept each second while time alone may decide something."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from drivers.clock.instant import Instant
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database, describe_error, wait_until_ready
from edge.common.postgres.feed import prune
from edge.common.postgres.listener import Listener
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick
from edge.common.process.supervision import Supervision
from edge.shots.assembly.parameters import Parameters
from edge.shots.session import SessionAssembler
from edge.shots.store import readings as incoming
from edge.shots.store.context import read_watermarks
from edge.shots.store.rebuilds import answer_rebuilds, ask_again, rebuilds_asked, take_over

SWEEP_S = 1.0
HOPE_S = 10.0
"""How often closed sessions are looked at that a silent device may yet tell of."""
PRUNE_EVERY_S = 3600.0
"""How often events past their retention are forgotten: often enough that there are never many."""
STANDBY_S = 1.0
SAVE_EVERY_S = 10.0
"""How often it is written down how far the readings were read, where no shot came of them: each time wears the SD card."""
SESSIONS_AT_ONCE = 20
"""So many sessions are computed in one transaction: a long one would hold back the feed."""

log = logging.getLogger(__name__)


async def run_shots(database: Database, stop: asyncio.Event, supervision: Supervision | None = None) -> None:
    """Turn readings into shots until ``stop``. May be killed anywhere and started again: the result is the same."""
    supervision = supervision or Supervision()
    listener = Listener(database, [f"{database.channel}_readings"], tick=supervision.loop("listener"))
    told = Transitions(log, "assembling")
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(listener.run()),
            tasks.create_task(_work(database, listener, stop, told, supervision.loop("assembler"))),
            tasks.create_task(supervision.run(lambda: _headline(told))),
        ]
        await stop.wait()
        for task in background:
            task.cancel()
        supervision.stopping()


def _headline(told: Transitions) -> str:
    match told.state:
        case "active":
            return "assembling shots, database ok"
        case "standing by":
            return "standing by: another archstats-shots is active on this database"
        case _:
            return "waiting for the database"


async def _work(database: Database, listener: Listener, stop: asyncio.Event, told: Transitions, tick: Tick) -> None:
    while True:
        async for attempt in AsyncRetrying(
            wait=wait_random_exponential(multiplier=0.1, max=5.0), retry=retry_if_exception_type(DATABASE_FAULTS)
        ):
            with attempt:
                await wait_until_ready(database, stop=stop, tick=tick)
                connection = await database.connect()
                try:
                    await _stand_by(connection, told, tick)
                    told.enter("active")
                    await Assembler(connection, listener, tick).run()
                except DATABASE_FAULTS as fault:
                    told.enter("interrupted", f"{describe_error(fault)}; goes on where it was")
                    raise
                finally:
                    connection.terminate()


async def _stand_by(connection: Connection, told: Transitions, tick: Tick) -> None:
    """Wait until no other assembler is active on this database."""
    while not await take_over(connection):
        tick()
        told.enter("standing by", "another archstats-shots is active on this database")
        await asyncio.sleep(STANDBY_S)


def _is_done(session: SessionAssembler) -> bool:
    return session.is_over and not session.undecided and not session.hopes


class Assembler:
    """The work on one connection."""

    def __init__(self, connection: Connection, listener: Listener, tick: Tick = no_tick) -> None:
        self._connection = connection
        self._listener = listener
        self._tick = tick
        self._sessions: dict[UUID, SessionAssembler] = {}
        self._stuck: dict[UUID, Transitions] = {}
        """Sessions whose shots the tables refuse: tried again with each sweep, from the tables."""
        self._xmin: int | None = None
        self._is_unsaved = False
        """Readings were looked at since it was written down how far."""
        self._saved_at = float("-inf")
        self._swept_at = self._hoped_at = float("-inf")
        self._pruned_at = float("-inf")

    async def run(self) -> None:
        """For ever; a fault of the database ends it, and a new one begins from the tables."""
        while True:
            self._tick()
            await self.step()
            if time.monotonic() >= self._pruned_at + PRUNE_EVERY_S:
                self._pruned_at = time.monotonic()
                await prune(self._connection)
            await self._listener.wait(max(0.0, self._swept_at + SWEEP_S - time.monotonic()))

    async def step(self) -> None:
        """Look at what is new, once, and make the tables say it."""
        if self._xmin is None:
            self._xmin = await incoming.read_progress(self._connection)
        told = await read_watermarks(self._connection)
        news = await incoming.read_news(self._connection, self._xmin, self._tick)
        if news.is_much:
            self._forget(news.sessions)
        touched = set(news.sessions)
        asked = await rebuilds_asked(self._connection)
        self._forget(asked.keys())  # from the tables alone, whatever is remembered
        touched |= asked.keys()
        if time.monotonic() >= self._swept_at + SWEEP_S:  # however often the bell rings: another lane may wait
            self._swept_at = time.monotonic()
            touched |= await incoming.open_sessions(self._connection)
            touched |= {i for i, session in self._sessions.items() if session.undecided}
            touched |= self._stuck.keys()
        else:
            touched -= self._stuck.keys()
        if time.monotonic() >= self._hoped_at + HOPE_S:
            if self._hoped_at < 0:
                touched |= await incoming.recent_sessions(self._connection, Parameters().late_accept_s)
            self._hoped_at = time.monotonic()
            touched |= {i for i, session in self._sessions.items() if session.hopes}
        waiting = sorted(touched)
        while len(waiting) > SESSIONS_AT_ONCE:
            group, waiting = waiting[:SESSIONS_AT_ONCE], waiting[SESSIONS_AT_ONCE:]
            async with self._connection.transaction():
                await self._update_each(group, told, news.rows, asked)
            self._forget_done()
        async with self._connection.transaction():
            wrote = await self._update_each(waiting, told, news.rows, asked)
            await self._save(news, wrote=wrote)
        self._forget_done()
        self._xmin = news.xmin

    async def _save(self, news: incoming.NewReadings, *, wrote: bool) -> None:
        """Write down how far the readings were read, in the transaction that holds what came of them."""
        self._is_unsaved |= news.is_much or bool(news.rows)
        if self._is_unsaved and (wrote or time.monotonic() >= self._saved_at + SAVE_EVERY_S):
            await incoming.write_progress(self._connection, news.xmin)
            self._is_unsaved, self._saved_at = False, time.monotonic()

    def _forget(self, sessions: Iterable[UUID]) -> None:
        """Whatever is remembered of them: next time they are loaded from the tables."""
        for session_id in sessions:
            self._sessions.pop(session_id, None)

    def _forget_done(self) -> None:
        self._forget([i for i, session in self._sessions.items() if _is_done(session)])

    async def _update_each(
        self,
        sessions: Sequence[UUID],
        told: Mapping[str, Instant],
        rows: list[asyncpg.Record],
        asked: Mapping[UUID, Sequence[int]],
    ) -> bool:
        """Returns whether anything was written."""
        wrote = False
        for session_id in sessions:
            self._tick()
            wrote |= await self._update(session_id, told, rows, asked.get(session_id, ()))
        return wrote

    async def _update(
        self, session_id: UUID, told: Mapping[str, Instant], rows: list[asyncpg.Record], requests: Sequence[int]
    ) -> bool:
        """One session; returns whether anything was written. What the tables refuse of it holds up no other lane."""
        session = self._sessions.setdefault(session_id, SessionAssembler(session_id))
        try:
            async with self._connection.transaction():
                session.add(rows)
                outcome = await session.update(self._connection, told)
                if requests:
                    await answer_rebuilds(self._connection, requests, outcome)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as fault:
            self._sessions.pop(session_id, None)
            if session_id not in self._stuck:
                await ask_again(self._connection, session_id)
            trouble = self._stuck.setdefault(session_id, Transitions(log, f"session {session_id}"))
            trouble.enter(
                "stuck", f"{describe_error(fault)}; this is a fault of ours, please report it; other lanes go on"
            )
            return False
        if (over := self._stuck.pop(session_id, None)) is not None:
            over.enter("assembled again")
        return outcome.wrote
