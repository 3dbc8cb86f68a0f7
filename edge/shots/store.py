"""The assembler's statements: what it reads of the lane, what it writes of its shots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from edge.common import hostclock
from edge.common.connection import Connection
from edge.shots.corrections import Rulings
from edge.shots.ends import End
from edge.shots.faces import load_catalogue
from edge.shots.sensed import Arrow, Blind, Face, Key, Scene, Sensed, Target
from edge.shots.shot import Shot
from edge.shots.timeline import Axis, Moment

MULTIPLE_FACES = frozenset(code for code, face in load_catalogue().items() if len(face.spots) > 1)
END_NAMESPACE = UUID("3f0a4c0e-5d4b-5c7e-9a55-6f1f0c3b7e21")
BEFORE_START = timedelta(minutes=6)
"""An arrow may be on the string this long before its session begins (``engage_timeout``)."""
AFTER_END = timedelta(seconds=10)
"""An arrow that was in the air when its session ended may be told of so much later."""

# Whether reading ``r`` may be of session ``s``; $1 and $2 are the two margins. Within one boot of the host the monotonic
# clock decides: a step of the wall clock takes no reading out of its session. Apart, so that each has its index.
_BY_MONOTONIC_CLOCK = """
r.host_boot_id = s.start_boot_id and r.mono_ns between
    s.start_mono_ns - (extract(epoch from $1::interval) * 1e9)::bigint
    and case when s.is_opened or s.closing_boot_id is distinct from s.start_boot_id then 9223372036854775807
             else s.closing_mono_ns + (extract(epoch from $2::interval) * 1e9)::bigint end
"""
_BY_WALL_CLOCK = """
(r.host_boot_id = s.start_boot_id and r.mono_ns is not null) is not true
and r.at between s.start_time - $1::interval and coalesce(s.end_time, 'infinity') + $2::interval
"""

_SESSIONS = """
select s.*, t.id as target_id, t.max_x, t.max_y, t.distance::float8 as distance
from sessions s left join targets t on t.session_id = s.id
"""
_READING_COLUMNS = """
device_id, stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, tag, tags, x_mm, y_mm, rssi_dbm, cause
"""


@dataclass(frozen=True, slots=True)
class News:
    """What was stored since the last look."""

    rows: list[asyncpg.Record]
    xmin: int
    """Every transaction before this one is over."""


async def read_news(connection: Connection, since_xmin: int) -> News:
    """Readings of transactions that may have ended since, whatever the order of their commits. Some may be known already."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        xmin = int(await connection.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text"))
        rows = await connection.fetch(
            f"select {_READING_COLUMNS} from readings where xid >= $1::text::xid8",  # noqa: S608 - fixed text
            str(since_xmin),
        )
    return News(rows, xmin)


async def read_progress(connection: Connection) -> int:
    """Up to which transaction the shots are complete."""
    return int(await connection.fetchval("select before_xid::text from assembly_progress"))


async def sessions_of(connection: Connection, rows: Sequence[asyncpg.Record]) -> set[UUID]:
    """The sessions that readings may belong to, by device and time."""
    if not rows:
        return set()
    found = await connection.fetch(
        f"""
        select distinct d.session_id
        from unnest($3::text[], $4::timestamptz[], $5::bigint[], $6::uuid[]) as r (device_id, at, mono_ns, host_boot_id)
        join session_devices d on d.device_id = r.device_id
        join sessions s on s.id = d.session_id
        where s.is_opened or ({_BY_MONOTONIC_CLOCK}) or ({_BY_WALL_CLOCK})
        """,  # noqa: S608 - fixed text
        BEFORE_START,
        AFTER_END,
        *([row[column] for row in rows] for column in ("device_id", "at", "mono_ns", "host_boot_id")),
    )
    return {row["session_id"] for row in found}


async def open_sessions(connection: Connection) -> set[UUID]:
    """Sessions that still take shots."""
    return {row["id"] for row in await connection.fetch("select id from sessions where is_opened")}


async def recent_sessions(connection: Connection, within_s: float) -> set[UUID]:
    """Sessions that were closed so short a time ago that a device which was silent may yet tell of them."""
    rows = await connection.fetch(
        "select id from sessions where end_time > now() - make_interval(secs => $1)", within_s
    )
    return {row["id"] for row in rows}


