"""Two sessions that could claim the same readings: each is of one of them, and neither becomes stuck."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from drivers.clock.instant import Instant
from drivers.contract import DeviceKind
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.listener import Listener
from edge.sensor.store import Device, SensorStore
from edge.shots.service import Assembler
from edge.shots.store import readings as incoming
from tests.edge.shots.lane_rows import BOOT, LaneFloor
from tests.edge.shots.test_service import assembler, until


@pytest.fixture
async def database(database_settings: ServiceSettings) -> AsyncIterator[Database]:
    async with open_database(database_settings, application="test-shots") as opened:
        yield opened


@pytest.fixture
async def floor(database: Database) -> AsyncIterator[LaneFloor]:
    connection = await database.connect()
    built = LaneFloor(connection)
    await built.build()
    yield built
    await connection.close()


@pytest.mark.parametrize("bow_told", [False, True])
async def test_a_session_that_begins_where_the_last_one_ended(
    floor: LaneFloor, database: Database, *, bow_told: bool
) -> None:
    """What lands right after a closing may have flown before it: it stays with the session that was closed."""
    first = floor.session_id
    await floor.connection.execute("update sessions set closing_time = $1", floor.at(20.0))
    await floor.land(20.4)
    claimed = "select session_id from orphans" if bow_told else "select session_id from shots"
    async with assembler(database):
        if bow_told:
            await floor.told_until(50.0)
        await until(floor, f"count(*) = 1 from ({claimed})")
        await until(floor, "not is_opened from sessions")
        second: UUID = await floor.connection.fetchval(
            "insert into sessions (start_time, location) select end_time, 'test' from sessions returning id"
        )
        await floor.shoot(30.0)
        await floor.land(30.4, told=30.4)
        await until(floor, f"exists (select from shots where session_id = '{second}' and result = 'hit')")
    assert [row["session_id"] for row in await floor.connection.fetch(claimed)][:1] == [first]
    assert await floor.connection.fetchval("select count(*) from orphans") == bow_told


async def on_lane_two(floor: LaneFloor) -> UUID:
    """A session on lane 2 that began with that on lane 1."""
    session: UUID = await floor.connection.fetchval(
        """
        insert into sessions (lane, start_time, start_mono_ns, start_host_boot_id, location)
        select 2, start_time, start_mono_ns, start_host_boot_id, 'test' from sessions returning id
        """
    )
    return session


async def move(floor: LaneFloor, lane: int, t: float, mono_ns: int | None = None) -> None:
    """The bow's daemon starts at ``t`` and says which lane it is on."""
    device = Device("bow-1", DeviceKind.BOW, "bow.link", lane, 1.0)
    since = Instant(floor.at(t), mono_ns or round(t * 1e9), BOOT)
    await SensorStore(floor.connection, device).register(since)


async def test_a_bow_that_changes_lanes_and_comes_back(floor: LaneFloor, database: Database) -> None:
    """Each of its releases is a shot of the lane that it was on; so says also an assembler that starts anew."""
    first, second = floor.session_id, await on_lane_two(floor)
    released = {10.0: first, 30.0: second, 50.0: first}
    async with assembler(database):
        await floor.shoot(10.0)
        await until(floor, "count(*) = 1 from shots")
        await move(floor, 2, 20.0)
        await floor.shoot(30.0)
        await until(floor, "count(*) = 2 from shots")
        await move(floor, 1, 40.0)
        await floor.shoot(50.0)
        await until(floor, "count(*) = 3 from shots")
        await floor.told_until(59.0)
        await floor.land(25.0)  # a shot without a release: the bow was away
        await until(floor, "count(*) = 4 from shots")
    for _ in range(2):
        assert await floor.connection.fetchval("select count(*) from orphans") == 0
        rows = await floor.connection.fetch(
            "select * from shots where release_seq is not null order by arrow_disengage_time"
        )
        assert [(row["arrow_disengage_time"], row["session_id"]) for row in rows] == [
            (floor.at(t), session) for t, session in released.items()
        ]
        async with assembler(database):
            await floor.connection.execute(
                "insert into rebuilds (session_id, who, reason) select id, 'me', 'test' from sessions"
            )
            await until(floor, "count(*) = 0 from rebuilds where done_at is null")


