"""Open sessions: on one lane or on several at once, from now on or from a past instant."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from edge.common.advice import SESSION_VALUES, SessionValues, open_command
from edge.common.bounds import storable_instant
from edge.common.config.errors import CommandError, UsageError
from edge.common.console import iso, local
from edge.common.postgres.connection import Connection
from edge.common.text import clean, nearest
from edge.common.vocabulary import ErrorCode
from edge.operator.boots import dated, record_this_boot
from edge.operator.butt.layout import FacePlace
from edge.operator.butt.slots import NewSlot, insert_slots
from edge.shots.rules import USUAL_RULES, RuleSet, load_all_rules, load_rules

END_TIMEOUT_S = 60.0
LONGEST_LOCATION = 255
"""Characters of the longest location."""
START_SHOTS = "Start archstats-shots, which closes it; on a hub with `sudo systemctl start archstats-shots`."
"""Remedy for a session that stays in the state ``closing``."""


@dataclass(frozen=True, slots=True)
class SessionHead:
    """A new session apart from its butt and its archers."""

    lane: int
    start: Instant
    location: str
    is_indoor: bool
    """Decides the assumed shaft diameter."""
    arrows_per_end: int
    end_timeout_s: float


@dataclass(frozen=True, slots=True)
class NewSession(SessionHead):
    """Everything that a session is opened with."""

    distance_m: float
    butt_width_mm: float
    butt_height_mm: float
    faces: Sequence[FacePlace]
    sighter_ends: int = 0
    """Number of ends at the beginning that count in no total."""
    slots: Sequence[NewSlot] = ()
    rules: RuleSet = field(default_factory=lambda: load_rules()[USUAL_RULES])


def rules_of(text: str) -> RuleSet:
    """The rules that a text names: their newest version by the code alone, an earlier one like ``wa@1``. Raises UsageError."""
    code, _, version = text.partition("@")
    known = load_rules()
    if code not in known:
        near = nearest(code, known)
        raise UsageError(
            f"there are no rules '{code}'",
            hint=(f"Did you mean {near}? " if near else "") + f"Give one of {', '.join(known)}.",
        )
    if code == text:
        return known[code]
    versions = {str(rules.version): rules for rules in load_all_rules().values() if rules.code == code}
    if version not in versions:
        raise UsageError(
            f"there is no version '{version}' of the rules {code}",
            hint=f"Give one of {', '.join(f'{code}@{one}' for one in versions)}, or {code} for the newest.",
        )
    return versions[version]


def past_instant(text: str, now: Instant, *, is_behind: bool = False) -> Instant:
    """The start of a session that began in the past, from ISO 8601 with an offset, on both clocks of this boot.

    Raises UsageError for a text that is not an instant or lies outside the database's bounds, CommandError for an instant in
    the future.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as fault:
        raise UsageError(f"--since {text} is not an instant", hint="Write it like 2026-01-01T12:00:00Z.") from fault
    if at.tzinfo is None:
        raise UsageError(f"--since {text} has no time zone", hint="Add Z or an offset: 2026-01-01T12:00:00Z.")
    try:
        at = storable_instant(at)
    except ValueError as fault:
        raise UsageError(f"--since {text} cannot be stored: {fault}", hint="Correct the year.") from fault
    if at > now.at:
        raise CommandError(f"--since {text} is in the future", hint="Leave out --since: the session begins now.")
    start = now.at_utc(at)
    # Before this boot the host's earlier boots count, and the wall clock alone compares with them, unless it was behind.
    return start if (start.mono_ns or 0) >= 0 or is_behind else Instant(at)


async def start_of_session(connection: Connection, since: str | None) -> Instant:
    """The start of a session: now, or the past instant of a text, as this boot of the host is dated.

    Raises the errors of :func:`past_instant`.
    """
    now = host_now()
    boot = await record_this_boot(connection)
    if since is None:
        return now
    is_behind = boot is not None and boot.zero_at is not None
    return past_instant(since, dated(now, boot), is_behind=is_behind)


async def command_to_open(connection: Connection, lane: int) -> str:
    """The command that opens a session on a lane like its last one; words in capitals are to be filled in."""
    row = await connection.fetchrow(
        f"select {SESSION_VALUES} from sessions s left join targets t on t.session_id = s.id "  # noqa: S608 - fixed text
        "where s.lane = $1 order by s.number desc limit 1",
        lane,
    )
    if row is None:
        return open_command(lane, SessionValues())
    values = {**row, "faces": json.loads(row["faces"]), "slots": json.loads(row["slots"])}
    return open_command(lane, SessionValues(**values))


