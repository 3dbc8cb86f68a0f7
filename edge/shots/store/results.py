"""The results of sessions as rows: shots, ends and orphans as stored, and what changes, in one statement for all of them.

A shot that changes counts its revision up.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import Flag, OrphanStatus, Result
from edge.shots.assembly.ends import End
from edge.shots.assembly.incremental import Changes
from edge.shots.assembly.model import ReadingKey
from edge.shots.assembly.shot import Shot, shot_id
from edge.shots.assembly.timeline import Axis
from edge.shots.store.corrections import Orphans, OrphanState

COLUMNS = (
    "end_number", "arrow_id", "arrow_tag", "arrow_engage_time", "arrow_disengage_time", "arrow_landing_time", "x", "y",
    "calibration_id", "result", "points", "is_x", "face_id", "face_version", "rule_version", "rule_set", "rule_set_version",
    "slot_id", "line_margin_mm", "line_call",    "diameter_mm", "diameter_assumed", "assignment", "time_source", "tof_s", "speed_mps", "launch_mps", "flags",
    "release_device_id", "release_stream_id", "release_seq", "landing_device_id", "landing_stream_id", "landing_seq", "void_reason",
)  # fmt: skip
"""The columns of ``shots`` that assembly decides."""

Values = tuple[object, ...]
"""The values of one row, in the order of ``COLUMNS``."""
EndTimes = tuple[datetime, datetime | None, str | None]
"""Opening, closing and its cause."""

_RESULT, _FLAGS, _LANDING = COLUMNS.index("result"), COLUMNS.index("flags"), COLUMNS.index("landing_device_id")
_before_flags = attrgetter(*COLUMNS[:_FLAGS])


def values_of(shot: Shot) -> Values:
    """The row of a shot."""
    values: Values = _before_flags(shot)
    return (*values, list(shot.flags), *_key_columns(shot.release), *_key_columns(shot.landing), shot.void_reason)


def _key_columns(key: ReadingKey | None) -> Values:
    return (None, None, None) if key is None else tuple(key)


Row = Mapping[str, object]


@dataclass(slots=True)
class SessionResult:
    """The changes of one assembly of a session to the tables."""

    session_id: UUID
    lane: int
    shots: int = 0
    """Number of the session's shots."""
    added: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    moved: list[UUID] = field(default_factory=list)
    """Changed shots whose landing may go to another shot."""
    gone: list[UUID] = field(default_factory=list)
    ends: list[Row] = field(default_factory=list)
    ends_after: int | None = None
    """Ends with greater numbers no longer result."""
    orphans: list[Row] = field(default_factory=list)
    orphans_gone: list[UUID] = field(default_factory=list)
    closes: bool = False
    """Every shot is decided: the session is closed as of the time at which closing was requested."""
    bows_on_lane: Collection[str] = ()
    bows_off: Collection[str] = ()
    requests: Sequence[int] = ()
    """Rebuild requests that this assembly completes."""

    @property
    def revised(self) -> int:
        """Number of shots that are new or changed."""
        return len(self.added) + len(self.changed) + len(self.gone)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (
            self.revised or self.ends or self.ends_after is not None or self.orphans or self.orphans_gone
            or self.closes or self.bows_on_lane or self.requests
        )  # fmt: skip


