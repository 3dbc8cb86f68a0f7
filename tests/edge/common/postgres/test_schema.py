"""Triggers and constraints of the schema: events, doorbells, one open session a lane, valid faces."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from enum import StrEnum
from uuid import UUID, uuid4

import asyncpg
import pytest

from drivers.clock.instant import instant_columns
from drivers.contract import DeviceKind, ReadingKind, SensorOrigin, Source
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import (
    Assignment,
    BootClock,
    CalibrationAction,
    CalibrationKind,
    CalibrationModel,
    CommandState,
    CorrectionKind,
    DeviceState,
    EndClosure,
    EventType,
    OrphanStatus,
    ReportKind,
    Result,
    SlotLetter,
    TimeSource,
)

SESSION = "insert into sessions (lane, start_time, location) values ($1, now(), 'here') returning id"
READING = """
insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)
select $1, $2, n, 'release', now(), gen_random_uuid(), now(), 'simulator' from generate_series($3::bigint, $4) n
on conflict do nothing
"""


@pytest.fixture
async def bells(connection: Connection) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
    """The received doorbells in order, as (channel, payload)."""
    received: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def receive(_connection: object, _pid: int, channel: str, payload: object) -> None:
        received.put_nowait((channel, str(payload)))

    for channel in ("archy", "archy_readings", "done"):
        await connection.add_listener(channel, receive)
    yield received
    for channel in ("archy", "archy_readings", "done"):
        await connection.remove_listener(channel, receive)


async def rung(connection: Connection, received: asyncio.Queue[tuple[str, str]]) -> list[tuple[str, str]]:
    """All doorbells so far: a final one of the test's own arrives after all others."""
    await connection.execute("notify done")
    found = []
    while (bell := await asyncio.wait_for(received.get(), 5)) != ("done", ""):
        found.append(bell)
    return found


async def add_device(connection: Connection, name: str, kind: str = "bow", lane: int | None = 1) -> None:
    await connection.execute("insert into devices (id, kind, driver, lane) values ($1, $2, 'x', $3)", name, kind, lane)


async def event_types(connection: Connection) -> list[str]:
    return [row["type"] for row in await connection.fetch("select type from events order by xid, id")]


async def test_readings_ring_once_a_statement_and_name_the_device(
    connection: Connection, bells: asyncio.Queue[tuple[str, str]]
) -> None:
    stream = uuid4()
    for name in ("bow-1", "bow-2"):
        await add_device(connection, name)
    await connection.execute(READING, "bow-1", stream, 1, 50)
    assert await rung(connection, bells) == [("archy_readings", "bow-1")]
    await connection.execute(READING, "bow-1", stream, 1, 50)  # all stored already: no new row, no doorbell
    assert await rung(connection, bells) == []
    await connection.execute(
        "insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source) "
        "select id, $1, 99, 'release', now(), gen_random_uuid(), now(), 'simulator' from devices",
        stream,
    )
    assert await rung(connection, bells) == [("archy_readings", "")]
    await connection.execute(READING.replace("release", "engage"), "bow-1", stream, 100, 100)
    assert await rung(connection, bells) == [("archy_readings", "bow-1")], "a late one completes its shot"


async def test_device_status_emits_events_for_new_states_only(
    connection: Connection, bells: asyncio.Queue[tuple[str, str]]
) -> None:
    await add_device(connection, "bow-1")
    put = (
        "insert into device_status (device_id, state, since, interval_s) values ('bow-1', $1, now(), 1) "
        "on conflict (device_id) do update set state = excluded.state, updated_at = clock_timestamp()"
    )
    for state in ("starting", "ready", "ready", "ready", "silent"):
        await connection.execute(put, state)
    assert await event_types(connection) == ["device.status"] * 3
    assert await rung(connection, bells) == [("archy", "")] * 3


