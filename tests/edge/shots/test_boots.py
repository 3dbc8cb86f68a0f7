"""Reboots of a hub whose wall clock then stands before its last shutdown: each reading belongs to the session of its boot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.migrate import FILES
from edge.common.postgres.roles import Role
from edge.operator.sessions import list_sessions, request_close
from edge.shots.assembler import Assembler
from edge.shots.store.shares import SHARES
from tests.edge.boot_rows import HubBoot, hub_boot, open_in
from tests.edge.lane_rows import LaneRows, SessionSetup, stored_lane

ZERO = datetime(2026, 10, 4, 16, 30, tzinfo=UTC)
"""Wall clock of boot A at its start; it shuts down half an hour later."""
ARROWS = 11


@pytest.fixture
async def lane(database: Database) -> AsyncIterator[LaneRows]:
    """A lane without a session."""
    async with stored_lane(database, SessionSetup(ZERO)) as built:
        await built.connection.execute("delete from sessions; delete from session_changes")
        yield built


async def close_in(boot: HubBoot, assembler: Assembler, uptime_s: float) -> None:
    """Close the lane's session, whose devices have reported everything."""
    await request_close(boot.lane.connection, boot.lane.number, boot.at(uptime_s))
    await boot.set_watermarks(uptime_s + 20)
    await assembler.step()
    assert not await boot.lane.connection.fetchval("select bool_or(is_opened) from sessions")


async def shot_in(boot: HubBoot, count: int, since_s: float) -> None:
    for n in range(count):
        await boot.shoot(since_s + 20.0 * n)


async def counts(lane: LaneRows) -> dict[UUID, int]:
    rows = await lane.connection.fetch(
        "select session_id, count(*) as n from shots where result = 'hit' group by session_id"
    )
    return {row["session_id"]: row["n"] for row in rows}


Started = Callable[[], Awaitable[Assembler]]


@pytest.fixture
async def started(database: Database) -> AsyncIterator[Started]:
    """Starts an assembler with each call."""
    opened: list[Connection] = []

    async def start() -> Assembler:
        opened.append(await database.acting_as(Role.SHOTS).connect())
        return Assembler(opened[-1], range(SHARES))

    yield start
    for connection in opened:
        await connection.close()


async def first_session(lane: LaneRows, assembler: Assembler) -> tuple[HubBoot, UUID]:
    """Boot A: a session of eleven arrows, closed at 17:02:45 of its clock."""
    a = hub_boot(lane, ZERO)
    await a.record(10.0)
    session = await open_in(a, a.at(1700.0))
    await shot_in(a, ARROWS, 1710.0)
    await assembler.step()
    await close_in(a, assembler, 1965.0)
    await a.record(1990.0)
    return a, session


@pytest.mark.parametrize("restarted", [False, True])
async def test_closed_session_takes_no_reading_of_a_later_boot(
    lane: LaneRows, started: Started, *, restarted: bool
) -> None:
    assembler = await started()
    _, first = await first_session(lane, assembler)
    assert await counts(lane) == {first: ARROWS}
    before = await lane.connection.fetch("select * from shots order by id")
    b = hub_boot(lane, ZERO + timedelta(seconds=1900))  # 17:01:40, and 17:02:14 at its first arrow
    await b.record(30.0)
    second = await open_in(b, b.at(32.0))
    await shot_in(b, 4, 34.0)
    for step in (assembler, await started()) if restarted else (assembler,):
        await step.step()
        assert await counts(lane) == {first: ARROWS, second: 4}
    if restarted:
        await lane.connection.execute(
            "insert into rebuilds (session_id, who, reason) select id, 't', 't' from sessions"
        )
        await (await started()).step()
    assert await counts(lane) == {first: ARROWS, second: 4}
    assert await lane.connection.fetch("select * from shots where session_id = $1 order by id", first) == before
    assert [one.id for one in await list_sessions(lane.connection, 5)] == [second, first]


