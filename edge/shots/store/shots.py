"""Shots and ends as rows: a row that changes counts its revision up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import Flag, Result
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.ends import End
from edge.shots.assembly.model import ReadingKey
from edge.shots.assembly.shot import Shot
from edge.shots.assembly.timeline import Axis

COLUMNS: Mapping[str, str] = {
    "end_number": "integer", "arrow_id": "uuid", "arrow_tag": "text", "arrow_engage_time": "timestamptz",
    "arrow_disengage_time": "timestamptz", "arrow_landing_time": "timestamptz", "x": "float8", "y": "float8",
    "result": "text", "points": "integer", "is_x": "boolean", "face_id": "uuid", "face_version": "integer",
    "rule_version": "integer", "line_margin_mm": "float8", "line_call": "boolean", "diameter_mm": "float8",
    "diameter_assumed": "boolean", "assignment": "text", "time_source": "text", "tof_s": "float8", "speed_mps": "float8",
    "flags": "text[]", "release_device_id": "text", "release_stream_id": "uuid", "release_seq": "bigint",
    "landing_device_id": "text", "landing_stream_id": "uuid", "landing_seq": "bigint", "void_reason": "text",
}  # fmt: skip
"""The columns that assembly decides, with their types."""

Values = tuple[object, ...]
"""The values of one row, in the order of ``COLUMNS``."""

_names = list(COLUMNS)
_RESULT, _FLAGS = _names.index("result"), _names.index("flags")
_before_flags = attrgetter(*_names[:_FLAGS])


def values_of(shot: Shot) -> Values:
    """The row of a shot. Runs for each shot of a session with each new reading, so it is kept short."""
    values: Values = _before_flags(shot)
    return (*values, list(shot.flags), *_key_columns(shot.release), *_key_columns(shot.landing), shot.void_reason)


def _key_columns(key: ReadingKey | None) -> Values:
    return (None, None, None) if key is None else (key.device_id, key.stream_id, key.seq)


async def stored_shots(connection: Connection, session_id: UUID) -> dict[UUID, Values]:
    """The shots of a session as stored, by id."""
    rows = await connection.fetch(f"select id, {', '.join(COLUMNS)} from shots where session_id = $1", session_id)  # noqa: S608
    return {row["id"]: tuple(row)[1:] for row in rows}


_INSERT = (
    f"insert into shots (id, session_id, lane, {', '.join(COLUMNS)}) values ($1, $2, $3, "  # noqa: S608 - fixed names
    f"{', '.join(f'${i + 4}' for i in range(len(COLUMNS)))})"
)
_UPDATE = (
    "update shots set revision = revision + 1, updated_at = now(), "  # noqa: S608 - fixed names
    f"{', '.join(f'{name} = ${i + 2}' for i, name in enumerate(COLUMNS))} where id = $1"
)
_FREE_LANDINGS = """
update shots set landing_device_id = null, landing_stream_id = null, landing_seq = null
where id = any($1) and landing_seq is not null and release_seq is not null
"""
_SUPERSEDE = """
update shots set result = $2, void_reason = 'no longer results from the readings', points = null,
    flags = array_append(array_remove(flags, $3), $3), revision = revision + 1, updated_at = now()
where id = any($1) and result <> $2
"""


async def write_shots(
    connection: Connection, context: SessionContext, shots: Sequence[Shot], known: dict[UUID, Values]
) -> int:
    """Bring the table ``shots`` up to date in the caller's transaction; returns the number of rows that changed."""
    fresh = {shot.id: values_of(shot) for shot in shots}
    added = [i for i in fresh if i not in known]
    changed = [i for i in fresh if i in known and known[i] != fresh[i]]
    gone = [i for i in known if i not in fresh and known[i][_RESULT] != Result.VOID]
    if gone:
        await connection.execute(_SUPERSEDE, gone, Result.VOID, Flag.SUPERSEDED)
    if changed:
        await connection.execute(_FREE_LANDINGS, changed)  # a landing may move from one shot to another
        await connection.executemany(_UPDATE, [(i, *fresh[i]) for i in changed])
    if added:
        await connection.executemany(_INSERT, [(i, context.session_id, context.lane, *fresh[i]) for i in added])
    known.update({i: fresh[i] for i in (*added, *changed)})
    for i in gone:  # the row stays in the table: a shot that results again is the same row
        known[i] = (*known[i][:_RESULT], Result.VOID, *known[i][_RESULT + 1 :])
    return len(added) + len(changed) + len(gone)


async def write_ends(
    connection: Connection, context: SessionContext, ends: Sequence[End], axis: Axis, known: set[End]
) -> bool:
    """Bring the table ``ends`` up to date in the caller's transaction; returns whether anything was written."""
    if set(ends) == known:
        return False
    await connection.execute("delete from ends where session_id = $1 and number > $2", context.session_id, len(ends))
    await connection.executemany(
        """
        insert into ends (id, session_id, number, opened_at, closed_at, closed_by)
        values (gen_random_uuid(), $1, $2, $3, $4, $5)
        on conflict (session_id, number) do update set
            opened_at = excluded.opened_at, closed_at = excluded.closed_at, closed_by = excluded.closed_by
        """,
        [
            (
                context.session_id,
                e.number,
                axis.utc_of(e.opens),
                None if e.closes is None else axis.utc_of(e.closes),
                e.closed_by,
            )
            for e in ends
            if e not in known
        ],
    )
    known.clear()
    known.update(ends)
    return True


async def close_session(connection: Connection, session_id: UUID) -> None:
    """Close a session, as of the time at which closing was requested."""
    await connection.execute(
        "update sessions set is_opened = false, end_time = closing_time where id = $1 and is_opened and closing_time is not null",
        session_id,
    )