async def test_clock_off_degrades_a_ready_device_until_cleared(
    connection: Connection,
) -> None:
    await add_device(connection, "bow-1")
    put = (
        "insert into device_status (device_id, state, since, interval_s) values ('bow-1', $1, now(), 1) "
        "on conflict (device_id) do update set state = excluded.state, updated_at = clock_timestamp()"
    )
    await connection.execute(put, "ready")
    await connection.execute("update device_status set clock_off = true")
    await connection.execute(put, "ready")
    await connection.execute(put, "lost")
    await connection.execute("update device_status set clock_off = false")
    events = await connection.fetch("select data ->> 'state' as state from events order by xid, id")
    assert [row["state"] for row in events] == ["ready", "degraded", "lost"]


async def test_surplus_readings_ring_no_doorbell(connection: Connection, bells: asyncio.Queue[tuple[str, str]]) -> None:
    for name in ("target-1", "target-2"):
        await add_device(connection, name, "target")
    put = (
        "insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source, is_surplus) "
        "select id, gen_random_uuid(), 1, 'landing', now(), gen_random_uuid(), now(), 'simulator', id = $1 or $2 from devices"
    )
    await connection.execute(put, "target-1", True)
    assert await rung(connection, bells) == []
    await connection.execute(put, "target-1", False)
    assert await rung(connection, bells) == [("archy_readings", "target-2")], "the other device's reading is for a shot"


async def test_chatter_degrades_a_ready_device_until_it_ends(connection: Connection) -> None:
    await add_device(connection, "target-1", "target")
    put = (
        "insert into device_status (device_id, state, since, interval_s, chatters) values ('target-1', $1, now(), 1, $2) "
        "on conflict (device_id) do update set state = excluded.state, chatters = excluded.chatters"
    )
    for state, chatters in (("ready", False), ("ready", True), ("lost", True), ("ready", True), ("ready", False)):
        await connection.execute(put, state, chatters)
    events = await connection.fetch("select data ->> 'state' as state from events order by xid, id")
    assert [row["state"] for row in events] == ["ready", "degraded", "lost", "degraded", "ready"]


async def test_one_open_session_a_lane(connection: Connection) -> None:
    first: UUID = await connection.fetchval(SESSION, 1)
    await connection.fetchval(SESSION, 2)
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.fetchval(SESSION, 1)
    await connection.execute("update sessions set is_opened = false, end_time = now() where id = $1", first)
    await connection.fetchval(SESSION, 1)
    assert await event_types(connection) == ["session.opened", "session.opened", "session.closed", "session.opened"]


async def test_session_has_the_lanes_devices_and_later_ones(connection: Connection) -> None:
    await add_device(connection, "bow-1", lane=1)
    await add_device(connection, "arrow-1", kind="arrow", lane=1)
    await add_device(connection, "bow-2", lane=2)
    session = await connection.fetchval(SESSION, 1)
    await add_device(connection, "target-1", kind="target", lane=1)
    rows = await connection.fetch("select device_id from session_devices where session_id = $1 order by 1", session)
    assert [row["device_id"] for row in rows] == ["arrow-1", "bow-1", "target-1"]


async def test_a_session_keeps_the_dead_time_of_its_devices(connection: Connection) -> None:
    put, kept = "update devices set dead_time_s = $1", "select dead_time_s from session_devices where session_id = $1"
    await add_device(connection, "target-1", kind="target", lane=1)
    session = await connection.fetchval(SESSION, 1)
    revision = "select revision from session_changes where session_id = $1"
    before = await connection.fetchval(revision, session)
    assert await connection.fetchval(kept, session) is None
    await connection.execute(put, 0.5)
    assert await connection.fetchval(kept, session) == 0.5
    assert await connection.fetchval(revision, session) == before + 1
    await connection.execute("update sessions set is_opened = false, end_time = now()")
    await connection.execute(put, 0.7)
    assert await connection.fetchval(kept, session) == 0.5
    assert await connection.fetchval(kept, await connection.fetchval(SESSION, 1)) == 0.7