async def test_orphan_belongs_to_one_of_two_sessions(lane: LaneRows, started: Started) -> None:
    """Whose wall clocks overlap: both claimed it, and the tables refused both sessions."""
    assembler = await started()
    _, first = await first_session(lane, assembler)
    b = hub_boot(lane, ZERO + timedelta(seconds=1850))
    await b.record(30.0)
    second = await open_in(b, b.at(32.0))
    await b.store(lane.target, "landing", 60.0, uuid4().hex)  # inside of the wall times of the first session
    await b.set_watermarks(200.0)
    await assembler.step()
    await lane.connection.execute("insert into rebuilds (session_id, who, reason) select id, 't', 't' from sessions")
    await (await started()).step()
    assert await lane.connection.fetchval("select count(*) from rebuilds where done_at is null") == 0
    owners = await lane.connection.fetch(
        "select session_id from orphans union all select session_id from shots where landing_seq = $1 and release_seq is null",
        lane.seqs[lane.target],
    )
    assert [row["session_id"] for row in owners] == [second]
    assert await counts(lane) | {second: 0} == {first: ARROWS, second: 0}


@pytest.mark.parametrize("behind", [timedelta(seconds=-60), timedelta(days=-365 * 54)])
async def test_open_session_continues_after_a_reboot(lane: LaneRows, started: Started, behind: timedelta) -> None:
    """Its later shots come after the earlier ones, with the right distances between them."""
    assembler = await started()
    a = hub_boot(lane, ZERO)
    await a.record(10.0)
    session = await open_in(a, a.at(1700.0))
    await shot_in(a, 2, 1710.0)
    await a.record(1760.0)
    await assembler.step()
    b = hub_boot(lane, ZERO + timedelta(seconds=1760) + behind)
    await b.record(30.0)
    await shot_in(b, 2, 40.0)
    for each in (assembler, await started()):
        await each.step()
    rows = await lane.connection.fetch("select * from shots order by arrow_disengage_time")
    ends = ZERO + timedelta(seconds=1760)
    expected = [ZERO + timedelta(seconds=t) for t in (1710, 1730)] + [ends + timedelta(seconds=t) for t in (40, 60)]
    assert [row["arrow_disengage_time"] for row in rows] == expected
    assert {(row["result"], row["session_id"]) for row in rows} == {("hit", session)}
    await close_in(b, await started(), 80.0)
    assert await lane.connection.fetchval("select end_time from sessions") == ends + timedelta(seconds=80)


@pytest.mark.parametrize("is_closed", [False, True])
async def test_session_of_a_wrong_clock_is_dated_anew(lane: LaneRows, started: Started, *, is_closed: bool) -> None:
    """The hub believes that it is 1972, and then its clock is set."""
    assembler = await started()
    b = hub_boot(lane, datetime(1972, 1, 1, tzinfo=UTC))
    await b.record(30.0)
    session = await open_in(b, b.at(32.0))
    await shot_in(b, 2, 40.0)
    await assembler.step()
    assert await lane.connection.fetchval("select min(arrow_disengage_time) from shots") == b.at(40.0).at
    assert (await list_sessions(lane.connection, 1))[0].clock == "behind"
    if is_closed:
        await close_in(b, assembler, 80.0)
    b.zero = ZERO
    await b.record(90.0)
    await b.shoot(100.0)
    await assembler.step()
    rows = await lane.connection.fetch("select arrow_disengage_time as at from shots order by 1")
    assert [row["at"] for row in rows] == [b.at(t).at for t in (40.0, 60.0, *(() if is_closed else (100.0,)))]
    (listed,) = await list_sessions(lane.connection, 1)
    assert (listed.id, listed.start_time, listed.clock) == (session, b.at(32.0).at, None)
    assert listed.end_time == (b.at(80.0).at if is_closed else None)
    ends = await lane.connection.fetchrow("select min(opened_at) as first, count(*) as n from ends")
    assert ends is not None
    assert (ends["first"], ends["n"]) == (b.at(38.0).at, 1)


async def test_session_is_dated_after_the_boot_before_at_first(lane: LaneRows, started: Started) -> None:
    assembler = await started()
    a, _ = await first_session(lane, assembler)
    b = hub_boot(lane, a.at(1900.0).at)
    await b.record(30.0)
    second = await open_in(b, b.at(32.0))
    start = "select start_time from sessions where id = $1"
    assert await lane.connection.fetchval(start, second) == a.at(1990.0 + 32.0).at
    await b.record(150.0)  # the clock runs on, past the last instant known: it is as wrong as before
    assert await lane.connection.fetchval(start, second) == a.at(1990.0 + 32.0).at
    b.zero = a.at(5000.0).at
    await b.record(160.0)
    assert await lane.connection.fetchval(start, second) == b.at(32.0).at


