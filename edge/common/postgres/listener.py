"""Hear the database's doorbells on one connection, and notice when that connection is dead or frozen.

A bell says that there may be something new; what, the tables say. Bells rung while nobody listened are lost, so every
(re)connect counts as one, and so does a slow poll as a safety net. Whoever waits here and then reads misses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, describe_error
from edge.common.postgres.reconnect import Attempt, reconnecting
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick

log = logging.getLogger(__name__)

HEARTBEAT_EVERY_S = 1.0
HEARTBEAT_TIMEOUT_S = 0.5
"""A frozen peer sends no end of file: only an answer that does not come tells of it, 1.5 s after the freeze at most."""
FIRST_PAUSE_S = 0.05
"""Longest pause before the first new connection."""
LASTING_S = 10.0
"""A connection that lived this long was a good one: after it the back-off begins anew."""
MOST_PAYLOADS = 64
ANYBODY = ""
"""The payload that names nobody: look at everything."""


class ListenerLost(ConnectionError):
    """The listening connection died or froze."""


class Listener:
    """Listens on ``channels`` while :meth:`run` runs. One reader waits; further readers take a listener of their own."""

    def __init__(
        self, database: Database, channels: Sequence[str], *, poll_s: float = 5.0, tick: Tick = no_tick
    ) -> None:
        self.connected = False
        """Whether bells are heard right now."""
        self.reconnects = 0
        """How often a connection was lost."""
        self._database = database
        self._channels = list(channels)
        self._poll_s = poll_s
        self._tick = tick
        self._rung = asyncio.Event()
        self._last_ring = time.monotonic()
        self._payloads: set[str] = set()
        self._told = Transitions(log, f"listening on {', '.join(self._channels)}")

    async def run(self) -> NoReturn:
        """Listen for ever. Raises ConfigError alone."""
        async for attempt in reconnecting(self._database, self._on_fault, first_pause_s=FIRST_PAUSE_S, tick=self._tick):
            with attempt:
                await self._one_connection(attempt)
        raise AssertionError("a connection is watched until it is lost")

    async def wait(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - callers wait with different limits
        """Wait until something may be new: True after a bell, a (re)connect or the slow poll, False after ``timeout`` seconds.

        Bells since the last wait count as one.
        """
        poll_in = max(0.0, self._last_ring + self._poll_s - time.monotonic())
        limit = poll_in if timeout is None else min(timeout, poll_in)
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._rung.wait()
        if not self._rung.is_set():
            if limit < poll_in:
                return False
            self.ring()
        self._rung.clear()
        return True

    def ring(self) -> None:
        """Wake whoever waits, to look at everything: for what else the reader has to notice, as the end of its connection."""
        self._ring(ANYBODY)

    def payloads(self) -> frozenset[str]:
        """Take the distinct payloads since the last call. An empty string among them means: look at everything."""
        taken = frozenset(self._payloads)
        self._payloads.clear()
        return taken

    def _ring(self, payload: str) -> None:
        if len(self._payloads) >= MOST_PAYLOADS:
            self._payloads = {ANYBODY}
        self._payloads.add(payload)
        self._last_ring = time.monotonic()
        self._rung.set()

    def _on_fault(self, fault: Exception) -> None:
        self._told.enter("lost", f"{describe_error(fault)}; trying again")

    async def _one_connection(self, attempt: Attempt) -> NoReturn:
        """Listen until the connection is lost, which raises one of DATABASE_FAULTS."""
        connection = await attempt.connect()
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        for channel in self._channels:
            await connection.add_listener(
                channel, lambda _connection, _pid, _channel, payload: self._ring(str(payload))
            )
        connected_at = time.monotonic()
        self.connected = True
        try:
            self._told.enter("connected")
            self.ring()
            await self._watch(connection, lost)
        finally:
            self.reconnects += 1
            self.connected = False
            if time.monotonic() - connected_at >= LASTING_S:
                attempt.succeed()

    async def _watch(self, connection: Connection, lost: asyncio.Event) -> NoReturn:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_EVERY_S):
                    await lost.wait()
            if lost.is_set():
                raise ListenerLost("the server ended the listening connection")
            await _heartbeat(connection)
            self._tick()


async def _heartbeat(connection: Connection) -> None:
    """Ask something trivial and have it answered in time, or raise ListenerLost.

    The question is not cancelled when the answer is late: asyncpg would then ask the server, which may be frozen, to
    cancel it, and leave a task behind that waits for that. Ending the connection ends the question too.
    """
    question = asyncio.ensure_future(connection.execute("select 1"))
    try:
        answered, _ = await asyncio.wait({question}, timeout=HEARTBEAT_TIMEOUT_S)
        if not answered:
            raise ListenerLost(f"no answer within {HEARTBEAT_TIMEOUT_S} s, the server or the way to it is frozen")
        question.result()
    finally:
        if not question.done():
            connection.terminate()
            await asyncio.wait({question})
            question.exception()
