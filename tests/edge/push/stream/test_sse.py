"""The stream of events: each once, in order, without a gap, for clients that disconnect and resume."""

from __future__ import annotations

import asyncio

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.push.stream.hub import Hub
from tests.edge.lane_rows import OUTDOORS, LaneRows
from tests.edge.push.serving import WITHIN_S, Event, Listening, Service, http, serving
from tests.edge.push.serving import listening as by_sse
from tests.edge.push.serving import listening_by_websocket as by_websocket
from tests.edge.shot_rows import add_shot
from tests.eventually import eventually


@pytest.fixture(params=[by_sse, by_websocket], ids=["sse", "websocket"])
def listening(request: pytest.FixtureRequest) -> Listening:
    """Run a test over each transport."""
    transport: Listening = request.param
    return transport


def ids(events: list[Event]) -> list[str]:
    """Return the ids of shots, in order."""
    return [event.data["id"] for event in events]


async def test_a_shot_arrives_in_its_envelope(service: Service, lane: LaneRows, listening: Listening) -> None:
    async with listening(service) as stream:
        assert stream.status == 200
        first = await stream.next(heartbeats=True)
        assert first is not None
        assert first.type == "heartbeat"
        assert first.data == {"feed": "live", "interval_s": 30.0}
        assert (stream.retry_ms is not None) == (listening is by_sse)
        shot = await add_shot(lane, 651.234, 640.125, 10)
        (event,) = await stream.take(1)
    assert event.type == event.envelope["type"] == "shot.created"
    assert event.id == event.envelope["id"]
    assert set(event.envelope) == {"id", "type", "ts", "request_id", "data"}
    assert event.envelope["ts"].endswith("+00:00")
    assert (event.data["id"], event.data["x"], event.data["y"]) == (str(shot), 651.234, 640.125)


async def test_a_resuming_client_gets_each_missed_event_once(
    service: Service, lane: LaneRows, listening: Listening
) -> None:
    async with listening(service) as stream:
        shots = [str(await add_shot(lane)) for _ in range(3)]
        seen = await stream.take(3)
    shots += [str(await add_shot(lane)) for _ in range(4)]
    async with listening(service, last_id=seen[-1].id) as stream:
        seen += await stream.take(4)
    async with listening(service, f"?since={seen[2].id}") as stream:
        again = await stream.take(4)
        shots.append(str(await add_shot(lane)))
        seen += await stream.take(1)
    assert ids(seen) == shots
    assert ids(again) == shots[3:7]


async def test_last_event_id_takes_precedence_over_since(service: Service, lane: LaneRows) -> None:
    async with by_sse(service) as stream:
        shots = [str(await add_shot(lane)) for _ in range(3)]
        seen = await stream.take(3)
    async with by_sse(service, f"?since={seen[0].id}", last_id=seen[1].id) as stream:
        assert ids(await stream.take(1)) == shots[2:]


async def test_events_no_longer_kept_are_read_from_the_table(
    database_settings: ServiceSettings, lane: LaneRows, listening: Listening
) -> None:
    async with serving(database_settings, Hub(kept_frames=5)) as service:
        await service.until_live()
        async with listening(service) as stream:
            shots = [str(await add_shot(lane))]
            (first,) = await stream.take(1)
        shots += [str(await add_shot(lane)) for _ in range(30)]
        async with listening(service, f"?since={first.id}") as stream:
            rest = await stream.take(30)
            shots.append(str(await add_shot(lane)))
            rest += await stream.take(1)
    assert ids([first, *rest]) == shots


async def test_a_restart_of_the_service_loses_nothing(service: Service, lane: LaneRows, listening: Listening) -> None:
    async with listening(service) as stream:
        shots = [str(await add_shot(lane))]
        seen = await stream.take(1)
    await service.stop()
    shots += [str(await add_shot(lane)) for _ in range(3)]
    service.start()
    async with listening(service, last_id=seen[-1].id) as stream:
        shots.append(str(await add_shot(lane)))
        seen += await stream.take(4)
    assert ids(seen) == shots