async def readings_of(connection: Connection, session_id: UUID) -> list[asyncpg.Record]:
    """Every reading that may belong to a session."""
    return await connection.fetch(
        f"""
        select {_READING_COLUMNS} from sessions s join readings r on {_BY_MONOTONIC_CLOCK}
        where s.id = $3 and device_id = any(array(select device_id from session_devices where session_id = $3))
        union all
        select {_READING_COLUMNS} from sessions s join readings r on {_BY_WALL_CLOCK}
        where s.id = $3 and device_id = any(array(select device_id from session_devices where session_id = $3))
        """,  # noqa: S608 - fixed text
        BEFORE_START,
        AFTER_END,
        session_id,
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """A session with its axis and its devices, ready for readings."""

    scene: Scene
    axis: Axis
    start: Moment


async def read_watermarks(connection: Connection) -> dict[str, Moment]:
    """Up to when each device has told everything.

    To be read before the readings: a watermark speaks of what was stored before it, and read after them it would call an
    arrow missed whose landing was stored in between.
    """
    rows = await connection.fetch(
        "select device_id, watermark, watermark_mono_ns, host_boot_id from device_status where watermark is not null"
    )
    return {r["device_id"]: Moment(r["watermark"], r["watermark_mono_ns"], r["host_boot_id"]) for r in rows}


async def read_stage(
    connection: Connection,
    session_id: UUID,
    moments: Sequence[Moment],
    rulings: Rulings,
    told: Mapping[str, Moment],
) -> Stage | None:
    """Everything but the readings; ``moments`` are theirs, for the axis. None when the session is gone."""
    row = await connection.fetchrow(_SESSIONS + " where s.id = $1", session_id)
    if row is None:
        return None
    start = Moment(row["start_time"], row["start_mono_ns"], row["start_boot_id"])
    axis = Axis(start, moments)
    closing = _closing(row)
    devices = await connection.fetch("select * from session_devices where session_id = $1", session_id)
    names = [device["device_id"] for device in devices]
    gaps = await connection.fetch(
        """
        select * from device_gaps
        where device_id = any($1) and (to_at >= $2::timestamptz - interval '1 day' or host_boot_id = $3)
        """,
        names,
        start.at,
        start.boot_id,
    )
    marks = await connection.fetch("select at, mono_ns, host_boot_id from end_marks where session_id = $1", session_id)
    arrows = await connection.fetch("select id, diameter, is_active, voided_date from arrows")
    now = await _now(connection)
    scene = Scene(
        session_id=session_id,
        lane=row["lane"],
        starts=0.0,
        closes=axis.place(closing) if closing else None,
        is_indoor=row["is_indoor"],
        end_timeout_s=row["end_timeout_s"],
        target=await _target(connection, row),
        bows=frozenset(d["device_id"] for d in devices if d["kind"] == "bow"),
        targets=frozenset(d["device_id"] for d in devices if d["kind"] == "target"),
        now=axis.place(now),
        watermarks=_watermarks(axis, devices, told),
        blind=[
            Blind(
                gap["device_id"],
                axis.place(Moment(gap["from_at"], gap["from_mono_ns"], gap["host_boot_id"])),
                axis.place(Moment(gap["to_at"], gap["to_mono_ns"], gap["host_boot_id"])),
            )
            for gap in gaps
        ],
        arrows={a["id"]: _arrow(a, axis) for a in arrows},
        arrows_per_end=row["arrows_per_end"],
        end_marks=[axis.place(Moment(m["at"], m["mono_ns"], m["host_boot_id"])) for m in marks],
        corrections=rulings.corrections,
    )
    return Stage(scene, axis, start)


def _closing(session: asyncpg.Record) -> Moment | None:
    """When the last arrow could be released; None while nobody asked for the closing."""
    if session["closing_time"] is not None:
        return Moment(session["closing_time"], session["closing_mono_ns"], session["closing_boot_id"])
    return None if session["end_time"] is None else Moment(session["end_time"])


async def _now(connection: Connection) -> Moment:
    """The database's clock, and this host's monotonic one, which decides where the session was opened in this boot."""
    at = await connection.fetchval("select clock_timestamp()")
    here = hostclock.now()
    return Moment(at, here.mono_ns, here.boot_id)


def _arrow(row: asyncpg.Record, axis: Axis) -> Arrow:
    voided = None if row["voided_date"] is None else axis.place(Moment(row["voided_date"]))
    return Arrow(row["id"], row["diameter"], row["is_active"], voided)


def _watermarks(axis: Axis, devices: Sequence[asyncpg.Record], told: Mapping[str, Moment]) -> dict[str, float]:
    """Up to when each device has told everything: as it is now, or as it was when the session closed."""
    kept = {
        d["device_id"]: axis.place(Moment(d["told_until"], d["told_until_mono_ns"], d["told_until_boot_id"]))
        for d in devices
        if d["told_until"] is not None
    }
    now = {d["device_id"]: axis.place(told[d["device_id"]]) for d in devices if d["device_id"] in told}
    return {device: max(kept.get(device, t), now.get(device, t)) for device, t in {**kept, **now}.items()}


async def _target(connection: Connection, row: asyncpg.Record) -> Target | None:
    if row["target_id"] is None:
        return None
    faces = await connection.fetch(
        "select * from faces where target_id = $1 order by human_identifier", row["target_id"]
    )
    return Target(
        row["max_x"],
        row["max_y"],
        row["distance"],
        tuple(
            Face(
                f["id"], f["version"], f["x"], f["y"], tuple(f["radii"]), tuple(f["points"]), f["x_radius"],
                is_spot=f["code"] in MULTIPLE_FACES,
            )
            for f in faces
        ),
    )  # fmt: skip


def moment_of(row: asyncpg.Record) -> Moment:
    """When a reading was."""
    return Moment(row["at"], row["mono_ns"], row["host_boot_id"])


def sensed(row: asyncpg.Record, axis: Axis) -> Sensed:
    """A row of ``readings`` as assembly sees it, its instant told by the session's clock."""
    t = axis.place(moment_of(row))
    return Sensed(
        key=Key(row["device_id"], row["stream_id"], row["seq"]),
        kind=row["kind"],
        t=t,
        at=axis.instant(t),
        error_s=row["uncertainty_s"],
        tag=row["tag"],
        tags=None if row["tags"] is None else tuple(row["tags"]),
        x=row["x_mm"],
        y=row["y_mm"],
        rssi=row["rssi_dbm"],
        cause=row["cause"],
    )


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


def values_of(shot: Shot) -> Values:
    """A shot's columns in the order of ``COLUMNS``."""
    plain = {name: getattr(shot, name) for name in COLUMNS if hasattr(shot, name)}
    for role, key in (("release", shot.release), ("landing", shot.landing)):
        plain |= {f"{role}_device_id": None, f"{role}_stream_id": None, f"{role}_seq": None}
        if key is not None:
            plain |= {f"{role}_device_id": key.device_id, f"{role}_stream_id": key.stream_id, f"{role}_seq": key.seq}
    plain["flags"] = list(shot.flags)
    return tuple(plain[name] for name in COLUMNS)


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


async def write_shots(connection: Connection, scene: Scene, shots: Sequence[Shot], known: dict[UUID, Values]) -> int:
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
        await connection.executemany(_INSERT, [(i, scene.session_id, scene.lane, *fresh[i]) for i in added])
    known.update({i: fresh[i] for i in (*added, *changed)})
    for i in gone:  # kept in the table: should it result again, it is the same row
        known[i] = tuple("void" if name == "result" else was for name, was in zip(COLUMNS, known[i], strict=True))
    return len(added) + len(changed) + len(gone)


async def write_ends(connection: Connection, scene: Scene, ends: Sequence[End], axis: Axis, known: set[End]) -> bool:
    """Make ``ends`` say what assembly found; returns whether anything was written. In the caller's transaction."""
    if set(ends) == known:
        return False
    await connection.execute("delete from ends where session_id = $1 and number > $2", scene.session_id, len(ends))
    await connection.executemany(
        """
        insert into ends (id, session_id, number, opened_at, closed_at, closed_by)
        values (gen_random_uuid(), $1, $2, $3, $4, $5)
        on conflict (session_id, number) do update set
            opened_at = excluded.opened_at, closed_at = excluded.closed_at, closed_by = excluded.closed_by
        """,
        [
            (
                scene.session_id,
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


async def write_progress(connection: Connection, xmin: int) -> None:
    """Remember how far the readings were read."""
    await connection.execute("update assembly_progress set before_xid = $1::text::xid8", str(xmin))
