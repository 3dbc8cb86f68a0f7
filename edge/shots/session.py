"""One session being assembled: its readings so far, and what the table says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.shots.assembly.assemble import Assembly, assemble
from edge.shots.assembly.ends import End
from edge.shots.assembly.flight import longest_flight_s
from edge.shots.assembly.model import ReadingKey, SessionContext
from edge.shots.clocks_off import bows_off, tell_clocks_off
from edge.shots.store import readings as incoming
from edge.shots.store import shots as shot_rows
from edge.shots.store.context import load_snapshot, moment_of, read_watermarks, sensed
from edge.shots.store.corrections import read_rulings
from edge.shots.store.orphans import Orphans, orphans_of, stored_orphans, write_orphans


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one computation did."""

    shots: int = 0
    """The session's shots."""
    revised: int = 0
    """Shots that are new, or other than the table had them."""
    wrote: bool = False
    """Whether anything of the session was written."""


class SessionAssembler:
    """Keeps a session's readings, so that one more costs one computation and no reload."""

    def __init__(self, session_id: UUID) -> None:
        self.session_id = session_id
        self.undecided = True
        self.hopes = False
        """It is closed, but a silent device may yet tell what became of a shot."""
        self.is_over = False
        self._rows: dict[ReadingKey, asyncpg.Record] = {}
        self._fresh: list[asyncpg.Record] = []
        """Readings of any lane, not looked at yet."""
        self._shots: dict[UUID, shot_rows.Values] = {}
        self._loaded = False
        self._ends: set[End] = set()
        self._orphans: Orphans = {}
        self._off: frozenset[str] | None = None
        """The bows whose clock is off, as it was told."""

    async def load(self, connection: Connection) -> None:
        """Take everything that is stored of the session."""
        self._take(await incoming.readings_of(connection, self.session_id))
        self._shots = await shot_rows.stored_shots(connection, self.session_id)
        self._orphans = await stored_orphans(connection, self.session_id)
        self._loaded = True

    def add(self, rows: list[asyncpg.Record]) -> None:
        """Take readings; one that is known already changes nothing, those of other sessions go with the next update."""
        self._fresh += rows

    def _take(self, rows: list[asyncpg.Record]) -> None:
        for row in rows:
            self._rows[ReadingKey(row["device_id"], row["stream_id"], row["seq"])] = row

    async def update(self, connection: Connection, told: Mapping[str, Instant] | None = None) -> Outcome:
        """Compute the shots and make the tables say them, in the caller's transaction.

        ``told`` are the watermarks from before the readings that were added last; they may be left out where none was added.
        """
        if told is None:
            told = await read_watermarks(connection)
        if (
            self._loaded
        ):  # before anything is made of them: another lane's would tie the clocks elsewhere than after a restart
            self._take(await incoming.own(connection, self.session_id, self._fresh))
        else:
            await self.load(connection)
        self._fresh = []
        rulings = await read_rulings(connection, self.session_id)
        stage = await load_snapshot(
            connection, self.session_id, [moment_of(row) for row in self._rows.values()], rulings, told
        )
        if stage is None:
            self.is_over, self.undecided, self.hopes = True, False, False
            return Outcome()
        readings = [sensed(row, stage.axis) for row in self._rows.values()]
        found = assemble(readings, stage.context)
        revised = await shot_rows.write_shots(connection, stage.context, found.shots, self._shots)
        wrote = await shot_rows.write_ends(connection, stage.context, found.ends, stage.axis, self._ends)
        fresh = orphans_of(found, rulings, self._orphans)
        wrote |= await write_orphans(connection, stage.context, fresh, self._orphans)
        self.undecided = found.undecided or (stage.context.closes is not None and not self.is_over)
        self.hopes = found.gave_up and _is_recent(stage.context)
        if stage.context.closes is not None and not self.is_over and _all_told(stage.context, found):
            await shot_rows.close_session(connection, self.session_id)
            self.is_over, wrote = True, True
        if stage.is_open:
            await self._tell_clocks(connection, stage.context, found)
        return Outcome(len(found.shots), revised, wrote or revised > 0)

    async def _tell_clocks(self, connection: Connection, context: SessionContext, found: Assembly) -> None:
        """Said again while it is so: the rows are UNLOGGED and may be new. After the session nothing is known of clocks."""
        off = frozenset() if self.is_over else bows_off(found.shots)
        if off or off != self._off:
            await tell_clocks_off(connection, context, off)
            self._off = off


def _is_recent(context: SessionContext) -> bool:
    return context.closes is not None and context.now - context.closes <= context.parameters.late_accept_s


def _all_told(context: SessionContext, found: Assembly) -> bool:
    """Whether nothing that began before the closing can still come, or it was waited for long enough.

    A bow has told when it saw the closing; a target when an arrow released just before it would have landed.
    """
    if context.closes is None:
        return False
    if any(shot.result == "pending" for shot in found.shots):
        return False
    until = dict.fromkeys(context.bows, context.closes) | dict.fromkeys(
        context.targets, context.closes + longest_flight_s(context)
    )
    told = all(context.watermarks.get(device, float("-inf")) >= t for device, t in until.items())
    return told or context.now > context.closes + context.parameters.give_up_s