@pytest.mark.parametrize("stepped_s", [0.0, -3600.0, 3600.0])
async def test_the_host_s_clock_tells_when_a_device_changed_lanes(floor: LaneFloor, stepped_s: float) -> None:
    """Whatever became of the wall clock meanwhile."""
    await floor.connection.execute("update sessions set start_mono_ns = 0, start_host_boot_id = $1", BOOT)
    first, second = floor.session_id, await on_lane_two(floor)
    await floor.shoot(10.0)
    await floor.shoot(30.0)
    await floor.connection.execute(
        "update readings set mono_ns = (extract(epoch from at - $1) * 1e9)::bigint, at = at + $2",
        floor.zero,
        timedelta(seconds=stepped_s),
    )
    await move(floor, 2, 20.0)
    everything = await floor.connection.fetch("select * from readings order by seq")
    assert await incoming.sessions_of(floor.connection, everything) == {first, second}
    for session, seqs in ((first, [1, 2]), (second, [3, 4])):
        assert session is not None
        for rows in (
            await incoming.own(floor.connection, session, everything),
            await incoming.readings_of(floor.connection, session),
        ):
            assert sorted(row["seq"] for row in rows) == seqs


async def test_a_session_opened_with_an_earlier_start_takes_nothing_of_another_lane(floor: LaneFloor) -> None:
    await move(floor, 2, 20.0)
    second = await on_lane_two(floor)
    await floor.shoot(10.0)
    await floor.shoot(30.0)
    assert sorted(row["seq"] for row in await incoming.readings_of(floor.connection, second)) == [3, 4]


@pytest.mark.parametrize("device", ["bow-1", "bow-2"])
async def test_another_boot_is_dated_by_the_session_s_own_readings(
    floor: LaneFloor, database: Database, device: str
) -> None:
    """Its first reading ties its clock to the wall's. One of another lane, or of long before, would tie it elsewhere."""
    await on_lane_two(floor)
    await floor.connection.execute(
        "insert into devices (id, kind, driver, lane) values ('bow-2', 'bow', 'bow.link', 2)"
    )
    floor.streams["bow-2"], floor.seqs["bow-2"] = uuid4(), 0
    connection = await database.connect()
    assembling = Assembler(connection, Listener(database, []))
    await assembling.step()
    async with floor.connection.transaction():
        await floor.sense(device, "release", -3000.0)
        await floor.sense("bow-1", "release", 20.0)
        await floor.connection.execute(  # the wall clock was set between the two
            "update readings set host_boot_id = $1, mono_ns = case when at < $2 then 5000000000 else 8000000000 end",
            uuid4(),
            floor.zero,
        )
    await assembling.step()
    await connection.close()
    released = await floor.connection.fetch("select arrow_disengage_time from shots")
    assert [row["arrow_disengage_time"] for row in released] == [floor.at(20.0)]


async def test_a_landing_that_a_person_gives_to_an_earlier_shot(floor: LaneFloor, database: Database) -> None:
    """The later shot gives it up before the earlier one takes it: no landing is in two rows for a moment even."""
    await floor.sense("bow-1", "release", 20.0, tag=None)
    await floor.shoot(30.0)
    await floor.land(30.4)
    async with assembler(database):
        await until(floor, "exists (select from shots where result = 'hit')")
        await floor.connection.execute(
            """
            insert into corrections (session_id, kind, device_id, stream_id, seq, who, reason, old, new)
            select $1, 'assign', l.device_id, l.stream_id, l.seq, 'me', 'seen', '{}', jsonb_build_object('release',
                jsonb_build_object('device_id', r.device_id, 'stream_id', r.stream_id, 'seq', r.seq))
            from readings l, readings r where l.kind = 'landing' and r.kind = 'release' and r.seq = 1
            """,
            floor.session_id,
        )
        await until(floor, "count(*) = 0 from rebuilds where done_at is null")
    shots = await floor.connection.fetch("select * from shots order by arrow_disengage_time")
    assert [(shot["assignment"], shot["landing_seq"]) for shot in shots] == [("manual", 1), (None, None)]
