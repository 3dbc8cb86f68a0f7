"""Receives the database's doorbells on one connection, and detects when that connection is dead or frozen.

A doorbell (NOTIFY) announces that new rows may exist; the rows are read from the tables. Doorbells without a listener are
lost, so every (re)connect counts as one, and so does a slow poll as a safety net. A reader that waits here before it reads
misses no row.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import NoReturn

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, describe_error
from edge.common.postgres.reconnect import Attempt, reconnecting
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick

log = logging.getLogger(__name__)

HEARTBEAT_EVERY_S = 1.0
"""Interval between heartbeat statements."""
HEARTBEAT_TIMEOUT_S = 0.5
"""Longest wait for a heartbeat's answer. A frozen peer sends no end of file; it is detected after at most 1.5 s."""
FIRST_PAUSE_S = 0.05
"""Longest pause before the first new connection."""
LASTING_S = 10.0
"""Lifetime of a good connection: after its loss the pauses start again with the shortest."""
MOST_PAYLOADS = 64
"""Distinct payloads kept between two reads; more become EVERYTHING."""
EVERYTHING = ""
"""Payload without a name: the reader checks all rows."""


class ListenerLost(ConnectionError):
    """The listening connection died or froze."""


class ListenerState(StrEnum):
    """The state of the listening connection, as logged."""

    CONNECTED = "connected"
    LOST = "lost"


class Listener:
    """Listens on ``channels`` while :meth:`run` runs. Serves one reader; each further reader needs its own listener."""

    def __init__(
        self, database: Database, channels: Sequence[str], *, poll_s: float = 5.0, tick: Tick = no_tick
    ) -> None:
        self.connected = False
        """Whether the connection is open and listening."""
        self.reconnects = 0
        """Number of lost connections."""
        self._database = database
        self._channels = list(channels)
        self._poll_s = poll_s
        self._tick = tick
        self._rung = asyncio.Event()
        self._last_ring = time.monotonic()
        self._payloads: set[str] = set()
        self._state_log = Transitions(log, f"listening on {', '.join(self._channels)}")

    async def run(self) -> NoReturn:
        """Listen until cancelled. Raises only ConfigError."""
        async for attempt in reconnecting(self._database, self._on_fault, first_pause_s=FIRST_PAUSE_S, tick=self._tick):
            with attempt:
                await self._one_connection(attempt)
        raise AssertionError("a connection is monitored until it is lost")

    async def wait(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - callers wait with different limits
        """Wait until new rows may exist. True after a doorbell, (re)connect or slow poll, False after ``timeout`` seconds.

        All doorbells since the last wait count as one.
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
        """Wake the reader to check all rows, for example after it lost its own connection."""
        self._ring(EVERYTHING)

    def payloads(self) -> frozenset[str]:
        """Return and forget the distinct payloads since the last call. EVERYTHING among them means: check all rows."""
        taken = frozenset(self._payloads)
        self._payloads.clear()
        return taken

    def _ring(self, payload: str) -> None:
        if len(self._payloads) >= MOST_PAYLOADS:
            self._payloads = {EVERYTHING}
        self._payloads.add(payload)
        self._last_ring = time.monotonic()
        self._rung.set()

    def _on_fault(self, fault: Exception) -> None:
        self._state_log.enter(ListenerState.LOST, f"{describe_error(fault)}; trying again")

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
            self._state_log.enter(ListenerState.CONNECTED)
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
    """Run a trivial statement. Raises ListenerLost when the answer is late.

    A late statement is not cancelled: asyncpg would send the cancel request to the server, which may be frozen, and leave
    a task behind that waits for its answer. Terminating the connection ends the statement too.
    """
    statement = asyncio.ensure_future(connection.execute("select 1"))
    try:
        answered, _ = await asyncio.wait({statement}, timeout=HEARTBEAT_TIMEOUT_S)
        if not answered:
            raise ListenerLost(f"no answer within {HEARTBEAT_TIMEOUT_S} s, the server or the network is frozen")
        statement.result()
    finally:
        if not statement.done():
            connection.terminate()
            await asyncio.wait({statement})
            statement.exception()