async def add_target(connection: Connection) -> UUID:
    session = await connection.fetchval(SESSION, 1)
    target: UUID = await connection.fetchval(
        "insert into targets (session_id, max_x, max_y, distance) values ($1, 1280, 1280, 70) returning id", session
    )
    return target


FACE = (
    "insert into faces (target_id, human_identifier, code, version, x, y, radii, points) "
    "values ($1, 'A', 'wa_122', 1, $2, $3, $4, $5)"
)


@pytest.mark.parametrize(
    ("x", "y", "radii", "points"),
    [
        (640, 640, [100, 50], [10, 9]),  # not ascending
        (640, 640, [50, 50], [10, 9]),
        (640, 640, [0, 50], [10, 9]),
        (640, 640, [50, 100], [9, 10]),  # not descending
        (640, 640, [50, 100], [10]),  # not as many
        (640, 640, [], []),
        (30, 640, [50], [10]),  # beyond the edge
        (640, 1250, [50], [10]),
    ],
)
async def test_an_invalid_face_is_refused(
    connection: Connection, x: float, y: float, radii: list[float], points: list[int]
) -> None:
    target = await add_target(connection)
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(FACE, target, x, y, radii, points)


async def test_a_target_stays_as_large_as_its_faces(connection: Connection) -> None:
    target = await add_target(connection)
    await connection.execute(FACE, target, 640, 640, [61, 610], [10, 9])
    with pytest.raises(asyncpg.CheckViolationError, match="does not lie wholly on its target"):
        await connection.execute("update targets set max_x = 1000 where id = $1", target)
    await connection.execute("update targets set max_x = 2000 where id = $1", target)


async def add_shot(connection: Connection) -> UUID:
    await add_device(connection, "bow-1")
    stream = uuid4()
    await connection.execute(READING, "bow-1", stream, 1, 1)
    session = await connection.fetchval(SESSION, 1)
    shot: UUID = await connection.fetchval(
        "insert into shots (id, session_id, lane, result, rule_version, time_source, release_device_id, release_stream_id, release_seq) "
        "values (gen_random_uuid(), $1, 1, 'pending', 1, 'bow', 'bow-1', $2, 1) returning id",
        session,
        stream,
    )
    return shot


async def test_new_revised_and_voided_shots_emit_events(connection: Connection) -> None:
    shot = await add_shot(connection)
    await connection.execute("update shots set updated_at = now() where id = $1", shot)  # same revision: no event
    await connection.execute("update shots set result = 'miss', revision = 2 where id = $1", shot)
    await connection.execute(
        "update shots set result = 'void', void_reason = 'superseded', revision = 3 where id = $1", shot
    )
    names = [name for name in await event_types(connection) if name.startswith("shot.")]
    assert names == ["shot.created", "shot.updated", "shot.voided"]


