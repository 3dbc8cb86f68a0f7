"""Answers to questions: the envelope around everything, strict questions, values as stored."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest

from edge.common.advice import command_prefix
from edge.common.postgres.connection import Connection
from tests.edge.boot_rows import hub_boot
from tests.edge.lane_rows import CENTRE_MM, OUTDOORS, START, LaneRows
from tests.edge.push.serving import Service, http
from tests.edge.shot_rows import add_shot, revise_shot


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API."""
    async with http(service, "/api/v0/") as made:
        yield made


async def data(client: httpx.AsyncClient, path: str) -> list[dict[str, object]]:
    """The data of an answer that must be a success."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    envelope = answer.json()
    assert set(envelope) == {"code", "data", "errors"}
    assert (envelope["code"], envelope["errors"]) == (200, [])
    found: list[dict[str, object]] = envelope["data"]
    return found


async def test_an_empty_database_gives_empty_answers(client: httpx.AsyncClient) -> None:
    for path in ("/session", "/shot", "/session_performance", "/lanes", "/device"):
        assert await data(client, path) == []
    assert await data(client, "/session/open") is None
    live = (await client.get("/live")).json()["data"]
    assert (live["lane"], live["session"], live["shots"], live["simulated"]) == (1, None, [], False)


async def test_sessions_have_the_originals_keys_and_filters(client: httpx.AsyncClient, lane: LaneRows) -> None:
    (session,) = await data(client, "/session")
    assert set(session) == {"id", "is_opened", "start_time", "location", "is_indoor", "end_time"}
    for path in (f"/session/{lane.session_id}", "/session/open"):
        assert (await client.get(path)).json()["data"] == session
    found = (f"id={lane.session_id}", "is_opened=true", "is_indoor=false", "location=Field%201", "lane=1")
    for query in (*found, "location=Field%201&is_opened=true", "start_time=2026-01-01T10:00:00Z"):
        assert len(await data(client, f"/session?{query}")) == 1, query
    for query in ("is_opened=false", "location=DoesNotExist", f"id={uuid.uuid4()}", "lane=2", "location=a'b;--"):
        assert await data(client, f"/session?{query}") == [], query
    assert await data(client, "/session/open?lane=2") is None


async def test_shots_have_the_originals_keys_in_order_of_release(client: httpx.AsyncClient, lane: LaneRows) -> None:
    first, second = await add_shot(lane, 61.3, 75.1, 1), await add_shot(lane, None, None, 0, result="miss")
    await add_shot(lane, None, None, None, result="not_shot")
    shots = await data(client, "/shot")
    assert [shot["id"] for shot in shots] == [str(first), str(second)]
    assert set(shots[0]) == {
        "id", "arrow_id", "session_id", "arrow_engage_time", "arrow_disengage_time", "arrow_landing_time", "x", "y"
    }  # fmt: skip
    assert (shots[0]["x"], shots[0]["y"]) == (61.3, 75.1)
    assert [shot["id"] for shot in await data(client, "/shot?x=61.3")] == [str(first)]
    assert [shot["id"] for shot in await data(client, f"/shot?limit=1&after={first}")] == [str(second)]
    assert [shot["id"] for shot in await data(client, "/shot?landed=false")] == [str(second)]
    assert [shot["id"] for shot in await data(client, "/shot?x=null")] == [str(second)]
    assert await data(client, f"/shot?arrow_id={uuid.uuid4()}") == []
    assert len(await data(client, f"/shot?session_id={lane.session_id}")) == 2
    assert len(await data(client, "/shot?arrow_engage_time=2026-01-01T10:00:26Z")) == 1
    (whole,) = [(await client.get(f"/shot/{first}")).json()["data"]]
    assert (whole["points"], whole["result"], whole["revision"], whole["face"]) == (1, "hit", 1, "A")


async def test_performance_includes_flight_speed_and_score(client: httpx.AsyncClient, lane: LaneRows) -> None:
    await add_shot(lane, is_x=True)
    await add_shot(lane, None, None, 0, result="miss")
    hit, miss = await data(client, "/session_performance")
    assert set(hit) == {
        "id", "session_id", "arrow_id", "arrow_engage_time", "arrow_disengage_time", "arrow_landing_time", "x", "y",
        "time_of_flight_seconds", "arrow_speed", "score", "human_identifier", "is_x", "face", "result",
    }  # fmt: skip
    assert (hit["time_of_flight_seconds"], hit["arrow_speed"], hit["score"], hit["is_x"]) == (1.25, 56.0, 10, True)
    assert (miss["x"], miss["score"], miss["result"]) == (None, 0, "miss")
    assert await data(client, "/session_performance?lane=2") == []


async def test_the_snapshot_is_complete(client: httpx.AsyncClient, lane: LaneRows, connection: Connection) -> None:
    shot = await add_shot(lane)
    gone = await add_shot(lane)
    await revise_shot(lane, gone, None, None, None, "void")
    archer = await connection.fetchval("insert into archers (name) values ('Kim') returning id")
    await connection.execute(
        "insert into slots (session_id, letter, face, bow_device_id, archer_id) values ($1, 'A', '1', 'bow-1', $2)",
        lane.session_id,
        archer,
    )
    await connection.execute(
        "update shots set slot_id = (select id from slots), revision = revision + 1 where id = $1", shot
    )
    live = (await client.get("/live?lane=1")).json()["data"]
    assert live["slots"] == [{"letter": "A", "face": "1", "archer": "Kim"}]
    assert sorted(str(one["slot"]) for one in live["shots"]) == ["A", "None"]
    assert (await client.get(f"/shot/{shot}")).json()["data"]["slot"] == "A"
    assert live["session"]["id"] == str(lane.session_id)
    assert (live["target"]["max_x"], live["target"]["distance"]) == (1280, 70)
    assert live["faces"][0]["x"] == CENTRE_MM
    assert {one["id"]: one["result"] for one in live["shots"]} == {str(shot): "hit", str(gone): "void"}
    assert [device["id"] for device in live["devices"]] == ["bow-1", "target-1"]
    assert live["devices"][0]["state"] == "ready"
    assert live["devices"][0]["age_s"] < 60
    assert (live["simulated"], live["sources"]) == (True, ["simulator"])
    (listed,) = live["lanes"]
    assert (listed["lane"], listed["session_id"], listed["unclaimed"]) == (1, str(lane.session_id), 0)
    await connection.execute("update sessions set is_opened = false, end_time = $1", START)
    after = (await client.get("/live")).json()["data"]
    assert after["session"]["is_opened"] is False
    assert len(after["shots"]) == 2


async def test_unclaimed_arrows_are_counted_per_lane(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    now = await connection.fetchval("select clock_timestamp()")
    for ago_s, kind, device, cause in (
        (2000, "release", lane.bow, None),  # of the session
        (600, "landing", "target-1", None),  # its arrow flew before the closing
        (300, "release", lane.bow, None),
        (299, "landing", "target-1", None),
        (200, "release", lane.bow, "removed"),
        (100, "release", lane.bow, None),
    ):
        await connection.execute(
            """insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source, cause)
            values ($1, gen_random_uuid(), 1, $2, $3, gen_random_uuid(), $3, 'simulator', $4)""",
            device, kind, now - timedelta(seconds=ago_s), cause,
        )  # fmt: skip
    (listed,) = await data(client, "/lanes")
    assert (listed["unclaimed"], listed["open_command"]) == (0, None)
    await connection.execute("update sessions set is_opened = false, end_time = $1", now - timedelta(seconds=601))
    (listed,) = await data(client, "/lanes")
    assert (listed["session_id"], listed["unclaimed"]) == (None, 2)
    like_the_last = "archstats-sensor session open --lane 1 --distance 70 --face wa_122 --outdoor --arrows-per-end 6"
    assert str(listed["open_command"]).startswith(f"{command_prefix()}{like_the_last} --butt-width 1280")
    assert str(listed["open_command"]).endswith(f" --since {listed['unclaimed_since']}")
    assert "last_session" not in listed
    since = datetime.fromisoformat(str(listed["unclaimed_since"]))
    assert since == (now - timedelta(seconds=300)).replace(microsecond=0)
    ended = (now - timedelta(seconds=301)).replace(microsecond=999000)
    await connection.execute("update readings set at = $1 where kind = 'release'", ended + timedelta(microseconds=500))
    await connection.execute("update sessions set end_time = $1", ended)
    (listed,) = await data(client, "/lanes")
    assert datetime.fromisoformat(str(listed["unclaimed_since"])) == ended  # "session open" rejects an earlier instant


async def test_unclaimed_arrows_follow_the_boots_of_a_hub(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    """The wall clock of the second boot stands before the closing of the session in the first one."""
    now: datetime = await connection.fetchval("select clock_timestamp()")
    a = hub_boot(lane, now - timedelta(seconds=900))
    b = hub_boot(lane, now - timedelta(seconds=400))
    await a.record(10.0)
    await a.shoot(690.0)  # of the session
    await connection.execute(
        """
        update sessions set is_opened = false, end_time = $1, closing_time = $1, closing_mono_ns = $2,
            closing_host_boot_id = $3
        """,
        *a.at(700.0).columns,
    )
    await a.record(710.0)
    await b.record(30.0)
    (listed,) = await data(client, "/lanes")
    assert listed["unclaimed"] == 0
    await b.shoot(100.0)
    (listed,) = await data(client, "/lanes")
    assert listed["unclaimed"] == 1
    dated = a.at(710.0 + 100.0).at
    assert datetime.fromisoformat(str(listed["unclaimed_since"])) == dated.replace(microsecond=0)
    b.zero = now - timedelta(hours=-20)
    await b.record(130.0)  # the clock is set
    (listed,) = await data(client, "/lanes")
    assert listed["unclaimed"] == 1
    assert datetime.fromisoformat(str(listed["unclaimed_since"])) == b.at(100.0).at.replace(microsecond=0)


async def test_a_device_without_reports_is_silent(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    await connection.execute(
        "update device_status set updated_at = clock_timestamp() - interval '100 s' where device_id = $1", lane.bow
    )
    bow, target = await data(client, "/device?lane=1")
    assert (bow["state"], target["state"]) == ("silent", "ready")
    assert isinstance(bow["age_s"], float)
    assert bow["age_s"] >= 100


async def test_a_device_shows_the_time_since_its_restart(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    for ago_s, since in ((900, "epoch"), (100, "now"), (60, "now")):
        await connection.execute(
            """
            insert into device_gaps (device_id, stream_id, since, until, reason)
            select id, gen_random_uuid(), case $3 when 'epoch' then 'epoch' else at - interval '2 s' end, at, 'test'
            from (select now() - $2 * interval '1 s' as at) began, devices where id = $1 or $3 = 'epoch'
            """,
            lane.bow, float(ago_s), since,
        )  # fmt: skip
    await connection.execute(
        "insert into device_gaps (device_id, stream_id, since, until, reason, begins_stream)"
        " select id, gen_random_uuid(), now() - interval '10 s', now() + interval '5 s', 'chatter', false from devices"
    )
    bow, target = await data(client, "/device?lane=1")
    assert isinstance(bow["restarted_s"], float)
    assert 60 <= bow["restarted_s"] < 90
    assert target["restarted_s"] is None  # its first boot that was heard of


async def test_a_device_shows_its_spooled_rows(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    await connection.execute(
        "update device_status set spool_rows = 7, spool_bytes = 4096, spool_error = 'the disk is full' where device_id = $1",
        lane.bow,
    )
    bow, target = await data(client, "/device?lane=1")
    assert (bow["spool_rows"], bow["spool_bytes"], bow["spool_error"]) == (7, 4096, "the disk is full")
    assert (target["spool_rows"], target["spool_oldest_at"], target["spool_error"]) == (0, None, None)


async def test_hardware_is_not_reported_as_simulated(client: httpx.AsyncClient, connection: Connection) -> None:
    real = LaneRows(connection, OUTDOORS, source="hardware")
    await real.build()
    await add_shot(real)
    live = (await client.get("/live")).json()["data"]
    assert (live["simulated"], live["sources"]) == (False, ["hardware"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/session/", 404, "not_found"),
        ("PUT", f"/session/{uuid.UUID(int=1)}", 405, "method_not_allowed"),
        ("POST", "/shot", 405, "method_not_allowed"),
        ("DELETE", "/live", 405, "method_not_allowed"),
        ("GET", f"/session/{uuid.UUID(int=1)}", 404, "not_found"),
        ("GET", f"/shot/{uuid.UUID(int=1)}", 404, "not_found"),
        ("GET", "/session/not-a-uuid", 422, "uuid_parsing"),
        ("GET", f"/session/{uuid.UUID(int=1)}?x=1", 422, "extra_forbidden"),
        ("GET", "/session?is_opened=maybe", 422, "bool_type"),
        ("GET", "/session?bogus=1", 422, "extra_forbidden"),
        ("GET", "/session?lane=1&lane=1", 422, "doubled"),
        ("GET", "/session?start_time=2026-01-01T10:00:00", 422, "timezone_aware"),
        ("GET", "/session?start_time=1735725600", 422, "value_error"),
        ("GET", "/session?location=%00", 422, "value_error"),
        ("GET", "/session?lane=99999999999999999999", 422, "less_than_equal"),
        ("GET", "/shot?x=abc", 422, "float_parsing"),
        ("GET", "/shot?x=nan", 422, "finite_number"),
        ("GET", "/shot?limit=0", 422, "greater_than_equal"),
        ("GET", "/live?lane=0", 422, "greater_than_equal"),
        ("GET", "/session/open?lane=", 422, "int_parsing"),
    ],
)
async def test_errors_have_the_envelope(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    envelope = answer.json()
    assert answer.status_code == envelope["code"] == status
    assert set(envelope) == {"code", "data", "errors"} | ({"detail"} if status == 422 else set())
    assert envelope["data"] is None
    if status == 422:
        assert [one["loc"] for one in envelope["detail"]] == [one["loc"] for one in envelope["errors"]]
    assert envelope["errors"][0]["code"] == code
    assert envelope["errors"][0]["message"]


async def test_every_response_has_the_security_headers(service: Service) -> None:
    async with http(service) as client:
        for path in ("/", "/static/view/lane.js", "/api/v0/session", "/api/v0/nothing", "/healthz"):
            answer = await client.get(path)
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "access-control-allow-origin" not in answer.headers
