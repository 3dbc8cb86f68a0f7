"""Two sessions that could claim the same readings: each reading belongs to one, and neither session is refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from drivers.clock.instant import Instant
from drivers.contract import DeviceKind
from edge.common.postgres.database import Database
from edge.sensor.store import Device, SensorStore
from edge.shots.assembler import Assembler
from edge.shots.store.readings import ReadingRow, readings_of, sessions_near
from edge.shots.store.sessions import read_sessions
from edge.shots.store.shares import SHARES
from tests.edge.lane_rows import BOOT, LaneRows
from tests.edge.shots.running import assembler, until


@pytest.mark.parametrize("bow_reports", [False, True])
async def test_session_that_begins_where_the_last_one_ended(
    lane: LaneRows, database: Database, *, bow_reports: bool
) -> None:
    """A landing right after a closing may have flown before it: it belongs to the closed session."""
    first = lane.session_id
    await lane.connection.execute("update sessions set closing_time = $1", lane.at(20.0))
    await lane.land(20.4)
    claimed = "select session_id from orphans" if bow_reports else "select session_id from shots"
    async with assembler(database):
        if bow_reports:
            await lane.set_watermarks(50.0)
        await until(lane, f"count(*) = 1 from ({claimed})")
        await until(lane, "not is_opened from sessions")
        second: UUID = await lane.connection.fetchval(
            "insert into sessions (start_time, location) select end_time, 'test' from sessions returning id"
        )
        await lane.shoot(30.0)
        await lane.land(30.4, received=30.4)
        await until(lane, f"exists (select from shots where session_id = '{second}' and result = 'hit')")
    assert [row["session_id"] for row in await lane.connection.fetch(claimed)][:1] == [first]
    assert await lane.connection.fetchval("select count(*) from orphans") == bow_reports


async def open_on_lane_two(lane: LaneRows) -> UUID:
    """Open a session on lane 2 with the same start as that on lane 1."""
    session: UUID = await lane.connection.fetchval(
        """
        insert into sessions (lane, start_time, start_mono_ns, start_host_boot_id, location)
        select 2, start_time, start_mono_ns, start_host_boot_id, 'test' from sessions returning id
        """
    )
    return session


async def move(lane: LaneRows, number: int, t: float, mono_ns: int | None = None) -> None:
    """Restart the bow's daemon at ``t`` with another lane."""
    device = Device("bow-1", DeviceKind.BOW, "bow.link", number, 1.0)
    since = Instant(lane.at(t), mono_ns or round(t * 1e9), BOOT)
    await SensorStore(lane.connection, device).register(since)


async def test_bow_that_changes_lanes_and_returns(lane: LaneRows, database: Database) -> None:
    """Each release becomes a shot of the lane of its time, also after a restart of the assembler."""
    first, second = lane.session_id, await open_on_lane_two(lane)
    released = {10.0: first, 30.0: second, 50.0: first}
    async with assembler(database):
        await lane.shoot(10.0)
        await until(lane, "count(*) = 1 from shots")
        await move(lane, 2, 20.0)
        await lane.shoot(30.0)
        await until(lane, "count(*) = 2 from shots")
        await move(lane, 1, 40.0)
        await lane.shoot(50.0)
        await until(lane, "count(*) = 3 from shots")
        await lane.set_watermarks(59.0)
        await lane.land(25.0)  # a shot without a release: the bow was away
        await until(lane, "count(*) = 4 from shots")
    for _ in range(2):
        assert await lane.connection.fetchval("select count(*) from orphans") == 0
        rows = await lane.connection.fetch(
            "select * from shots where release_seq is not null order by arrow_disengage_time"
        )
        assert [(row["arrow_disengage_time"], row["session_id"]) for row in rows] == [
            (lane.at(t), session) for t, session in released.items()
        ]
        async with assembler(database):
            await lane.connection.execute(
                "insert into rebuilds (session_id, who, reason) select id, 'me', 'test' from sessions"
            )
            await until(lane, "count(*) = 0 from rebuilds where done_at is null")


async def test_shot_moves_to_the_lane_that_its_bow_came_to(lane: LaneRows, database: Database) -> None:
    """The release was assembled before the change of lanes was stored."""
    second = await open_on_lane_two(lane)
    connection = await database.connect()
    assembling = Assembler(connection, range(SHARES))
    await lane.shoot(20.0)
    await assembling.step()
    await move(lane, 2, 19.0)
    await assembling.step()
    await connection.close()
    rows = await lane.connection.fetch("select session_id, lane, result, revision from shots")
    assert [tuple(row) for row in rows] == [(second, 2, "unknown", 3)]
    types = await lane.connection.fetch("select type, lane from events where type like 'shot.%' order by xid, id")
    assert [tuple(row) for row in types] == [("shot.created", 1), ("shot.voided", 1), ("shot.updated", 2)]


