"""The sessions whose assembly takes long, assembled beside all others: no other lane waits for them.

They are those with hundreds of readings in one end, as of a sensor that chatters. A thread with a connection of its own
loads and assembles them, and rests between its steps, so that it takes a small part of one processor core.

The assembler of all lanes holds the locks of the shares, and may lose them or give some up at any time, also while the thread
writes. No one waits for the thread: each of its writes is one transaction, in which it first keeps others from taking the
share and then looks whether its process still has it (``edge/shots/store/shares.py`` says why that is enough). A session that
was given up is not written, and what the thread knows of it is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from typing import NamedTuple
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, describe_error
from edge.common.postgres.reconnect import Attempt, reconnecting
from edge.common.process.logs import Transitions
from edge.common.process.own_loop import OwnLoop
from edge.shots.assembler import Assembler
from edge.shots.store.results import SessionResult
from edge.shots.store.shares import share_of, writable_shares

REST = 4.0
"""Rest after each step, as a multiple of its duration: at most a fifth of one core is used."""
LONGEST_REST_S = 2.0
POLL_S = 5.0
"""Longest pause without a notification."""
THREAD_SWITCH_S = 0.001
"""Longest time that the thread keeps Python's interpreter lock from the other lanes' loop; the default is 5 ms."""

log = logging.getLogger(__name__)


class SlowState(StrEnum):
    """Whether sessions are assembled apart, as logged."""

    NONE = "none"
    APART = "assembled apart"
    INTERRUPTED = "interrupted"


class _Taken(NamedTuple):
    """A session that is assembled apart."""

    lane: int
    number: int
    """Another one each time that the session is taken: what was known of it before no longer counts."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The sessions that are assembled apart, and the connection whose locks allow it. Replaced as a whole: two threads read it."""

    holder: int = 0
    """Process id of the connection at the server."""
    sessions: Mapping[UUID, _Taken] = field(default_factory=dict)

    def owns(self, session_id: UUID, earlier: _Part) -> bool:
        """Whether a session was of an earlier part and never given up since."""
        taken = self.sessions.get(session_id)
        return taken is not None and self.holder == earlier.holder and earlier.sessions.get(session_id) == taken

    def owns_all(self, earlier: _Part) -> bool:
        """Whether no session of an earlier part was given up since."""
        return self.holder == earlier.holder and earlier.sessions.items() <= self.sessions.items()


