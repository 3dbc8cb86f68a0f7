"""Change sessions: their values, their closing and their opening again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

import asyncpg

from drivers.clock.host import host_now
from drivers.clock.instant import Instant, instant_of
from edge.common.config.errors import CommandError, UsageError
from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import DeviceKind, ErrorCode, SessionState
from edge.operator.opening import LONGEST_LOCATION
from edge.operator.records.locking import Expect, lock_row, no_fields, update_row
from edge.operator.records.sessions import dated_now, instant_at, overlaps, refuse_future
from edge.operator.records.waiting import leaves_out_waiting
from edge.operator.sessions import POLL_INTERVAL_S, request_close_of

CHANGEABLE: Final = frozenset(
    ("is_opened", "is_indoor", "location", "start_time", "end_time", "arrows_per_end", "sighter_ends")
)
"""Values of a session that can be changed."""
CLOSED_WITHIN_S: Final = 3.0
"""Longest wait of a request for the assembler to close a session."""
_PLAIN: Final = ("is_indoor", "location", "arrows_per_end", "sighter_ends")
_LONGEST_FLIGHT: Final = timedelta(seconds=10)
"""Margin in which an arrow that was released before the end may land after it."""


@dataclass(frozen=True, slots=True)
class _Span:
    """The time of a session as it is wanted."""

    start: datetime
    end: datetime | None
    """None while it is open."""


async def change_session(
    connection: Connection, session_id: UUID, change: Mapping[str, object], expect: Expect | None = None
) -> SessionState:
    """Set values of a session by their names; returns its state afterwards.

    ``is_opened: false`` with an ``end_time`` requests that it is closed at that instant (see :func:`await_closing`);
    ``is_opened: true`` with an ``end_time`` of None opens it again, or withdraws such a request. Raises UsageError for a change that names
    nothing or an end before the start, CommandError when the session does not exist or its state does not allow the change.
    """
    if not change:
        raise no_fields("session", CHANGEABLE)
    now = await dated_now(connection)
    try:
        async with connection.transaction():
            row = await lock_row(connection, "sessions", session_id, expect)
            values = {name: change[name] for name in _PLAIN if name in change}
            if "location" in values:
                values["location"] = clean(str(values["location"]), LONGEST_LOCATION)
            values |= await _of_time(connection, row, change, now, is_seen=expect is not None)
            if values:
                await update_row(connection, "sessions", session_id, values)
            await close_without_devices(connection, session_id)
    except asyncpg.UniqueViolationError as fault:
        raise _already_open(row["lane"]) from fault
    return await state_of(connection, session_id)


async def close_session(connection: Connection, session_id: UUID, expect: Expect | None = None) -> SessionState:
    """Request that a session is closed now; returns its state. Raises CommandError when it is not open."""
    await dated_now(connection)
    async with connection.transaction():
        await require_open(connection, session_id, expect)
        await request_close_of(connection, session_id, host_now())
        await close_without_devices(connection, session_id)
    return await state_of(connection, session_id)


async def mark_session_end(
    connection: Connection,
    session_id: UUID,
    who: str,
    expect: Expect | None = None,
    seen: frozenset[str] | None = None,
) -> None:
    """Close the current end of a session. ``seen``: numbers of the end that is meant, None for whichever is the current one.

    Raises CommandError when the session is not open, when another end has begun, and when that end was closed already.
    """
    await dated_now(connection)
    async with connection.transaction():
        await require_open(connection, session_id, expect)
        if seen is not None:
            await _refuse_another_end(connection, session_id, seen)
        await connection.execute(
            "insert into end_marks (session_id, at, mono_ns, host_boot_id, who) values ($1, $2, $3, $4, $5)",
            session_id,
            *host_now().columns,
            clean(who),
        )


async def require_open(connection: Connection, session_id: UUID, expect: Expect | None = None) -> asyncpg.Record:
    """Lock a session and return it. Raises CommandError when it does not exist or is closed."""
    row = await lock_row(connection, "sessions", session_id, expect)
    if not row["is_opened"]:
        raise _closed(row)
    return row


async def close_without_devices(connection: Connection, session_id: UUID) -> None:
    """Close a session whose closing was requested at once, if no bow and no target ever was on its lane.

    Then no release and no landing can belong to it and nothing is in flight: the assembler would do the same, and need not run.
    """
    await connection.execute(
        """
        update sessions set is_opened = false, end_time = closing_time
        where id = $1 and is_opened and closing_time is not null
            and not exists (select from session_devices where session_id = $1 and kind <> $2)
        """,
        session_id,
        DeviceKind.ARROW,
    )


async def state_of(connection: Connection, session_id: UUID) -> SessionState:
    """The state of a session; closed for one that was deleted."""
    row = await connection.fetchrow("select is_opened, closing_time from sessions where id = $1", session_id)
    if row is None or not row["is_opened"]:
        return SessionState.CLOSED
    return SessionState.OPEN if row["closing_time"] is None else SessionState.CLOSING


async def await_closing(
    borrow: Callable[[], AbstractAsyncContextManager[Connection]], session_id: UUID
) -> SessionState:
    """Wait for up to 3 s while a session is closing, and return its state.

    ``borrow`` lends a connection for each look, so that those who wait together keep none from others.
    """
    deadline_s = time.monotonic() + CLOSED_WITHIN_S
    while True:
        async with borrow() as connection:
            state = await state_of(connection, session_id)
        if state is not SessionState.CLOSING or time.monotonic() > deadline_s:
            return state
        await asyncio.sleep(POLL_INTERVAL_S)


async def _of_time(
    connection: Connection, row: asyncpg.Record, change: Mapping[str, object], now: Instant, *, is_seen: bool
) -> dict[str, object]:
    """The columns that a change of a session's time sets. ``is_seen``: the operator saw the row as it is."""
    wanted = _wanted(row, change)
    values: dict[str, object] = {}
    if wanted.start != row["start_time"]:
        values |= await _new_start(connection, row, wanted, now)
    ended = wanted.end or (None if "is_opened" in change else row["closing_time"])
    if ended is not None and ended < wanted.start:
        raise UsageError(
            "end_time lies before start_time", hint=f"The session began at {local(wanted.start)}.", field="end_time"
        )
    if wanted.end is None:
        if not row["is_opened"]:
            await _refuse_reopening(connection, row)
        if "is_opened" in change and (row["closing_time"] is not None or not row["is_opened"]):
            values |= {"is_opened": True, "end_time": None} | _columns("closing", None)
    elif wanted.end != (row["closing_time"] if row["is_opened"] else row["end_time"]):
        values |= await _new_end(connection, row, change, wanted, wanted.end, now, is_seen=is_seen)
    return values


