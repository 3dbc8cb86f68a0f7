"""One session in the assembler's memory: what is stored of it, its assembly, and what differs between the two."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from drivers.clock.host import remote_now
from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import Flag, Result
from edge.shots.assembly.assemble import Assembly
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.flight import longest_flight_s
from edge.shots.assembly.incremental import IncrementalAssembly
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.shot import Shot
from edge.shots.assembly.timeline import Axis
from edge.shots.store.context import arrow_on, at_instant, context_of, read_arrows, read_watermarks
from edge.shots.store.corrections import orphans_of
from edge.shots.store.readings import ReadingRow, readings_of, timed_reading
from edge.shots.store.results import SessionResult, StoredResults, stored_results, write_results
from edge.shots.store.sessions import SessionRows, read_sessions
from edge.shots.store.updates import ArrowRow

LAST_FLIGHTS = 3
"""Number of a bow's latest flights that decide whether its clock is off."""
UNTIMED_FLIGHTS = 2
"""Number of untimed flights among them from which the clock counts as off: a single one raises no alarm."""
RECHECK_S = 1.0
"""Interval between assemblies of a session that awaits data of its devices."""
LATE_DATA_RECHECK_S = 10.0
"""Interval between assemblies of a closed session that still awaits late data of a silent device."""

CLOCK_RECHECK_S = 10.0
"""Interval between statements that a bow's clock is off: its status may be lost in a crash of PostgreSQL."""


class SessionAssembler:
    """Keeps a session in memory, so that a new reading costs the assembly of its own end and no reload."""

    def __init__(
        self, rows: SessionRows, readings: Sequence[ReadingRow], arrows: Iterable[ArrowRow], stored: StoredResults
    ) -> None:
        self.rows = rows
        self.recheck_in_s = 0.0
        """Seconds after the last assembly at which time alone may change a result; infinity for never."""
        self._stored = stored
        self._axis = Axis(rows.window.start, [reading.instant for reading in readings], rows.window.boots)
        self._arrows = {arrow.id: arrow for arrow in arrows}
        self._context = context_of(rows, self._axis, self._arrows.values())
        self._assembly = IncrementalAssembly()
        self._known = {reading.key for reading in readings}
        self._tags = {reading.tag for reading in readings}
        self._fresh: list[TimedReading] = [timed_reading(reading, self._axis) for reading in readings]
        self._is_closed = not rows.window.is_open
        self._bows_off: frozenset[str] | None = None
        """The bows whose clock was last stored as off."""

    @property
    def session_id(self) -> UUID:
        """The id of the session."""
        return self.rows.session_id

    @property
    def is_new(self) -> bool:
        """Whether it was not assembled yet: the next assembly is of all its readings."""
        return self._assembly.is_new

    def is_larger_than(self, readings: int) -> bool:
        """Whether its next assembly, other than the first, is of more than so many readings of the last end."""
        return not self.is_new and self._assembly.last_size + len(self._fresh) > readings

    @property
    def is_done(self) -> bool:
        """Whether nothing but a late reading or an operator can change the session."""
        return self._is_closed and self.recheck_in_s == math.inf

    def take(self, rows: SessionRows) -> bool:
        """Take the session's rows of a later revision; returns whether its readings must be read from the tables again."""
        former, self.rows = self.rows.window, rows
        if (former.start, former.devices, former.boots) != (rows.window.start, rows.window.devices, rows.window.boots):
            return True
        if not former.is_open and former != rows.window:
            return True  # it was opened again, or ends later: readings that were outside may be inside
        self._is_closed = not rows.window.is_open
        self._context = context_of(rows, self._axis, self._arrows.values())
        return False

    def take_arrows(self, arrows: Mapping[UUID, ArrowRow]) -> bool:
        """Take new and changed arrows whose tags are among the session's readings; returns whether it took any."""
        taken = [arrow for i, arrow in arrows.items() if i.hex in self._tags and self._arrows.get(i) != arrow]
        for arrow in taken:
            self._arrows[arrow.id] = arrow
        if taken:
            timed = {arrow.id: arrow_on(self._axis, arrow) for arrow in taken}
            self._context = self._context.with_arrows({**self._context.arrows, **timed})
        return bool(taken)

    def add(self, reading: ReadingRow) -> bool:
        """Add a reading for the next assembly, unless it is known; returns False where it moves others on the time axis.

        Then the session must be loaded again.
        """
        if reading.key in self._known:
            return True
        if self._axis.tie(reading.instant):
            return False
        self._known.add(reading.key)
        self._tags.add(reading.tag)
        self._fresh.append(timed_reading(reading, self._axis))
        return True

    def assemble(self, now: Instant, watermarks: Mapping[str, Instant]) -> SessionResult:
        """Assemble what changed. ``watermarks`` are older than the readings that were added last."""
        context = at_instant(self._context, self.rows, self._axis, now, watermarks)
        fresh, self._fresh = self._fresh, []
        changes = self._assembly.update(fresh, context)
        found = self._assembly.found
        result = SessionResult(self.session_id, self.rows.lane, shots=sum(len(part.shots) for part in found))
        self._stored.compare_shots(result, changes)
        self._stored.compare_ends(result, changes.ends, sum(len(part.ends) for part in found), self._axis)
        scope = None if changes.is_first else changes.readings
        orphans = orphans_of(changes.orphans, changes.shots, context, self._stored.orphans)
        self._stored.compare_orphans(result, orphans, scope)
        if context.closes is not None and not self._is_closed and _is_complete(context, found):
            result.closes = self._is_closed = True
        if self.rows.window.is_open:
            self._compare_bows_off(result, context, found)
        self._plan_recheck(context, found)
        return result

    def _compare_bows_off(self, result: SessionResult, context: SessionContext, found: Sequence[Assembly]) -> None:
        """State which bows' clocks are off, repeatedly while any is: the table is UNLOGGED and may have lost its rows.

        A session that is over says nothing about clocks.
        """
        off = frozenset() if self._is_closed else bows_off(found, context.bows)
        if off or off != self._bows_off:
            result.bows_on_lane = context.on_lane(context.bows, context.now, context.now)
            result.bows_off, self._bows_off = off & result.bows_on_lane, off

    def _plan_recheck(self, context: SessionContext, found: Sequence[Assembly]) -> None:
        self.recheck_in_s = max(0.0, min(part.next_change for part in found) - context.now)
        is_recent = context.closes is None or context.now - context.closes <= context.parameters.late_accept_s
        if is_recent and any(part.timed_out for part in found):
            self.recheck_in_s = min(self.recheck_in_s, LATE_DATA_RECHECK_S if self._is_closed else RECHECK_S)
        if any(part.unsettled for part in found) or (context.closes is not None and not self._is_closed):
            self.recheck_in_s = min(self.recheck_in_s, RECHECK_S)
        if self._bows_off:
            self.recheck_in_s = min(self.recheck_in_s, CLOCK_RECHECK_S)


