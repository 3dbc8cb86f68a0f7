"""``/statistics``: the statistics of a session, computed once for each change of it, however many pages ask.

Requests that arrive while the session is read share the next reading, so that a hall of pages costs two readings per change,
and each answer contains every shot that was stored before its request.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID
from weakref import WeakValueDictionary

from edge.common.postgres.connection import Connection
from edge.operator.statistics import (
    StatisticsState,
    empty_statistics,
    session_facts,
    state_of_lane,
    state_of_session,
    states_of_lanes,
    statistics_facts,
)
from edge.push.http.read_pool import TIMEOUT_S, DatabaseAwayError, ReadPool
from edge.statistics import session_statistics

KEPT = 256
"""Sessions whose statistics are kept: about 10 kB each."""
ASKED = 512
"""Lanes and sessions for which a reading is shared; beyond it the ones asked for longest ago are forgotten."""

_Subject = UUID | int | str | None
_Read = Callable[[Connection], Awaitable[bytes | None]]


class Statistics:
    """Statistics of lanes and sessions as JSON, kept until a shot of the session changes."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool
        self._kept: OrderedDict[UUID, tuple[StatisticsState, bytes]] = OrderedDict()
        self._readings: OrderedDict[_Subject, _SharedReading] = OrderedDict()
        self._computing: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self.computed = 0
        """Number of sessions computed since the start."""

    async def of_lane(self, lane: int | None) -> bytes:
        """Return the statistics of the lane's open session, else of its last one; without a lane, of the first lane.

        Raises DatabaseAwayError.
        """

        async def read(connection: Connection) -> bytes:
            state = await state_of_lane(connection, lane)
            if state is None:
                return json.dumps(empty_statistics(lane)).encode()
            return await self._of(connection, state)

        return await self._shared(lane, read) or b"null"

    async def of_session(self, session_id: UUID) -> bytes | None:
        """Return the statistics of a session; None when it does not exist. Raises DatabaseAwayError."""

        async def read(connection: Connection) -> bytes | None:
            state = await state_of_session(connection, session_id)
            return None if state is None else await self._of(connection, state)

        return await self._shared(session_id, read)

    async def of_all_lanes(self) -> bytes:
        """Return the statistics of every lane that had a session, as a list by lane. Raises DatabaseAwayError."""

        async def read(connection: Connection) -> bytes:
            states = await states_of_lanes(connection)
            return b"[%b]" % b",".join([await self._of(connection, state) for state in states])

        return await self._shared("all", read) or b"[]"

    async def _of(self, connection: Connection, state: StatisticsState) -> bytes:
        lock = self._computing.setdefault(state.session_id, asyncio.Lock())
        async with lock:  # readings of the lane, of the session and of all lanes may run at the same time
            kept = self._kept.get(state.session_id)
            if kept is None or kept[0] != state:
                found = session_statistics(await session_facts(connection, state))
                kept = state, json.dumps(statistics_facts(state, found), separators=(",", ":")).encode()
                self._kept[state.session_id] = kept
                self.computed += 1
            self._kept.move_to_end(state.session_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept[1]

    async def _shared(self, subject: _Subject, read: _Read) -> bytes | None:
        reading = self._readings.setdefault(subject, _SharedReading(self._pool))
        self._readings.move_to_end(subject)
        while len(self._readings) > ASKED:
            self._readings.popitem(last=False)  # requests that wait for it keep it
        return await reading.result(read)


class _SharedReading:
    """A reading of the database that requests share: each gets one that began after it arrived."""

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool
        self._lock = asyncio.Lock()
        self._begun = 0
        self._result: bytes | None = None
        self._error: DatabaseAwayError | None = None

    async def result(self, read: _Read) -> bytes | None:
        """Return the result of the next reading. Raises DatabaseAwayError for all requests that share a failed one."""
        wanted = self._begun + 1
        async with self._lock:
            if self._begun < wanted:
                await self._read(read)
            if self._error is not None:
                raise type(self._error)(str(self._error)) from self._error
            return self._result

    async def _read(self, read: _Read) -> None:
        self._begun += 1
        try:
            self._result, self._error = await self._of_one_instant(read), None
        except DatabaseAwayError as error:
            self._error = error
        except BaseException:
            self._begun -= 1  # a request that was cut, or a defect: the next one reads again
            raise

    async def _of_one_instant(self, read: _Read) -> bytes | None:
        async with (
            self._pool.connection() as connection,
            asyncio.timeout(TIMEOUT_S),
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await read(connection)