async def test_snapshot_and_stream_leave_no_gap(service: Service, lane: LaneRows, listening: Listening) -> None:
    """During continuous shooting, /live and the stream after it give every revision at least once."""
    shots: list[str] = []
    enough = asyncio.Event()

    async def shoot() -> None:
        while not enough.is_set():
            shots.append(str(await add_shot(lane)))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks, http(service) as client:
        tasks.create_task(shoot())
        for _ in range(5):
            picture = (await client.get("/api/v0/live?lane=1")).json()["data"]
            known = [shot["id"] for shot in picture["shots"]]
            async with listening(service, f"?lane=1&since={picture['as_of']}") as stream:
                following = ids(await stream.take(20))
            new = [shot for shot in following if shot not in known]
            async with asyncio.timeout(WITHIN_S):
                while len(shots) < len(known) + len(new):  # sent before its writer returned
                    await asyncio.sleep(0.01)
            assert known + new == shots[: len(known) + len(new)]
            assert len(following) == len(set(following))
        enough.set()


async def test_late_commits_arrive_once_in_the_order_of_the_feed(
    service: Service, lane: LaneRows, database_settings: ServiceSettings, listening: Listening
) -> None:
    async with open_database(database_settings, application="other writer") as database, listening(service) as stream:
        slow = await database.connect()
        try:
            transaction = slow.transaction()
            await transaction.start()
            first = str(await add_shot(lane, connection=slow))
            later = [str(await add_shot(lane)) for _ in range(3)]
            await transaction.commit()
        finally:
            slow.terminate()
        after = str(await add_shot(lane))
        assert ids(await stream.take(5)) == [first, *later, after]


async def test_a_lane_subscription_gets_only_its_lane(
    service: Service, lane: LaneRows, connection: Connection, listening: Listening
) -> None:
    other = LaneRows(connection, OUTDOORS, 2)
    await other.build()
    async with listening(service, "?lane=2") as stream:
        await add_shot(lane)
        second = str(await add_shot(other))
        event = await stream.until("shot.created")  # after events of its devices and session
        assert (event.data["id"], event.data["lane"]) == (second, 2)


async def test_another_epoch_is_one_gap_and_then_live(service: Service, lane: LaneRows, listening: Listening) -> None:
    async with listening(service, "?since=deadbeef-5-1") as stream:
        (gap,) = await stream.take(1)
        assert (gap.type, gap.data["reason"]) == ("gap", "unknown_epoch")
        assert gap.data["resume_from"] == gap.id
        shot = str(await add_shot(lane))
        assert ids(await stream.take(1)) == [shot]


async def test_an_id_of_another_server_is_a_gap_and_no_error(service: Service, lane: LaneRows) -> None:
    """A browser sends ``Last-Event-ID`` by itself, and its page cannot change it."""
    async with by_sse(service, last_id="of another server") as stream:
        assert (await stream.take(1))[0].type == "gap"
        shot = str(await add_shot(lane))
        assert ids(await stream.take(1)) == [shot]


async def test_an_id_older_than_the_retention_is_too_old(
    service: Service, lane: LaneRows, connection: Connection, listening: Listening
) -> None:
    async with listening(service) as stream:
        await add_shot(lane)
        (first,) = await stream.take(1)
    await add_shot(lane)
    await connection.execute("update installation set pruned_xid = (select max(xid) from events), pruned_id = 2^62")
    await service.stop()
    service.start()
    await service.until_live()
    async with listening(service, f"?since={first.id}") as stream:
        (gap,) = await stream.take(1)
        assert (gap.type, gap.data["reason"]) == ("gap", "too_old")


async def test_a_restored_database_sends_a_gap_to_clients(
    service: Service, lane: LaneRows, connection: Connection, listening: Listening
) -> None:
    async with listening(service) as stream:
        await stream.until("heartbeat")
        await connection.execute("update installation set epoch = 'feedbeef'")
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'push-test' and datname = current_database()"
        )
        gap = await stream.until("gap")
        assert gap.data["reason"] == "unknown_epoch"
        assert gap.id is not None
        assert gap.id.startswith("feedbeef-")
        shot = str(await add_shot(lane))
        assert (await stream.until("shot.created")).data["id"] == shot


