"""What the assembler writes: shots and ends as rows, revised where they say something else than before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.shots.assembly.ends import End
from edge.shots.assembly.model import ReadingKey, SessionContext
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
"""Everything of a shot that assembly decides."""

Values = tuple[object, ...]


_OF_ITS_OWN = list(COLUMNS)[: list(COLUMNS).index("flags")]
_own = attrgetter(*_OF_ITS_OWN)


def values_of(shot: Shot) -> Values:
    """A shot's columns in the order of ``COLUMNS``. Done for each shot of a session whenever one reading came: kept short."""
    own: Values = _own(shot)
    return (*own, list(shot.flags), *_named(shot.release), *_named(shot.landing), shot.void_reason)


def _named(key: ReadingKey | None) -> Values:
    return (None, None, None) if key is None else (key.device_id, key.stream_id, key.seq)


async def stored_shots(connection: Connection, session_id: UUID) -> dict[UUID, Values]:
    """What the table holds of a session."""
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
update shots set result = 'void', void_reason = 'no longer results from the readings', points = null,
    flags = array_append(array_remove(flags, 'superseded'), 'superseded'), revision = revision + 1, updated_at = now()
where id = any($1) and result <> 'void'
"""


async def write_shots(
    connection: Connection, context: SessionContext, shots: Sequence[Shot], known: dict[UUID, Values]
) -> int:
    """Make the table say what ``shots`` say; returns how many rows changed. In the caller's transaction."""
    fresh = {shot.id: values_of(shot) for shot in shots}
    added = [i for i in fresh if i not in known]
    changed = [i for i in fresh if i in known and known[i] != fresh[i]]
    gone = [i for i in known if i not in fresh and known[i][list(COLUMNS).index("result")] != "void"]
    if gone:
        await connection.execute(_SUPERSEDE, gone)
    if changed:
        await connection.execute(_FREE_LANDINGS, changed)  # a landing may move from one shot to another
        await connection.executemany(_UPDATE, [(i, *fresh[i]) for i in changed])
    if added:
        await connection.executemany(_INSERT, [(i, context.session_id, context.lane, *fresh[i]) for i in added])
    known.update({i: fresh[i] for i in (*added, *changed)})
    for i in gone:  # kept in the table: should it result again, it is the same row
        known[i] = tuple("void" if name == "result" else was for name, was in zip(COLUMNS, known[i], strict=True))
    return len(added) + len(changed) + len(gone)


async def write_ends(
    connection: Connection, context: SessionContext, ends: Sequence[End], axis: Axis, known: set[End]
) -> bool:
    """Make ``ends`` say what assembly found; returns whether anything was written. In the caller's transaction."""
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
                axis.instant(e.opens),
                None if e.closes is None else axis.instant(e.closes),
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
    """Nothing is open any more: the session ends when closing was asked for."""
    await connection.execute(
        "update sessions set is_opened = false, end_time = closing_time where id = $1 and is_opened and closing_time is not null",
        session_id,
    )
