"""Two hubs with equal lanes and devices, one centre: nothing conflicts, and nothing is lost while a link is down."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from uuid import UUID

import pytest

from edge.common.postgres.connection import Connection
from edge.operator.replication import LinkState, replication_links
from tests.acceptance.simulated_range import BIN, clean_environment, free_port
from tests.edge.lane_rows import started_ago
from tests.edge.operator.replication.hubs import CAUGHT_UP_S, Centre, DatabaseServer, ReplicatedHub, range_of_hubs
from tests.edge.push.serving import Stream, http, listening_by_websocket, serving
from tests.edge.shot_rows import add_orphan, add_shot, revise_shot

OUTAGE_S = 180.0
"""Length of the long outage: three times PostgreSQL's default wal_receiver_timeout."""


async def shots_of(stream: Stream, expected: set[UUID]) -> list[tuple[int, UUID]]:
    """Read until every expected shot has arrived; returns lane and id of each new shot in the order of arrival."""
    seen: list[tuple[int, UUID]] = []
    while expected - {shot for _, shot in seen}:
        event = await stream.until("shot.created")
        seen.append((event.data["lane"], UUID(event.data["id"])))
    return seen


async def event_keys(connection: Connection) -> dict[str, set[str]]:
    """Names in the data of each type of event."""
    rows = await connection.fetch("select distinct type, jsonb_object_keys(data) as key from events")
    return {kind: {row["key"] for row in rows if row["type"] == kind} for kind in {row["type"] for row in rows}}


async def change_everything(hub: ReplicatedHub) -> None:
    """Revise a shot, add an orphan, delete an end, enter one on paper, calibrate, close the session, move and remove a device."""
    lane = hub.lane
    await hub.connection.execute(
        """
        with stored as (
            insert into calibrations (device_id, kind, version, parameters, points, who, at)
            values ('bow-1', 'bow', 1, '{}', '[]', 'Ada', now()) returning id
        )
        insert into calibration_activations (device_id, kind, action, calibration_id, at, who, reason)
        select 'bow-1', 'bow', 'activate', id, now(), 'Ada', 'spring' from stored
        """
    )
    await hub.connection.execute(
        """
        insert into arrows (id, human_identifier) select gen_random_uuid(), 'R' || n from generate_series(1, 4) n;
        update arrows set tag_tid = 'e28011700000020f12345678' where human_identifier = 'R1';
        update arrows set is_programmed = true, is_locked = true, programmed_at = now() where human_identifier = 'R1';
        update arrows set tag_tid = 'e28011700000020f87654321', is_write_unfinished = true where human_identifier = 'R2';
        update arrows set is_tag_unknown = true, is_active = false, voided_date = now(), void_reason = 'lost', voided_by = 'Ada'
            where human_identifier in ('R3', 'R4');
        select mark_programmed_elsewhere(id) from arrows where human_identifier = 'A1';
        """
    )
    shot = await add_shot(lane)
    await revise_shot(lane, shot, 700.0, 700.0, 9, "hit")
    await add_orphan(lane, 1.0, 2.0)
    await hub.connection.execute(
        "insert into ends (id, session_id, number, opened_at) select gen_random_uuid(), $1, n, now() from generate_series(1, 2) n",
        lane.session_id,
    )
    await hub.connection.execute("delete from ends where number = 2")
    await hub.connection.execute(
        "insert into paper_ends (session_id, end_number, arrow_values, who) values ($1, 1, '{X,9}', 'Bea')",
        lane.session_id,
    )
    await lane.add_device("bow-9", "bow", 9)
    await lane.set_state("bow-9", "waiting")
    await lane.set_state("bow-9", "lost")
    await hub.connection.execute("delete from device_status where device_id = 'bow-9'")
    await hub.connection.execute("delete from session_devices where device_id = 'bow-9'")
    await hub.connection.execute("delete from devices where id = 'bow-9'")
    await hub.connection.execute(
        "update sessions set is_opened = false, end_time = now() where id = $1", lane.session_id
    )


