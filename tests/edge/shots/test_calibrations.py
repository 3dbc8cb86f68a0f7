"""Calibrations in the assembler: active by instant, stored with the shot, and never applied to earlier landings."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

from edge.common.postgres.connection import use_index_plans
from edge.common.postgres.database import Database
from edge.shots.assembler import Assembler
from edge.shots.session import rebuild
from edge.shots.store.sessions import read_sessions
from edge.shots.store.shares import SHARES
from tests.edge.lane_rows import BOOT, BUTT_MM, LaneRows
from tests.edge.statement_costs import rows_read


async def add_calibration(
    lane: LaneRows,
    version: int,
    x0: float,
    y0: float = 0.0,
    origin: str | None = "lower_left",
    butt_mm: float | None = BUTT_MM,
) -> UUID:
    """Store a calibration that shifts the positions of the lane's target, which count from ``origin``; taken on a square butt."""
    parameters = {
        "xx": 1.0, "xy": 0.0, "yx": 0.0, "yy": 1.0, "x0_mm": x0, "y0_mm": y0, "sensor_origin": origin,
        "butt_width_mm": butt_mm, "butt_height_mm": butt_mm,
    }  # fmt: skip
    found: UUID = await lane.connection.fetchval(
        """
        insert into calibrations (device_id, kind, version, model, parameters, points, sigma_mm, centre_error_mm, who, at)
        values ($1, 'target', $2, 'similarity', $3, '[]', 0.3, 0.1, 'Ada', now()) returning id
        """,
        lane.target, version, json.dumps(parameters),
    )  # fmt: skip
    return found


async def activate(lane: LaneRows, calibration: UUID | None, t: float, mono_s: float | None = None) -> None:
    """Insert an activation, by the monotonic clock too where ``mono_s`` is given."""
    await lane.connection.execute(
        """
        insert into calibration_activations (device_id, kind, action, calibration_id, at, mono_ns, host_boot_id, who, reason)
        values ($1, 'target', case when $2::uuid is null then 'rollback' else 'activate' end, $2, $3, $4, $5, 'Ada', 'test')
        """,
        lane.target, calibration, lane.at(t), None if mono_s is None else int(mono_s * 1e9), BOOT,
    )  # fmt: skip


async def places(lane: LaneRows) -> list[tuple[float, UUID | None]]:
    rows = await lane.connection.fetch("select x, calibration_id from shots order by arrow_landing_time")
    return [(row["x"], row["calibration_id"]) for row in rows]


async def hit(lane: LaneRows, t: float) -> None:
    await lane.shoot(t)
    await lane.land(t + 0.36)


async def test_each_shot_keeps_the_calibration_of_its_landing(lane: LaneRows, database: Database) -> None:
    connection = await database.connect()
    assembler = Assembler(connection, range(SHARES))
    first, second = await add_calibration(lane, 1, 5.0), await add_calibration(lane, 2, -7.0)
    await hit(lane, 5.0)
    await assembler.step()
    await activate(lane, first, 8.0)
    await hit(lane, 10.0)
    await assembler.step()
    await activate(lane, second, 12.0)
    await assembler.step()
    await hit(lane, 15.0)
    await activate(lane, None, 18.0)
    await hit(lane, 20.0)
    await assembler.step()
    expected = [(640.0, None), (645.0, first), (633.0, second), (640.0, None)]
    assert await places(lane) == expected
    revisions = "select array_agg(revision order by arrow_landing_time) from shots"
    before = await connection.fetchval(revisions)
    await rebuild(connection, lane.session_id, [])
    assert (await places(lane), await connection.fetchval(revisions)) == (expected, before)
    await connection.close()


async def test_a_calibration_of_another_driver_does_not_apply(lane: LaneRows) -> None:
    await activate(lane, await add_calibration(lane, 1, 5.0, origin="centre"), 1.0)
    await hit(lane, 5.0)
    of_an_earlier_version = await add_calibration(lane, 2, 5.0, origin=None)
    await activate(lane, of_an_earlier_version, 8.0)
    await hit(lane, 10.0)
    await rebuild(lane.connection, lane.session_id, [])
    assert await places(lane) == [(640.0, None), (645.0, of_an_earlier_version)]