async def load_sessions(
    connection: Connection, sessions: Collection[UUID], most_readings: int | None = None
) -> dict[UUID, SessionAssembler]:
    """Load sessions from the tables, those that exist.

    Raises TooManyReadings when they have more than ``most_readings`` each, by the average.
    """
    if not sessions:
        return {}
    rows = await read_sessions(connection, sessions)
    windows = {i: session.window for i, session in rows.items()}
    limit = None if most_readings is None else most_readings * len(windows)
    readings = await readings_of(connection, windows, limit)
    stored = await stored_results(connection, list(rows))
    arrows = await read_arrows(connection, [reading for one in readings.values() for reading in one])
    loaded: dict[UUID, SessionAssembler] = {}
    for session_id, session in rows.items():
        own = readings.get(session_id, [])
        tags = {reading.tag for reading in own}
        await asyncio.sleep(0)  # each is built at once: let the loop answer in between
        loaded[session_id] = SessionAssembler(
            session, own, [arrow for arrow in arrows.values() if arrow.id.hex in tags], stored[session_id]
        )
    return loaded


async def rebuild(connection: Connection, session_id: UUID, requests: Sequence[int]) -> None:
    """Compute one session from the tables alone and complete its requests.

    Only for the holder of the lock of its lane's share: two assemblers would write the same rows. Nothing is computed inside
    a transaction: what changes meanwhile enters a request of its own.
    """
    devices = await connection.fetch("select device_id from session_devices where session_id = $1", session_id)
    watermarks = await read_watermarks(connection, [row["device_id"] for row in devices])  # before the readings
    now = await remote_now(lambda: connection.fetchval("select clock_timestamp()"))
    for session in (await load_sessions(connection, [session_id])).values():
        result = session.assemble(now, watermarks)
        result.requests = requests
        await write_results(connection, [result])


def _is_complete(context: SessionContext, found: Sequence[Assembly]) -> bool:
    """Whether every event before the closing is stored, or the time to wait for them is over.

    The watermark of a bow must reach the closing; that of a target the landing of an arrow released just before it.
    """
    if context.closes is None:
        return False
    if any(shot.result is Result.PENDING for part in found for shot in part.shots):
        return False
    needed = dict.fromkeys(context.bows, context.closes) | dict.fromkeys(
        context.targets, context.closes + longest_flight_s(context)
    )
    stored = all(context.watermarks.get(device, -math.inf) >= t for device, t in needed.items())
    return stored or context.now > context.closes + context.parameters.give_up_s


def bows_off(found: Sequence[Assembly], bows: Collection[str]) -> frozenset[str]:
    """The bows whose clock is too far from the target's to time flights. Pure."""
    flights: dict[str, list[bool]] = {bow: [] for bow in bows}
    for part in reversed(found):
        for shot in reversed(part.shots):
            _count_flight(flights, shot)
        if all(len(last) >= LAST_FLIGHTS for last in flights.values()):
            break
    return frozenset(bow for bow, last in flights.items() if sum(last[:LAST_FLIGHTS]) >= UNTIMED_FLIGHTS)


def _count_flight(flights: dict[str, list[bool]], shot: Shot) -> None:
    is_off = Flag.CLOCK in shot.flags
    if shot.release is not None and (is_off or shot.tof_s is not None):
        flights.setdefault(shot.release.device_id, []).append(is_off)