async def test_step_of_a_trusted_clock_is_flagged(lane: LaneRows) -> None:
    a = hub_boot(lane, ZERO)
    await a.record(10.0)
    session = await open_in(a, a.at(20.0))
    a.zero += timedelta(hours=20)
    await a.record(30.0)
    (listed,) = await list_sessions(lane.connection, 1)
    assert (listed.id, listed.start_time, listed.clock) == (session, ZERO + timedelta(seconds=20), "stepped")


async def test_boots_of_two_hosts_have_no_order(lane: LaneRows, started: Started) -> None:
    """A laptop opens the session, the hub reports: their boots overlap, so the wall clocks decide."""
    assembler = await started()
    a, laptop = hub_boot(lane, ZERO), hub_boot(lane, ZERO - timedelta(days=9), uuid4())
    await a.record(10.0)
    await laptop.record(86_400 * 9 + 50.0)
    session = await open_in(laptop, laptop.at(86_400 * 9 + 60.0))
    await a.shoot(100.0)
    await assembler.step()
    assert await counts(lane) == {session: 1}


async def test_overlapping_boots_of_one_machine_id_have_no_order(lane: LaneRows, started: Started) -> None:
    """Two hosts were installed from one image."""
    assembler = await started()
    a, other = hub_boot(lane, ZERO), hub_boot(lane, ZERO - timedelta(days=9))
    await a.record(10.0)
    await other.record(86_400 * 9 + 50.0)
    session = await open_in(other, other.at(86_400 * 9 + 60.0))
    await assembler.step()
    await a.record(90.0)
    await a.shoot(100.0)
    await assembler.step()
    assert await counts(lane) == {session: 1}


async def test_session_of_an_older_version_keeps_its_shots(lane: LaneRows, started: Started) -> None:
    """Another host reads the devices. It is recorded after the upgrade, and once counted as later than the session."""
    assembler = await started()
    known, hub = hub_boot(lane, ZERO, None), hub_boot(lane, ZERO)
    await known.record(10.0)  # as 0008 does
    session = await open_in(known, known.at(1700.0))
    await shot_in(hub, 3, 1710.0)
    await assembler.step()
    await close_in(known, assembler, 1965.0)
    await lane.connection.execute((FILES / "0011_boots_before_upgrade.sql").read_text())
    await hub.record(3000.0)
    await lane.connection.execute("insert into rebuilds (session_id, who, reason) select id, 't', 't' from sessions")
    await (await started()).step()
    assert await counts(lane) == {session: 3}


async def test_boot_found_late_comes_before_the_one_that_stores_it(lane: LaneRows) -> None:
    """Its readings waited on the disk, because the database was down."""
    boots = [hub_boot(lane, ZERO + timedelta(hours=n)) for n in range(3)]
    await boots[0].record(10.0)
    await boots[2].record(10.0)
    await lane.connection.execute(
        """
        insert into host_boots (host_boot_id, host_id, recorded_by, first_at, first_clock_ns, at, mono_ns)
        values ($1, $2, $3, $4, 1, $4, 1)
        """,
        boots[1].boot_id, boots[1].host_id, boots[2].boot_id, boots[1].zero,
    )  # fmt: skip
    rows = await lane.connection.fetch("select host_boot_id from host_boots order by number")
    assert [row["host_boot_id"] for row in rows] == [boot.boot_id for boot in boots]


@pytest.mark.parametrize("shown_by", ["reading", "watermark", "closing"])
async def test_last_instant_of_a_boot_is_that_of_any_row(lane: LaneRows, shown_by: str) -> None:
    """The record of a boot is up to a minute old when the hub loses its power."""
    a = hub_boot(lane, ZERO)
    await a.record(10.0)
    await open_in(a, a.at(15.0))
    await a.store(lane.target, "landing", 50.0 if shown_by == "reading" else 20.0, uuid4().hex)
    await a.set_watermarks(50.0 if shown_by == "watermark" else 20.0)
    if shown_by == "closing":
        await request_close(lane.connection, lane.number, a.at(50.0))
    b = hub_boot(lane, ZERO + timedelta(seconds=20))
    await b.record(1.0)
    found = await lane.connection.fetchrow(
        "select clock, not_before, zero_at from host_boots where host_boot_id = $1", b.boot_id
    )
    assert found is not None
    assert found["clock"] == "behind"
    assert found["not_before"] == found["zero_at"] == a.at(50.0).at
