"""Assembles one session: loads what is stored, computes its shots, and writes the difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import Flag, Result
from edge.shots.assembly.assemble import Assembly, assemble
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.ends import End
from edge.shots.assembly.flight import longest_flight_s
from edge.shots.assembly.model import ReadingKey
from edge.shots.assembly.shot import Shot
from edge.shots.store import readings as reading_rows
from edge.shots.store import shots as shot_rows
from edge.shots.store.context import load_snapshot, read_watermarks
from edge.shots.store.corrections import Orphans, orphans_of, read_corrections, stored_orphans, write_orphans
from edge.shots.store.rebuilds import AssemblyResult, complete_rebuilds

LAST_FLIGHTS = 3
"""Number of a bow's latest flights that decide whether its clock is off."""
UNTIMED_FLIGHTS = 2
"""Number of untimed flights among them from which the clock counts as off: a single one raises no alarm."""


class SessionAssembler:
    """Keeps a session's readings in memory, so that a new one costs one computation and no reload."""

    def __init__(self, session_id: UUID) -> None:
        self.session_id = session_id
        self.undecided = True
        self.awaits_late_data = False
        """The session is closed, but a silent device may still report events that change a shot."""
        self.is_over = False
        self._rows: dict[ReadingKey, asyncpg.Record] = {}
        self._fresh: list[asyncpg.Record] = []
        """New readings of any lane, added by the next update where they belong to the session."""
        self._shots: dict[UUID, shot_rows.Values] = {}
        self._loaded = False
        self._ends: set[End] = set()
        self._orphans: Orphans = {}
        self._bows_off: frozenset[str] | None = None
        """The bows whose clock was last stored as off."""

    async def load(self, connection: Connection) -> None:
        """Load the stored readings, shots and orphans of the session."""
        self._take(await reading_rows.readings_of(connection, self.session_id))
        self._shots = await shot_rows.stored_shots(connection, self.session_id)
        self._orphans = await stored_orphans(connection, self.session_id)
        self._loaded = True

    def add(self, rows: list[asyncpg.Record]) -> None:
        """Add readings for the next update; known readings and those of other sessions are allowed."""
        self._fresh += rows

    def _take(self, rows: list[asyncpg.Record]) -> None:
        for row in rows:
            self._rows[ReadingKey(row["device_id"], row["stream_id"], row["seq"])] = row

    async def update(self, connection: Connection, watermarks: Mapping[str, Instant] | None = None) -> AssemblyResult:
        """Compute the shots and write the difference, in the caller's transaction.

        ``watermarks`` must be older than the readings that were added last; None where no reading was added.
        """
        if watermarks is None:
            watermarks = await read_watermarks(connection)
        if self._loaded:
            # Readings of another lane must not take part: they would tie the clocks differently than after a restart.
            self._take(await reading_rows.belonging_to(connection, self.session_id, self._fresh))
        else:
            await self.load(connection)
        self._fresh = []
        corrections = await read_corrections(connection, self.session_id)
        snapshot = await load_snapshot(connection, self.session_id, list(self._rows.values()), corrections, watermarks)
        if snapshot is None:
            self.is_over, self.undecided, self.awaits_late_data = True, False, False
            return AssemblyResult()
        context = snapshot.context
        found = assemble(snapshot.readings, context)
        revised = await shot_rows.write_shots(connection, context, found.shots, self._shots)
        wrote = await shot_rows.write_ends(connection, context, found.ends, snapshot.axis, self._ends)
        orphans = orphans_of(found, corrections, self._orphans)
        wrote |= await write_orphans(connection, context, orphans, self._orphans)
        self.undecided = found.undecided or (context.closes is not None and not self.is_over)
        self.awaits_late_data = found.decided_by_timeout and _is_recent(context)
        if context.closes is not None and not self.is_over and _is_complete(context, found):
            await shot_rows.close_session(connection, self.session_id)
            self.is_over, wrote = True, True
        if snapshot.is_open:
            await self._update_bows_off(connection, context, found)
        return AssemblyResult(len(found.shots), revised, wrote or revised > 0)

    async def _update_bows_off(self, connection: Connection, context: SessionContext, found: Assembly) -> None:
        """Store which bows' clocks are off, repeatedly while any is: the table is UNLOGGED and may have lost its rows.

        A session that is over says nothing about clocks.
        """
        off = frozenset() if self.is_over else bows_off(found.shots)
        if off or off != self._bows_off:
            await write_bows_off(connection, context, off)
            self._bows_off = off


async def rebuild(connection: Connection, session_id: UUID, requests: Sequence[int]) -> AssemblyResult:
    """Compute one session from the tables alone and complete its requests.

    Only for the holder of the assembler's lock: two assemblers would write the same rows.
    """
    async with connection.transaction():
        result = await SessionAssembler(session_id).update(connection)
        await complete_rebuilds(connection, requests, result)
    return result


def _is_recent(context: SessionContext) -> bool:
    return context.closes is not None and context.now - context.closes <= context.parameters.late_accept_s


def _is_complete(context: SessionContext, found: Assembly) -> bool:
    """Whether every event before the closing is stored, or the time to wait for them is over.

    The watermark of a bow must reach the closing; that of a target the landing of an arrow released just before it.
    """
    if context.closes is None:
        return False
    if any(shot.result is Result.PENDING for shot in found.shots):
        return False
    needed = dict.fromkeys(context.bows, context.closes) | dict.fromkeys(
        context.targets, context.closes + longest_flight_s(context)
    )
    stored = all(context.watermarks.get(device, float("-inf")) >= t for device, t in needed.items())
    return stored or context.now > context.closes + context.parameters.give_up_s


def bows_off(shots: Sequence[Shot]) -> frozenset[str]:
    """The bows whose clock is too far from the target's to time flights; ``shots`` in order of shooting. Pure."""
    flights: dict[str, list[bool]] = defaultdict(list)
    for shot in shots:
        is_off = Flag.CLOCK in shot.flags
        if shot.release is not None and (is_off or shot.tof_s is not None):
            flights[shot.release.device_id].append(is_off)
    return frozenset(bow for bow, off in flights.items() if sum(off[-LAST_FLIGHTS:]) >= UNTIMED_FLIGHTS)


async def write_bows_off(connection: Connection, context: SessionContext, off: frozenset[str]) -> None:
    """Store in ``device_status`` which bows of the lane have a clock that is off; other rows stay untouched."""
    await connection.execute(
        """
        update device_status set clock_off = device_id = any($2)
        where device_id = any($1) and clock_off <> (device_id = any($2))
        """,
        sorted(context.on_lane(context.bows, context.now, context.now)),
        sorted(off),
    )