def _wanted(row: asyncpg.Record, change: Mapping[str, object]) -> _Span:
    """The time of the session after a change. Raises CommandError when it would be open with an end, or closed without one."""
    is_opened = change.get("is_opened", row["is_opened"])
    start, end = change.get("start_time", row["start_time"]), change.get("end_time", row["end_time"])
    if is_opened and end is not None:
        raise CommandError(
            "an open session has no end_time, so nothing was changed",
            hint="Close it with is_opened false and an end_time, or open it again with is_opened true and end_time null.",
            code=ErrorCode.REFUSED,
            field="end_time",
        )
    if not is_opened and end is None:
        raise CommandError(
            "a closed session has an end_time, so nothing was changed",
            hint="Give the end_time with is_opened false.",
            field="end_time",
        )
    return _Span(cast("datetime", start), cast("datetime | None", end))


async def _new_start(connection: Connection, row: asyncpg.Record, wanted: _Span, now: Instant) -> dict[str, object]:
    refuse_future(now, wanted.start, "start_time")
    earlier: datetime | None = await connection.fetchval(
        "select max(end_time) from sessions where lane = $1 and number < $2", row["lane"], row["number"]
    )
    if earlier is not None and earlier > wanted.start:
        raise overlaps(f"the session before this one on lane {row['lane']} ended at {local(earlier)}")
    start = _moved(instant_of(row, "start_time"), wanted.start)
    end = None if wanted.end is None else _closing_at(instant_of(row, "start_time"), wanted.end, now)
    await _refuse_left_out(connection, row["id"], wanted, (start, end))
    return _columns("start", start)


async def _new_end(
    connection: Connection,
    row: asyncpg.Record,
    change: Mapping[str, object],
    wanted: _Span,
    end: datetime,
    now: Instant,
    *,
    is_seen: bool,
) -> dict[str, object]:
    """The columns of another closing. Raises CommandError when an operator who did not see it closed would close it anew."""
    if row["closing_time"] is not None and row["is_opened"]:
        raise CommandError(
            f"the session is already closing at {local(row['closing_time'])}, so nothing was changed",
            hint="Wait until it is closed, or open it again with is_opened true and end_time null.",
            code=ErrorCode.SESSION_NOT_OPEN,
        )
    if not row["is_opened"] and "is_opened" in change and not is_seen:
        raise _closed(row)
    refuse_future(now, end, "end_time")
    later: datetime | None = await connection.fetchval(
        "select min(start_time) from sessions where lane = $1 and number > $2", row["lane"], row["number"]
    )
    if later is not None and later < end:
        raise overlaps(f"the session after this one on lane {row['lane']} began at {local(later)}")
    start = instant_of(row, "start_time")
    closing = _closing_at(start, end, now)
    await _refuse_left_out(connection, row["id"], wanted, (_moved(start, wanted.start), closing))
    return _columns("closing", closing) | ({} if row["is_opened"] else {"end_time": end})


