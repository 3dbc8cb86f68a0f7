"""The shared loop for work over a connection that may be lost: connect, work, report the fault, pause, connect again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Self

from tenacity.wait import wait_random_exponential

from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database, backoff_s
from edge.common.process.progress import Tick, no_tick


class Attempt:
    """One connection of :func:`reconnecting` and the work over it, as a context that absorbs database faults."""

    def __init__(self, database: Database) -> None:
        self.fault: Exception | None = None
        """The database fault that ended the attempt; None after complete work."""
        self.has_succeeded = False
        self._database = database
        self._connection: Connection | None = None

    async def connect(self) -> Connection:
        """Open the connection of this attempt, which is terminated at the end of the context."""
        self._connection = await self._database.connect()
        return self._connection

    def succeed(self) -> None:
        """Mark the connection as a good one: when it is lost, the pauses start again with the shortest."""
        self.has_succeeded = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._connection is not None:
            self._connection.terminate()  # close() would wait for a server that may be frozen
        if not isinstance(fault, DATABASE_FAULTS):
            return False
        self.fault = fault
        return True


async def reconnecting(
    database: Database,
    on_fault: Callable[[Exception], None],
    *,
    first_pause_s: float = 0.1,
    longest_pause_s: float = 5.0,
    give_up_after_s: float = math.inf,
    tick: Tick = no_tick,
) -> AsyncGenerator[Attempt]:
    """Yield attempts until one completes without a database fault.

    Usage::

        async for attempt in reconnecting(database, report):
            with attempt:
                connection = await attempt.connect()
                ...  # work; any other exception ends the loop

    ``on_fault`` receives each fault, to log the first of an outage. The pauses between attempts grow from
    ``first_pause_s`` to ``longest_pause_s`` and are random, so that processes do not reconnect in step. Raises the fault
    that is still there after ``give_up_after_s``. ``tick`` is called before each attempt.
    """
    pause = wait_random_exponential(multiplier=first_pause_s, max=longest_pause_s)
    deadline = time.monotonic() + give_up_after_s
    failures = 0
    while True:
        tick()
        attempt = Attempt(database)
        yield attempt
        if attempt.fault is None:
            return
        on_fault(attempt.fault)
        if time.monotonic() >= deadline:
            raise attempt.fault
        failures = 1 if attempt.has_succeeded else failures + 1
        await asyncio.sleep(backoff_s(failures, pause))