@pytest.mark.parametrize(("others", "events"), [(5, 300), pytest.param(20, 600, marks=pytest.mark.long)])
async def test_a_slow_client_resumes_and_others_miss_nothing(
    database_settings: ServiceSettings, connection: Connection, listening: Listening, others: int, events: int
) -> None:
    async with serving(database_settings) as service:
        await service.until_live()
        async with asyncio.TaskGroup() as tasks, listening(service, receive_buffer=4096) as slow:
            await slow.until("heartbeat")
            readers = [tasks.create_task(read(service, events, listening)) for _ in range(others)]
            await eventually(lambda: service.hub.clients == others + 1, WITHIN_S)
            for number in range(0, events, 5):
                await connection.execute(
                    "insert into events (type, lane, data) select 'reading.orphan', 1,"
                    " jsonb_build_object('id', n, 'padding', repeat('x', 6000)) from generate_series($1::int, $1 + 4) n",
                    number,
                )
            for reader in readers:
                assert [event.data["id"] for event in await reader] == list(range(events))
            assert service.hub.counters.clients_slow == 1
            got: list[Event] = []
            while (event := await slow.next()) is not None:
                got.append(event)
        assert got[-1].type == "gap"
        assert got[-1].data["reason"] == "slow"
        assert got[-1].id == got[-2].id
        async with listening(service, last_id=got[-1].id) as back:
            rest = await back.take(events - (len(got) - 1))
        assert [event.data["id"] for event in [*got[:-1], *rest]] == list(range(events))


async def read(service: Service, count: int, listening: Listening) -> list[Event]:
    """Read ``count`` events as a client that keeps up."""
    async with listening(service) as stream:
        return await stream.take(count)


async def test_a_killed_listener_loses_no_event(
    service: Service, lane: LaneRows, connection: Connection, listening: Listening
) -> None:
    async with listening(service) as stream:
        shots = []
        for _ in range(3):
            shots.append(str(await add_shot(lane)))
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'push-test' and datname = current_database()"
            )
        shots.append(str(await add_shot(lane)))
        assert ids(await stream.take(4)) == shots


async def test_heartbeats_carry_an_id_to_resume_from(service: Service, lane: LaneRows, listening: Listening) -> None:
    async with listening(service, "?lane=7") as stream:
        await stream.until("heartbeat")
        async with listening(service) as other:
            await add_shot(lane)
            await add_shot(lane)
            *_, seen = await other.take(2)
        service.hub.beat()
        beat = await stream.until("heartbeat")
        assert beat.id == seen.id


async def test_invalid_parameters_are_rejected(service: Service) -> None:
    async with http(service) as client:
        for query in ("?since=abc", "?lane=0", "?lane=x", "?bogus=1", "?lane=1&lane=2"):
            answer = await client.get(f"/api/v0/events{query}")
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["loc"][0] == "query"
        head = await client.head("/api/v0/events")
        assert head.status_code == 200
        assert head.headers["content-type"].startswith("text/event-stream")
        assert (await client.post("/api/v0/events")).status_code == 405


async def test_streams_beyond_the_limit_are_rejected(database_settings: ServiceSettings, listening: Listening) -> None:
    async with serving(database_settings, Hub(max_clients=1)) as service:
        await service.until_live()
        async with listening(service) as first:
            await first.until("heartbeat")
            async with listening(service) as second:
                assert second.status == 503
        await eventually(lambda: not service.hub.clients, WITHIN_S)
        async with listening(service) as third:
            assert third.status == 200


async def test_a_disconnected_client_leaves_no_stream(service: Service, listening: Listening) -> None:
    async with listening(service) as stream:
        await stream.until("heartbeat")
        assert service.hub.clients == 1
    await eventually(lambda: not service.hub.clients, WITHIN_S)


async def test_an_id_from_the_future_is_a_gap(service: Service, lane: LaneRows, listening: Listening) -> None:
    await add_shot(lane)
    epoch = service.hub.live.epoch if service.hub.live else ""
    async with listening(service, f"?since={epoch}-{2**40}-1") as stream:
        assert (await stream.take(1))[0].type == "gap"