async def _refuse_reopening(connection: Connection, row: asyncpg.Record) -> None:
    """Raise CommandError when another session of the lane is open or began later: two sessions never claim one arrow."""
    later = await connection.fetchrow(
        "select is_opened, start_time from sessions where lane = $1 and id <> $2 and (is_opened or number > $3) "
        "order by is_opened desc, number limit 1",
        row["lane"],
        row["id"],
        row["number"],
    )
    if later is None:
        return
    if later["is_opened"]:
        raise _already_open(row["lane"])
    raise overlaps(f"a later session of lane {row['lane']} began at {local(later['start_time'])}")


def _closing_at(start: Instant, end: datetime, now: Instant) -> Instant:
    """The closing of a session: by its own clock where it is this boot's, so that a step of the wall clock moves neither instant. Pure."""
    is_own = start.mono_ns is not None and start.host_boot_id == now.host_boot_id
    return start.at_utc(end) if is_own else instant_at(now, end)


async def _refuse_left_out(
    connection: Connection, session_id: UUID, wanted: _Span, instants: tuple[Instant, Instant | None]
) -> None:
    """Raise CommandError when shots of the session lie outside of its new time, or arrows that the assembler has not read yet."""
    count: int = await connection.fetchval(
        """
        select count(*) from shots where session_id = $1 and result <> 'void' and (
            coalesce(arrow_disengage_time, arrow_landing_time) < $2
            or arrow_disengage_time > $3 or (arrow_disengage_time is null and arrow_landing_time > $3 + $4::interval))
        """,
        session_id,
        wanted.start,
        wanted.end,
        _LONGEST_FLIGHT,
    )
    if count:
        raise CommandError(
            f"{count} shots of the session lie outside of this time, so nothing was changed",
            hint="Give a time that holds them, or void them first.",
            code=ErrorCode.SESSION_HAS_SHOTS,
        )
    if await leaves_out_waiting(connection, session_id, *instants):
        raise CommandError(
            "arrows that wait for the assembler lie outside of this time, so nothing was changed",
            hint="Give a time that holds them, or wait until the assembler archstats-shots has read them.",
            code=ErrorCode.PENDING,
        )


async def _refuse_another_end(connection: Connection, session_id: UUID, seen: frozenset[str]) -> None:
    """Raise CommandError unless the newest end with arrows has one of these numbers, and was not closed since its last arrow."""
    current = await connection.fetchrow(
        """
        select number, (select who from end_marks where session_id = $1 and at >= last order by at limit 1) as marked_by from (
            select end_number as number, max(coalesce(arrow_disengage_time, arrow_landing_time)) as last from shots
            where session_id = $1 and result <> 'void' and end_number is not null group by end_number
            order by end_number desc limit 1) newest
        """,
        session_id,
    )
    number = 1 if current is None else current["number"]
    if str(number) not in seen:
        was = f"the current end is number {number}"
    elif current is not None and current["marked_by"] is not None:
        was = f"{current['marked_by']} has finished end {number} already"
    else:
        return
    raise CommandError(
        f"{was}, so nothing was changed",
        hint="Look at the ends again, and finish the current one if it is still wanted.",
        code=ErrorCode.CHANGED_MEANWHILE,
    )


def _moved(instant: Instant, at: datetime) -> Instant:
    """An instant at another time of the wall clock; on the wall clock alone where that is before its boot. Pure."""
    moved = instant.at_utc(at)
    return moved if (moved.mono_ns or 0) >= 0 else Instant(at)


def _columns(name: str, instant: Instant | None) -> dict[str, object]:
    names = (f"{name}_time", f"{name}_mono_ns", f"{name}_host_boot_id")
    return dict(zip(names, (None, None, None) if instant is None else instant.columns, strict=True))


def _already_open(lane: int) -> CommandError:
    return CommandError(
        f"another session of lane {lane} is open, so nothing was changed",
        hint="Close that one first.",
        code=ErrorCode.SESSION_ALREADY_OPEN,
    )


def _closed(row: asyncpg.Record) -> CommandError:
    return CommandError(
        f"the session was closed at {local(row['end_time'])}, so nothing was changed",
        hint="Open it again with is_opened true and end_time null, or change its end_time alone.",
        code=ErrorCode.SESSION_NOT_OPEN,
    )