class SlowSessions:
    """Takes the sessions that take long from the assembler of all lanes, until their lanes go to another process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state_log = Transitions(log, "slow sessions")
        self._thread = OwnLoop("slow sessions")
        self._needed = asyncio.Event()
        self._numbers = count(1)
        self._last_step: Future[None] | None = None
        """Set once the process is to stop; done after the last step."""
        self._part = _Part()
        """The sessions to assemble apart."""
        # These belong to the thread.
        self._known = _Part()
        """Those of them that are in memory."""
        self._woken: asyncio.Event | None = None
        self._ending: asyncio.Event | None = None
        self._assembler: Assembler | None = None
        self._notified: set[str] = set()

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._part.sessions

    def take(self, session_id: UUID, lane: int) -> None:
        """Assemble a session apart from now on."""
        self._state_log.enter(
            SlowState.APART,
            f"lane {lane} has so many readings in one end that its session {session_id} is assembled apart, with a delay; "
            "other lanes continue. Check whether a sensor of the lane chatters.",
        )
        taken = _Taken(lane, next(self._numbers))
        self._part = replace(self._part, sessions={**self._part.sessions, session_id: taken})
        self._needed.set()
        self.notify(())

    def notify(self, devices: Collection[str]) -> None:
        """Pass on the devices that probably have new readings."""
        if self._part.sessions:
            named = frozenset(devices)
            self._thread.call(lambda: self._wake(named))

    def keep(self, shares: Collection[int], holder: int) -> None:
        """Give up the sessions of all shares but these, which the server's process ``holder`` holds.

        All of them, where another one held the shares before: another assembler may have had them in between.
        """
        former, sessions = self._part, dict[UUID, _Taken]()
        if former.holder == holder:
            sessions = {i: taken for i, taken in former.sessions.items() if share_of(taken.lane) in shares}
        if former.sessions and not sessions:
            self._state_log.enter(SlowState.NONE)
        self._part = _Part(holder, sessions)
        self._thread.call(lambda: self._wake(frozenset()))

    def give_up(self) -> None:
        """Give up all sessions: the connection that holds the shares is lost."""
        self.keep((), 0)

    def request_last_step(self) -> asyncio.Future[None]:
        """Have the sessions assembled once more, at once; the result is done after that."""
        self._last_step = Future()
        if not self._part.sessions:
            self._last_step.set_result(None)
        self.notify(())
        return asyncio.wrap_future(self._last_step)

    async def run(self) -> None:
        """Assemble in a thread until cancelled; the thread starts with the first session."""
        await self._needed.wait()
        sys.setswitchinterval(THREAD_SWITCH_S)
        await self._thread.run(self._work)

    def _wake(self, devices: frozenset[str]) -> None:
        self._notified |= devices
        if self._woken is not None and (not devices or self._assembler is None or self._assembler.watches(devices)):
            self._woken.set()
        if self._ending is not None and self._last_step is not None:
            self._ending.set()

    async def _work(self) -> None:
        self._woken, self._ending = asyncio.Event(), asyncio.Event()
        self._wake(frozenset())
        while self._last_step is None or not self._last_step.done():
            if not self._part.sessions:
                await self._woken.wait()
                self._woken.clear()
                continue
            async for attempt in reconnecting(self._database, self._on_fault):
                with attempt:
                    await self._assemble(await attempt.connect(), attempt, self._woken, self._ending)

    async def _assemble(
        self, connection: Connection, attempt: Attempt, woken: asyncio.Event, ending: asyncio.Event
    ) -> None:
        """Assemble until a session is given up: then a new assembler begins, which knows none of it."""
        part = self._part
        self._known = _Part(part.holder)
        assembler = self._assembler = Assembler(
            connection,
            {share_of(taken.lane) for taken in part.sessions.values()},
            only=self._owned,
            guard=lambda results: self._guard(connection, results),
        )
        while part.sessions and part.owns_all(self._known):
            assembler.load(part.sessions.keys() - self._known.sessions.keys())
            self._known = part
            notified, self._notified = self._notified, set()
            woken.clear()
            if is_last := self._begins_last_step():
                assembler.recheck_all()
            began = time.monotonic()
            await assembler.step(notified)
            attempt.succeed()
            self._log_return()
            if is_last and self._last_step is not None:
                self._last_step.set_result(None)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LONGEST_REST_S, REST * (time.monotonic() - began))):
                    await ending.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(assembler.next_due_s, POLL_S))):
                    await woken.wait()
            part = self._part
        self._log_return()

    def _begins_last_step(self) -> bool:
        """Whether the step that begins is the last one. From then on the process's main loop cannot cancel its result."""
        last = self._last_step
        return last is not None and not last.done() and (last.running() or last.set_running_or_notify_cancel())

    def _owned(self) -> Collection[UUID]:
        """The sessions in memory that were not given up since."""
        part, known = self._part, self._known
        return frozenset(i for i in known.sessions if part.owns(i, known))

    @asynccontextmanager
    async def _guard(
        self, connection: Connection, results: Sequence[SessionResult]
    ) -> AsyncIterator[Sequence[SessionResult]]:
        """A transaction for the results of lanes that this process has, and keeps until its end."""
        async with connection.transaction():
            lanes = {share_of(result.lane) for result in results}
            shares = await writable_shares(connection, self._known.holder, lanes) if lanes else frozenset()
            yield [result for result in results if share_of(result.lane) in shares]

    def _on_fault(self, fault: Exception) -> None:
        self._state_log.enter(SlowState.INTERRUPTED, f"{describe_error(fault)}; resumes where it stopped")

    def _log_return(self) -> None:
        if self._state_log.state is SlowState.INTERRUPTED:
            self._state_log.enter(SlowState.APART if self._part.sessions else SlowState.NONE)
