"""The sessions whose assembly takes long, assembled beside all others: no other lane waits for them.

They are those with hundreds of readings in one end, as of a sensor that chatters. A thread with a connection of its own
loads and assembles them, and rests between its steps, so that it takes a small part of one processor core.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from enum import StrEnum
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, describe_error
from edge.common.postgres.reconnect import Attempt, reconnecting
from edge.common.process.logs import Transitions
from edge.common.process.own_loop import OwnLoop
from edge.shots.assembler import Assembler

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


class SlowSessions:
    """Takes the sessions that take long from the assembler of all lanes, until the lanes are divided anew."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state_log = Transitions(log, "slow sessions")
        self._thread = OwnLoop("slow sessions")
        self._needed = asyncio.Event()
        self._shares: frozenset[int] = frozenset()
        # Both threads read these two; the loop of all lanes replaces them as a whole.
        self._sessions: frozenset[UUID] = frozenset()
        self._division = 0
        # These belong to the thread.
        self._woken: asyncio.Event | None = None
        self._assembler: Assembler | None = None
        self._notified: set[str] = set()

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._sessions

    def take(self, session_id: UUID, lane: int) -> None:
        """Assemble a session apart from now on."""
        self._state_log.enter(
            SlowState.APART,
            f"lane {lane} has so many readings in one end that its session {session_id} is assembled apart, with a delay; "
            "other lanes continue. Check whether a sensor of the lane chatters.",
        )
        self._sessions |= {session_id}
        self._needed.set()
        self.notify(())

    def notify(self, devices: Collection[str]) -> None:
        """Pass on the devices that probably have new readings."""
        if self._sessions:
            named = frozenset(devices)
            self._thread.call(lambda: self._wake(named))

    def start_over(self, shares: Collection[int]) -> None:
        """Give up all sessions, for other shares of the lanes or a new connection that holds them."""
        if self._sessions:
            self._state_log.enter(SlowState.NONE)
        self._shares, self._sessions, self._division = frozenset(shares), frozenset(), self._division + 1
        self._thread.call(lambda: self._wake(frozenset()))

    async def run(self) -> None:
        """Assemble in a thread until cancelled; the thread starts with the first session."""
        await self._needed.wait()
        sys.setswitchinterval(THREAD_SWITCH_S)
        await self._thread.run(self._work)

    def _wake(self, devices: frozenset[str]) -> None:
        self._notified |= devices
        if self._woken is not None and (not devices or self._assembler is None or self._assembler.watches(devices)):
            self._woken.set()

    async def _work(self) -> None:
        self._woken = asyncio.Event()
        while True:
            if not self._sessions:
                await self._woken.wait()
                self._woken.clear()
                continue
            async for attempt in reconnecting(self._database, self._on_fault):
                with attempt:
                    await self._assemble(await attempt.connect(), attempt, self._woken)

    async def _assemble(self, connection: Connection, attempt: Attempt, woken: asyncio.Event) -> None:
        """Assemble until the lanes are divided anew."""
        division, known = self._division, frozenset[UUID]()
        assembler = self._assembler = Assembler(connection, self._shares, only=lambda: self._sessions)
        while division == self._division:
            assembler.load(self._sessions - known)
            known = self._sessions
            notified, self._notified = self._notified, set()
            woken.clear()
            began = time.monotonic()
            await assembler.step(notified)
            attempt.succeed()
            await asyncio.sleep(min(LONGEST_REST_S, REST * (time.monotonic() - began)))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(assembler.next_due_s, POLL_S))):
                    await woken.wait()

    def _on_fault(self, fault: Exception) -> None:
        self._state_log.enter(SlowState.INTERRUPTED, f"{describe_error(fault)}; resumes where it stopped")