async def open_sessions(
    connection: Connection, new: NewSession, lanes: Sequence[int], *, backdated: bool = False
) -> Mapping[int, UUID]:
    """Open a session like ``new`` on each lane, or on none; returns their ids by lane.

    A ``backdated`` session begins in the past. Raises CommandError when a lane has an open session, or had one after a
    backdated start, UsageError when an archer would stand on several lanes.
    """
    archer = next((slot.archer for slot in new.slots if slot.archer is not None), None)
    if len(lanes) > 1 and archer is not None:
        raise UsageError(
            f"archer {archer} cannot shoot on lanes {', '.join(map(str, lanes))} at the same time",
            hint="Open each lane with a command of its own, or leave out archer=.",
        )
    opened: dict[int, UUID] = {}
    async with connection.transaction():
        for lane in lanes:
            if backdated:
                await refuse_overlap(connection, lane, new.start.at)
            try:
                opened[lane] = await open_session(connection, replace(new, lane=lane))
            except asyncpg.UniqueViolationError as fault:
                raise await lane_in_use(connection, lane) from fault
    return opened


async def open_session(connection: Connection, new: NewSession) -> UUID:
    """Insert session, target, faces and slots together.

    Raises asyncpg.UniqueViolationError when the lane already has an open session, CommandError when a slot's device is no bow
    of the lane.
    """
    await record_this_boot(connection)
    async with connection.transaction():
        session_id = await insert_session(connection, new, new.sighter_ends, new.rules)
        target_id: UUID = await connection.fetchval(
            "insert into targets (session_id, max_x, max_y, distance) values ($1, $2, $3, $4) returning id",
            session_id,
            new.butt_width_mm,
            new.butt_height_mm,
            Decimal(str(new.distance_m)),
        )
        await connection.executemany(
            """
            insert into faces (target_id, human_identifier, code, version, x, y, radii, points, x_radius, name)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                (
                    target_id, f.human_identifier, f.code, f.version, f.x_mm, f.y_mm, f.radii_mm, f.points,
                    f.x_radius_mm, f.name,
                )
                for f in new.faces
            ],
        )  # fmt: skip
        await insert_slots(connection, session_id, new.lane, new.slots)
    return session_id


async def insert_session(connection: Connection, new: SessionHead, sighter_ends: int, rules: RuleSet) -> UUID:
    """Insert the row of a session. Raises asyncpg.UniqueViolationError when the lane already has an open session."""
    session_id: UUID = await connection.fetchval(
        """
        insert into sessions (lane, start_time, start_mono_ns, start_host_boot_id, location, is_indoor, arrows_per_end,
                              end_timeout_s, sighter_ends, rule_set, rule_set_version, x_points)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id
        """,
        new.lane,
        *new.start.columns,
        clean(new.location, LONGEST_LOCATION),
        new.is_indoor,
        new.arrows_per_end,
        new.end_timeout_s,
        sighter_ends,
        rules.code,
        rules.version,
        rules.x_points,
    )
    return session_id


async def refuse_overlap(connection: Connection, lane: int, start: datetime) -> None:
    """Raise CommandError when the lane's last session ended after ``start``: no arrow belongs to two sessions."""
    ended: datetime | None = await connection.fetchval(
        "select end_time from sessions where lane = $1 order by number desc limit 1", lane
    )
    if ended is not None and ended > start:
        raise CommandError(
            f"the last session of lane {lane} ended at {local(ended)}, so no session was opened",
            hint=f"Let it begin after that: --since {iso(ended)}.",
        )


async def lane_in_use(connection: Connection, lane: int) -> CommandError:
    """The error for a lane that already has an open session."""
    closing: bool | None = await connection.fetchval(
        "select closing_time is not null from sessions where lane = $1 and is_opened", lane
    )
    if closing:
        return CommandError(
            f"the last session of lane {lane} is still closing, so no session was opened",
            hint=START_SHOTS,
            code=ErrorCode.SESSION_ALREADY_OPEN,
        )
    return CommandError(
        f"lane {lane} already has an open session, so no session was opened",
        hint=f"Close it first: `archstats-sensor session close --lane {lane}`.",
        code=ErrorCode.SESSION_ALREADY_OPEN,
    )