async def test_orphan_that_two_sessions_claim_stops_no_lane(lane: LaneRows, database: Database) -> None:
    """The wall clock went back between the sessions, so that both hold the landing."""
    await lane.connection.execute(
        "insert into sessions (start_time, location, is_opened, closing_time, end_time) values ($1, 'old', false, $2, $2)",
        lane.at(10.0), lane.at(40.0),
    )  # fmt: skip
    await lane.set_watermarks(58.0)
    await lane.land(20.0)
    other = LaneRows(lane.connection, lane.session, 2)
    await other.build()
    async with assembler(database):
        await until(lane, "count(*) = 1 from orphans")
        await other.shoot(30.0)
        await other.land(30.4)
        await until(lane, "count(*) = 1 from shots where lane = 2 and result = 'hit'")
    assert await lane.connection.fetchval("select count(*) from orphans") == 1


async def stored_readings(lane: LaneRows, session: UUID) -> list[ReadingRow]:
    """The readings that belong to a session."""
    windows = {i: rows.window for i, rows in (await read_sessions(lane.connection, [session])).items()}
    return (await readings_of(lane.connection, windows))[session]


@pytest.mark.parametrize("stepped_s", [0.0, -3600.0, 3600.0])
async def test_monotonic_clock_dates_a_change_of_lanes(lane: LaneRows, stepped_s: float) -> None:
    """A step of the wall clock does not matter."""
    await lane.connection.execute("update sessions set start_mono_ns = 0, start_host_boot_id = $1", BOOT)
    first, second = lane.session_id, await open_on_lane_two(lane)
    await lane.shoot(10.0)
    await lane.shoot(30.0)
    await lane.connection.execute(
        "update readings set mono_ns = (extract(epoch from at - $1) * 1e9)::bigint, at = at + $2",
        lane.start,
        timedelta(seconds=stepped_s),
    )
    await move(lane, 2, 20.0)
    for session, seqs in ((first, [1, 2]), (second, [3, 4])):
        rows = await stored_readings(lane, session)
        assert sorted(row.seq for row in rows) == seqs
        assert session in await sessions_near(lane.connection, rows)


async def test_earlier_start_takes_no_readings_of_another_lane(lane: LaneRows) -> None:
    await move(lane, 2, 20.0)
    second = await open_on_lane_two(lane)
    await lane.shoot(10.0)
    await lane.shoot(30.0)
    assert sorted(row.seq for row in await stored_readings(lane, second)) == [3, 4]


@pytest.mark.parametrize("device", ["bow-1", "bow-2"])
async def test_other_boot_is_dated_by_the_sessions_own_readings(
    lane: LaneRows, database: Database, device: str
) -> None:
    """Its first reading of the session ties its clock to the wall clock; readings of another lane do not."""
    await open_on_lane_two(lane)
    await lane.connection.execute("insert into devices (id, kind, driver, lane) values ('bow-2', 'bow', 'bow.link', 2)")
    lane.streams["bow-2"], lane.seqs["bow-2"] = uuid4(), 0
    connection = await database.connect()
    assembling = Assembler(connection, range(SHARES))
    await assembling.step()
    async with lane.connection.transaction():
        await lane.add_reading(device, "release", -3000.0)
        await lane.add_reading("bow-1", "release", 20.0)
        await lane.connection.execute(  # the wall clock was set between the two
            "update readings set host_boot_id = $1, mono_ns = case when at < $2 then 5000000000 else 8000000000 end",
            uuid4(),
            lane.start,
        )
    await assembling.step()
    await connection.close()
    released = await lane.connection.fetch("select arrow_disengage_time from shots")
    assert [row["arrow_disengage_time"] for row in released] == [lane.at(20.0)]


async def test_landing_moves_to_an_earlier_shot_by_correction(lane: LaneRows, database: Database) -> None:
    """The later shot releases it before the earlier one takes it: no landing is ever in two rows."""
    await lane.add_reading("bow-1", "release", 20.0, tag=None)
    await lane.shoot(30.0)
    await lane.land(30.4)
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'hit')")
        await lane.connection.execute(
            """
            insert into corrections (session_id, kind, device_id, stream_id, seq, who, reason, old, new)
            select $1, 'assign', l.device_id, l.stream_id, l.seq, 'me', 'seen', '{}', jsonb_build_object('release',
                jsonb_build_object('device_id', r.device_id, 'stream_id', r.stream_id, 'seq', r.seq))
            from readings l, readings r where l.kind = 'landing' and r.kind = 'release' and r.seq = 1
            """,
            lane.session_id,
        )
        await until(lane, "count(*) = 0 from rebuilds where done_at is null")
    shots = await lane.connection.fetch("select * from shots order by arrow_disengage_time")
    assert [(shot["assignment"], shot["landing_seq"]) for shot in shots] == [("manual", 1), (None, None)]