async def test_an_event_belongs_to_the_transaction_of_its_cause(connection: Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await connection.fetchval(SESSION, 1)
    assert await connection.fetchval("select xid = pg_current_xact_id() from events") is True
    await transaction.rollback()
    assert await event_types(connection) == []


async def test_identifiers_of_active_arrows_are_unique(connection: Connection) -> None:
    put = "insert into arrows (id, human_identifier, length) values (gen_random_uuid(), 'A1', 70)"
    await connection.execute(put)
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(put)
    await connection.execute("update arrows set is_active = false, voided_date = now()")
    await connection.execute(put)


LISTS: dict[str, type[StrEnum]] = {
    "host_boots.clock": BootClock,
    "devices.kind": DeviceKind,
    "devices.sensor_origin": SensorOrigin,
    "session_devices.kind": DeviceKind,
    "calibrations.kind": CalibrationKind,
    "calibrations.model": CalibrationModel,
    "calibration_activations.kind": CalibrationKind,
    "calibration_activations.action": CalibrationAction,
    "calibration_runs.kind": CalibrationKind,
    "device_status.source": Source,
    "readings.source": Source,
    "readings.kind": ReadingKind,
    "ends.closed_by": EndClosure,
    "shots.result": Result,
    "shots.assignment": Assignment,
    "shots.time_source": TimeSource,
    "orphans.status": OrphanStatus,
    "corrections.kind": CorrectionKind,
    "commands.state": CommandState,
    "slots.letter": SlotLetter,
    "paper_ends.slot": SlotLetter,
    "events.type": EventType,
    "quarantine.kind": ReportKind,
}
"""Columns whose CHECK lists the values of an enum, all of them."""


async def check_lists(connection: Connection) -> dict[str, set[str]]:
    """The values that a CHECK on a single text column allows, by ``table.column``."""
    rows = await connection.fetch(
        """
        select c.conrelid::regclass::text || '.' || a.attname as column, pg_get_constraintdef(c.oid) as definition
        from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and c.conkey = array[a.attnum]
        where c.connamespace = 'public'::regnamespace and c.contype = 'c' and pg_get_constraintdef(c.oid) like '%ANY (ARRAY[%'
        """
    )
    return {row["column"]: set(re.findall(r"'([^']*)'", row["definition"])) for row in rows}


async def test_check_lists_equal_the_enums(connection: Connection) -> None:
    lists = await check_lists(connection)
    assert lists.pop("device_status.state") == set(DeviceState) - {DeviceState.DEGRADED, DeviceState.UNKNOWN}
    assert lists.pop("device_states.state") == set(DeviceState) - {DeviceState.UNKNOWN}
    assert lists == {column: set(values) for column, values in LISTS.items()}


async def test_a_correction_sets_any_decided_result(connection: Connection) -> None:
    definition = await connection.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint "
        "where conrelid = 'corrections'::regclass and pg_get_constraintdef(oid) like '%off_face%'"
    )
    results = set(re.findall(r"'([^']*)'::text", definition.partition("ARRAY[")[2].partition("]")[0]))
    assert results == set(Result) - {Result.PENDING, Result.OFF_VIEW}


SELF_EVIDENT = {
    "id", "device_id", "session_id", "target_id", "arrow_id", "face_id", "stream_id", "seq", "lane", "location",
    "is_indoor", "battery_percent", "firmware", "reason", "at", "xid", "created_at", "updated_at", "registration_date",
    "release_stream_id", "release_seq", "landing_stream_id", "landing_seq",
}  # fmt: skip
"""Columns that need no comment. The companions of an instant need none either."""


async def test_tables_and_functions_have_comments(connection: Connection) -> None:
    rows = await connection.fetch(
        """
        select relname::text as name from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm') and obj_description(oid) is null
        union all
        select proname from pg_proc where pronamespace = 'public'::regnamespace and obj_description(oid) is null
        """
    )
    assert [row["name"] for row in rows] == []


async def test_columns_have_comments(connection: Connection) -> None:
    rows = await connection.fetch(
        """
        select c.relname::text as "table", a.attname::text as "column"
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm') and a.attnum > 0
            and not a.attisdropped and col_description(c.oid, a.attnum) is null
        """
    )
    bare = [(row["table"], row["column"]) for row in rows if row["column"] not in SELF_EVIDENT]
    assert [name for name in bare if not name[1].endswith(("mono_ns", "host_boot_id"))] == []


async def test_an_instant_is_named_alike_in_every_table(connection: Connection) -> None:
    rows = await connection.fetch(
        """
        select table_name::text || '.' || column_name::text as name from information_schema.columns
        where table_schema = 'public'
        """
    )
    columns = {row["name"] for row in rows}
    monotonic = {column for column in columns if column.endswith("mono_ns") and column != "stream_clocks.ref_mono_ns"}
    instants = [instant_columns(column) for column in columns]
    complete = {mono_ns for at, mono_ns, host_boot_id in instants if {mono_ns, host_boot_id} <= columns}
    assert monotonic == complete
    assert len(monotonic) > 10
    assert not [c for c in columns if c.endswith("_boot_id") and not c.endswith("host_boot_id")]
