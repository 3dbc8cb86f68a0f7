"""Create and delete sessions one by one; :mod:`edge.operator.opening` opens one with its butt in one step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from edge.common.config.errors import CommandError
from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode
from edge.operator.boots import dated, record_this_boot
from edge.operator.opening import END_TIMEOUT_S, SessionHead, insert_session, lane_in_use
from edge.operator.records.locking import Expect, has_shots, lock_row
from edge.shots.rules import USUAL_RULES, load_rules

AHEAD: Final = timedelta(minutes=1)
"""Most that a client's clock may be ahead of the hub's before its instants count as lying in the future."""


@dataclass(frozen=True, slots=True)
class BareSession:
    """A session without a target: its shots have no value until one is added."""

    lane: int
    start_time: datetime
    location: str
    is_indoor: bool
    arrows_per_end: int
    sighter_ends: int


async def create_session(connection: Connection, new: BareSession) -> UUID:
    """Open a session without a target. Returns its id.

    Raises CommandError when its lane has an open session, or had one after the start, or when the start lies in the future.
    """
    now = await dated_now(connection)
    refuse_future(now, new.start_time, "start_time")
    start = instant_at(now, new.start_time)
    head = SessionHead(new.lane, start, new.location, new.is_indoor, new.arrows_per_end, END_TIMEOUT_S)
    try:
        async with connection.transaction():
            session_id = await insert_session(connection, head, new.sighter_ends, load_rules()[USUAL_RULES])
            await refuse_overlap_before(connection, new.lane, new.start_time, session_id)
            return session_id
    except asyncpg.UniqueViolationError as fault:
        raise await lane_in_use(connection, new.lane) from fault


async def refuse_overlap_before(
    connection: Connection, lane: int, start: datetime, session_id: UUID | None = None
) -> None:
    """Raise CommandError when the lane's last session, other than the given one, ended after a start."""
    ended: datetime | None = await connection.fetchval(
        "select end_time from sessions where lane = $1 and id is distinct from $2 order by number desc limit 1",
        lane,
        session_id,
    )
    if ended is not None and ended > start:
        raise overlaps(f"the last session of lane {lane} ended at {local(ended)}, after the start of this one")


async def delete_session(connection: Connection, session_id: UUID, expect: Expect | None = None) -> None:
    """Delete a session that has no shots, with its target, faces and slots.

    Its readings stay stored, as unclaimed ones. Raises CommandError when it does not exist or has shots.
    """
    async with connection.transaction():
        await lock_row(connection, "sessions", session_id, expect)
        if await has_shots(connection, session_id):
            raise CommandError(
                f"session {session_id} has shots, so it was not deleted",
                hint="Close it: its shots stay on record, and arrows that wait for the assembler become shots. A shot that does not count is voided.",
                code=ErrorCode.SESSION_HAS_SHOTS,
            )
        try:
            await connection.execute("delete from sessions where id = $1", session_id)
        except asyncpg.ForeignKeyViolationError as fault:
            raise CommandError(
                f"session {session_id} has entries that are kept, such as ends on paper, so it was not deleted",
                hint="Close it: its entries stay on record.",
                code=ErrorCode.IN_USE,
            ) from fault


async def dated_now(connection: Connection) -> Instant:
    """The present instant on both clocks of the host, as the sessions of its boot are dated. Records the boot."""
    boot = await record_this_boot(connection)
    return dated(host_now(), boot)


def instant_at(now: Instant, at: datetime) -> Instant:
    """An instant of the wall clock on both clocks of this boot; on the wall clock alone before the boot. Pure."""
    found = now.at_utc(at)
    return found if (found.mono_ns or 0) >= 0 else Instant(at)


def refuse_future(now: Instant, at: datetime, name: str) -> None:
    """Raise CommandError for an instant in the future, beyond what two clocks may differ by."""
    if at > now.at + AHEAD:
        raise CommandError(
            f"{name} lies in the future: by the hub's clock it is {local(now.at)} now",
            hint="Give an instant that has passed, or set the clock that gave it.",
            field=name,
        )


def overlaps(message: str) -> CommandError:
    """The error for two sessions of one lane at one time: no arrow belongs to both."""
    return CommandError(
        f"{message}, so nothing was changed", hint="Sessions of one lane follow one another: give another instant."
    )