@dataclass(slots=True)
class StoredResults:
    """The shots, ends and orphans of one session as the tables hold them."""

    shots: dict[UUID, Values] = field(default_factory=dict)
    ends: dict[int, EndTimes] = field(default_factory=dict)
    orphans: Orphans = field(default_factory=dict)

    def compare_shots(self, result: SessionResult, changes: Changes) -> None:
        """Add the shots that differ to a result, and count them as stored."""
        is_first = changes.is_first
        fresh = {shot.id: values_of(shot) for shot in changes.shots}
        for i, values in fresh.items():
            known = self.shots.get(i)
            if known == values:
                continue
            row = dict(zip(COLUMNS, values, strict=True), id=i, session_id=result.session_id, lane=result.lane)
            if known is None:
                result.added.append(row)
            else:
                result.changed.append(row)
                if known[_LANDING] is not None and known[_LANDING : _LANDING + 3] != values[_LANDING : _LANDING + 3]:
                    result.moved.append(i)
            self.shots[i] = values
        candidates = self.shots.keys() - fresh.keys() if is_first else changes.gone
        for i in candidates:
            values = self.shots[i]
            if values[_RESULT] != Result.VOID:
                result.gone.append(i)  # the row stays in the table: a shot that results again is the same row
                self.shots[i] = (*values[:_RESULT], Result.VOID, *values[_RESULT + 1 :])

    def compare_ends(self, result: SessionResult, ends: Sequence[End], count: int, axis: Axis) -> None:
        """Add the ends that differ to a result, and count them as stored; ``count`` is the number of all ends."""
        for end in ends:
            closed_at = None if end.closes is None else axis.utc_of(end.closes)
            times = (axis.utc_of(end.opens), closed_at, end.closed_by)
            if self.ends.get(end.number) != times:
                self.ends[end.number] = times
                result.ends.append(
                    {
                        "session_id": result.session_id, "number": end.number, "opened_at": times[0],
                        "closed_at": times[1], "closed_by": times[2],
                    }
                )  # fmt: skip
        if len(self.ends) > count:
            result.ends_after = count
            self.ends = {number: times for number, times in self.ends.items() if number <= count}

    def compare_orphans(self, result: SessionResult, fresh: Orphans, scope: Collection[ReadingKey] | None) -> None:
        """Add the orphans that differ to a result, and count them as stored; ``scope``: landings assembled, None for all."""
        for key, orphan in fresh.items():
            if self.orphans.get(key) != orphan:
                self.orphans[key] = orphan
                result.orphans.append(
                    {
                        "id": shot_id(key), "session_id": result.session_id, "lane": result.lane,
                        "device_id": key.device_id, "stream_id": key.stream_id, "seq": key.seq, **orphan._asdict(),
                    }
                )  # fmt: skip
        for key in [k for k in self.orphans if k not in fresh and (scope is None or k in scope)]:
            del self.orphans[key]
            result.orphans_gone.append(shot_id(key))


async def stored_results(connection: Connection, sessions: Collection[UUID]) -> dict[UUID, StoredResults]:
    """Read the results of sessions as stored."""
    found: dict[UUID, StoredResults] = defaultdict(StoredResults)
    for row in await connection.fetch(
        f"select session_id, id, {', '.join(COLUMNS)} from shots where session_id = any($1)",  # noqa: S608 - fixed names
        list(sessions),
    ):
        session_id, i, *values = row
        found[session_id].shots[i] = tuple(values)
    for row in await connection.fetch(
        "select session_id, number, opened_at, closed_at, closed_by from ends where session_id = any($1)",
        list(sessions),
    ):
        found[row["session_id"]].ends[row["number"]] = (row["opened_at"], row["closed_at"], row["closed_by"])
    for row in await connection.fetch(
        "select session_id, device_id, stream_id, seq, status, shot_id, x, y from orphans where session_id = any($1)",
        list(sessions),
    ):
        key = ReadingKey(row["device_id"], row["stream_id"], row["seq"])
        found[row["session_id"]].orphans[key] = OrphanState(
            OrphanStatus(row["status"]), row["shot_id"], row["x"], row["y"]
        )
    return {session_id: found[session_id] for session_id in sessions}