async def test_a_calibration_keeps_the_middle_of_its_butt(lane: LaneRows) -> None:
    """A session that was opened before on a butt of another size, and a calibration of an earlier version, without a size."""
    for version, size_mm in enumerate((BUTT_MM - 40.0, BUTT_MM + 60.0, None), start=1):
        await activate(lane, await add_calibration(lane, version, 5.0, butt_mm=size_mm), 10.0 * version)
        await hit(lane, 10.0 * version + 2.0)
    await rebuild(lane.connection, lane.session_id, [])
    assert [x for x, _ in await places(lane)] == [665.0, 615.0, 645.0]
    assert await lane.connection.fetchval("select count(distinct y) from shots") == 3


async def test_a_clock_step_changes_no_calibration(lane: LaneRows) -> None:
    """The wall clock was an hour behind at the activation; the monotonic clock of the boot decides."""
    await lane.connection.execute("update sessions set start_mono_ns = 100000000000, start_host_boot_id = $1", BOOT)
    await activate(lane, await add_calibration(lane, 1, 5.0), -3600.0, mono_s=112.0)
    for t in (5.0, 15.0):
        await hit(lane, t)
    await lane.connection.execute(
        "update readings set mono_ns = (extract(epoch from at - $1) * 1e9)::bigint + 100000000000", lane.start
    )
    await rebuild(lane.connection, lane.session_id, [])
    assert [x for x, _ in await places(lane)] == [640.0, 645.0]


async def test_an_activation_before_the_session_counts(lane: LaneRows) -> None:
    calibration = await add_calibration(lane, 1, 5.0)
    await activate(lane, calibration, -400 * 86400.0)
    for number in range(20):
        await activate(lane, await add_calibration(lane, 2 + number, 50.0), -500 * 86400.0)
    await activate(lane, calibration, -399 * 86400.0)
    await hit(lane, 5.0)
    await rebuild(lane.connection, lane.session_id, [])
    assert await places(lane) == [(645.0, calibration)]


async def test_an_orphan_is_placed_on_the_butt(lane: LaneRows) -> None:
    await activate(lane, await add_calibration(lane, 1, 5.0, -3.0), 1.0)
    await lane.land(10.0, 100.0)
    await lane.set_watermarks(50.0)
    await rebuild(lane.connection, lane.session_id, [])
    row = await lane.connection.fetchrow("select x, y from orphans")
    assert row is not None
    assert tuple(row) == (105.0, 637.0)
    event = await lane.connection.fetchval("select data from events where type = 'reading.orphan'")
    assert (json.loads(event)["x"], json.loads(event)["y"]) == (105.0, 637.0)


async def test_an_activation_raises_the_revision_of_open_sessions(lane: LaneRows) -> None:
    async def revision() -> int:
        found: int = await lane.connection.fetchval(
            "select revision from session_changes where session_id = $1", lane.session_id
        )
        return found

    calibration, before = await add_calibration(lane, 1, 5.0), await revision()
    await activate(lane, calibration, 1.0)
    assert await revision() == before + 1


async def test_the_session_keeps_the_origin_of_its_devices(lane: LaneRows) -> None:
    async def origins() -> dict[UUID, str]:
        sessions = await lane.connection.fetch("select id from sessions")
        found = await read_sessions(lane.connection, [row["id"] for row in sessions])
        return {session_id: rows.origins[lane.target].value for session_id, rows in found.items()}

    move = "update devices set sensor_origin = $1 where id = $2"
    await lane.connection.execute(move, "centre", lane.target)
    await lane.connection.execute("update sessions set is_opened = false, closing_time = now(), end_time = now()")
    earlier, lane.session_id, lane.face_id = lane.session_id, uuid4(), uuid4()
    await lane.open_session()
    await lane.connection.execute(move, "lower_left", lane.target)
    assert await origins() == {earlier: "centre", lane.session_id: "lower_left"}


async def test_years_of_calibrations_cost_a_session_nothing(lane: LaneRows) -> None:
    """Weekly calibrations of twenty years: a session reads the last few."""
    await activate(lane, await add_calibration(lane, 1, 5.0), -3 * 86400.0)
    await lane.connection.execute(
        """
        insert into calibration_activations (device_id, kind, action, calibration_id, at, who, reason)
        select device_id, 'target', 'activate', calibration_id, at - n * interval '7 days', 'Ada', 'test'
        from calibration_activations, generate_series(1000, 1, -1) n
        """
    )
    await use_index_plans(lane.connection)  # as the assembler's connection does
    read = await rows_read(lane.connection, "calibration_activations", lambda c: read_sessions(c, [lane.session_id]))
    assert read.scanned + read.found <= 20