async def test_hubs_with_equal_lanes_and_devices_do_not_conflict() -> None:
    async with range_of_hubs(started_ago(600.0)) as (centre, hubs):
        one, two = hubs
        async with serving(centre.database.settings) as push, listening_by_websocket(push) as stream, http(push) as api:
            await stream.until_feed_is("live")
            first = await add_shot(one.lane), await add_shot(two.lane)
            assert set(await shots_of(stream, set(first))) == {(1001, first[0]), (2001, first[1])}
            await one.link.refuse()
            apart = await add_shot(one.lane), await add_shot(two.lane)
            assert await shots_of(stream, {apart[1]}) == [(2001, apart[1])], "a hub waits for no other hub"
            await one.restart()
            await change_everything(one)
            await centre.restart()
            later = await add_shot(one.lane), await add_shot(two.lane)
            await one.link.accept()
            arrived = await shots_of(stream, {apart[0], *later})
            assert len(arrived) == 4, "each shot once, with the one of change_everything"
            assert [shot for lane, shot in arrived if lane == 1001][::2] == [apart[0], later[0]]
            for hub in hubs:
                await centre.until_equal(hub)
            lanes = (await api.get("/api/v0/lanes")).json()["data"]
            assert [(lane["lane"], lane["session_id"]) for lane in lanes] == [
                (1001, None),
                (2001, str(two.lane.session_id)),
            ]
            live = (await api.get("/api/v0/live", params={"lane": 2001})).json()["data"]
            assert [shot["id"] for shot in live["shots"]] == [str(first[1]), str(apart[1]), str(later[1])]
            assert {device["id"]: device["state"] for device in live["devices"]} == {
                "hub2/bow-1": "ready",
                "hub2/target-1": "ready",
            }
            assert live["simulated"] is True
            await compare_events(centre, one)


async def compare_events(centre: Centre, hub: ReplicatedHub) -> None:
    """The centre's events have the names that a hub's events have; a device's status there is a part of it.

    Arrows are registered on their hub, so their events stay there.
    """
    of_hub, of_centre = await event_keys(hub.connection), await event_keys(centre.connection)
    of_hub = {kind: keys for kind, keys in of_hub.items() if not kind.startswith("arrow.")}
    assert set(of_hub) == set(of_centre)
    for kind in of_hub.keys() - {"device.status"}:
        assert of_hub[kind] == of_centre[kind], kind
    assert of_centre["device.status"] < of_hub["device.status"]


EVENTS = """
select type, lane % 1000 as lane, count(*) from events where type <> 'device.status' and type not like 'arrow.%' and ($1 = 0 or lane / 1000 = $1)
group by 1, 2 order by 1, 2
"""


async def simulate(hub: DatabaseServer, folder: Path) -> str:
    """Run a simulated range of two lanes and 20 shots on a hub's database; returns its output."""
    database = hub.settings.database
    process = await asyncio.create_subprocess_exec(
        BIN / "archstats-sensor", "--simulate", "--no-scanner", "--lanes", "2", "--shots", "20", "--speed", "20",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=clean_environment(
            POSTGRES_USER=database.user, POSTGRES_DB=database.db, POSTGRES_SOCKET_DIR=str(database.socket_dir),
            XDG_STATE_HOME=str(folder), ARCH_STATS_SERVER_PORT=str(free_port()),
        ),
    )  # fmt: skip
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    return output


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_simulated_ranges_of_two_hubs_appear_at_the_centre(tmp_path: Path) -> None:
    async with range_of_hubs(None) as (centre, hubs):
        await asyncio.gather(*(simulate(hub.database, tmp_path / str(hub.hub_id)) for hub in hubs))
        for hub in hubs:
            await centre.until_equal(hub)
            expected = [tuple(row) for row in await hub.connection.fetch(EVENTS, 0)]
            assert sum(count for kind, _, count in expected if kind == "shot.created") == 20
            assert [tuple(row) for row in await centre.connection.fetch(EVENTS, hub.hub_id)] == expected
            assert await centre.connection.fetchval("select count(*) from shots where hub_id = $1", hub.hub_id) == 20


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_link_that_is_down_for_minutes_loses_nothing() -> None:
    async with range_of_hubs(started_ago(600.0), (1,)) as (centre, (hub,)):
        hub.link.freeze()  # as if the cable were pulled: neither side gets a signal
        began = time.monotonic()
        slowest = 0.0
        while time.monotonic() - began < OUTAGE_S:
            asked = time.monotonic()
            await add_shot(hub.lane)
            slowest = max(slowest, time.monotonic() - asked)
            await asyncio.sleep(0.2)
        assert slowest < 2.0, "the hub does not wait for the centre"
        (link,) = await replication_links(hub.connection)
        assert (link.state, (link.behind_bytes or 0) > 100_000) == (LinkState.AWAY, True)
        hub.link.thaw()
        async with asyncio.timeout(CAUGHT_UP_S):
            await centre.until_equal(hub)
        assert await centre.connection.fetchval("select count(*) from shots") > OUTAGE_S