_NAMES = ", ".join(COLUMNS)
_WRITE = f"""
with added as (
    insert into shots (id, session_id, lane, {_NAMES})
    select id, session_id, lane, {_NAMES} from json_populate_recordset(null::shots, $1::json)
), changed as (
    update shots s
    set revision = s.revision + 1, updated_at = now(), {", ".join(f"{name} = n.{name}" for name in COLUMNS)}
    from json_populate_recordset(null::shots, $2::json) n where s.id = n.id
), closed as (
    insert into ends (id, session_id, number, opened_at, closed_at, closed_by)
    select gen_random_uuid(), session_id, number, opened_at, closed_at, closed_by
    from json_populate_recordset(null::ends, $3::json)
    on conflict (session_id, number) do update set
        opened_at = excluded.opened_at, closed_at = excluded.closed_at, closed_by = excluded.closed_by
), unassigned as (
    insert into orphans (id, session_id, lane, device_id, stream_id, seq, status, shot_id, x, y)
    select id, session_id, lane, device_id, stream_id, seq, status, shot_id, x, y
    from json_populate_recordset(null::orphans, $4::json)
    on conflict (device_id, stream_id, seq) do update set
        session_id = excluded.session_id, lane = excluded.lane, status = excluded.status, shot_id = excluded.shot_id,
        x = excluded.x, y = excluded.y,
        updated_at = now()
)
update device_status set clock_off = device_id = any($6)
where device_id = any($5) and clock_off <> (device_id = any($6))
"""  # noqa: S608 - fixed names
_FREE_LANDINGS = """
update shots set landing_device_id = null, landing_stream_id = null, landing_seq = null
where id = any($1) and landing_seq is not null and release_seq is not null
"""
_TAKE_OVER = """
update shots set session_id = $1, lane = $2 where id = any($3) and session_id <> $1 and result = $4 returning id
"""
_SUPERSEDE = """
update shots set result = $2, void_reason = 'no longer results from the readings', points = null,
    flags = array_append(array_remove(flags, $3), $3), revision = revision + 1, updated_at = now()
where id = any($1) and result <> $2
"""
_CLOSE = """
with closing as materialized (
    select id from sessions where id = any($1) and is_opened and closing_time is not null order by lane for update
)
update sessions s set is_opened = false, end_time = closing_time from closing c where s.id = c.id
"""
"""In the order of lanes, as commands do it, so that two of them wait for each other and never deadlock."""
_COMPLETE = "update rebuilds set done_at = clock_timestamp(), shots = $2, revised = $3 where id = any($1)"
_SAVE = "update assembly_progress set before_xid = $1::text::xid8 where share = any($2)"


@dataclass(frozen=True, slots=True)
class Progress:
    """The reading position of some shares of the lanes."""

    xmin: int
    shares: Collection[int]


async def write_results(
    connection: Connection, results: Sequence[SessionResult], progress: Progress | None = None
) -> None:
    """Write the results of sessions: in one statement, unless rows depend on others, and then in one transaction.

    A landing that moves from one shot to another is freed first; a session is closed after its shots are written. Always the
    same statement, even for no rows, so that the server parses it once.
    """
    statements = [
        (_SUPERSEDE, [i for r in results for i in r.gone], (Result.VOID, Flag.SUPERSEDED)),
        (_FREE_LANDINGS, [i for r in results for i in r.moved], ()),
        ("delete from orphans where id = any($1)", [i for r in results for i in r.orphans_gone], ()),
    ]
    first = [(statement, ids, more) for statement, ids, more in statements if ids]
    lost_ends = [(r.session_id, r.ends_after) for r in results if r.ends_after is not None]
    closing = [r.session_id for r in results if r.closes]
    requested = [(list(r.requests), r.shots, r.revised) for r in results if r.requests]
    if not (first or lost_ends or closing or requested or progress):
        await _write_rows(connection, results)
        return
    async with connection.transaction():
        for statement, ids, more in first:
            await connection.execute(statement, ids, *more)
        if lost_ends:
            await connection.executemany("delete from ends where session_id = $1 and number > $2", lost_ends)
        await _write_rows(connection, results)
        if closing:
            await connection.execute(_CLOSE, closing)
        if requested:
            await connection.executemany(_COMPLETE, requested)
        if progress is not None:
            await connection.execute(_SAVE, str(progress.xmin), sorted(progress.shares))


async def take_over_shots(connection: Connection, result: SessionResult) -> None:
    """Take the rows of new shots that no longer result in another session: their release moved with its bow's lane."""
    added = [row["id"] for row in result.added]
    taken = {
        row["id"] for row in await connection.fetch(_TAKE_OVER, result.session_id, result.lane, added, Result.VOID)
    }
    result.changed += [row for row in result.added if row["id"] in taken]
    result.added = [row for row in result.added if row["id"] not in taken]


async def _write_rows(connection: Connection, results: Sequence[SessionResult]) -> None:
    rows = (
        [row for result in results for row in result.added],
        [row for result in results for row in result.changed],
        [row for result in results for row in result.ends],
        [row for result in results for row in result.orphans],
    )
    bows = sorted({bow for result in results for bow in result.bows_on_lane})
    off = sorted({bow for result in results for bow in result.bows_off})
    await connection.execute(_WRITE, *(json.dumps(row, default=str) for row in rows), bows, off)
