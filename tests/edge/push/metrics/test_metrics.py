"""``/metrics``: devices, lanes, feed and database beside push's own counters, in the format of Prometheus."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from typing import Any

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import DeviceState, Result
from edge.push.http.read_pool import ReadPool
from edge.push.http.refusals import Cause
from edge.push.metrics.stored import StoredValues
from tests.edge.lane_rows import BOOT, LaneRows
from tests.edge.push.metrics.scraped import Scrape, parsed, scrape
from tests.edge.push.serving import Service, http, serving
from tests.edge.shot_rows import add_orphan, add_shot
from tests.proxy import database_proxy, settings_through
from tests.test_project import ROOT

DASHBOARD = ROOT / "docs" / "grafana" / "archstats.json"
PAGE = ROOT / "docs" / "range" / "monitoring.md"
BOW = {"device": "bow-1", "lane": 1}
NAMES_OF_PUSH = {
    "archstats_push_feed_up", "archstats_push_listener_up", "archstats_push_listener_lost_total",
    "archstats_push_feed_held_back_seconds", "archstats_push_events_total", "archstats_push_connections",
    "archstats_push_connections_limit", "archstats_push_clients", "archstats_push_streams_opened_total",
    "archstats_push_clients_slow_total", "archstats_push_clients_refused_total", "archstats_push_gaps_total",
    "archstats_push_refused_total",
}  # fmt: skip
"""Names that dashboards of an earlier version use."""


async def furnish(lane: LaneRows) -> None:
    """Store all that has a metric: shots, an orphan, a gap, a clock, a spool, commands, and a device without a lane."""
    await add_shot(lane, points=9)
    await add_shot(lane, None, None, None, result="pending")
    await add_shot(lane, None, None, None, result="unknown")
    loose = await add_shot(lane, points=7)
    await lane.connection.execute("update shots set end_number = null where id = $1", loose)
    await add_shot(lane, None, None, 0, result="not_shot")
    await add_orphan(lane, 1.0, 2.0)
    run = lane.connection.execute
    await run(
        """update device_status set rssi_dbm = -61, queued = 3, readings_total = 40, spool_rows = 5, spool_bytes = 4096,
            spool_oldest_at = now() - interval '9 s', stream_id = $1, watermark = now() where device_id = 'bow-1'""",
        lane.streams["bow-1"],
    )
    await run(
        """insert into stream_clocks (device_id, stream_id, host_boot_id, ref_ticks_us, ref_mono_ns, skew, uncertainty_s,
            skew_uncertainty) values ('bow-1', $1, $2, 1500000, 4000000000, 0, 0.0007, 0)""",
        lane.streams["bow-1"], BOOT,
    )  # fmt: skip
    for since, begins_stream in (("epoch", True), ("2026-01-01Z", True), ("2026-01-02Z", False)):
        await run(
            "insert into device_gaps (device_id, stream_id, since, until, reason, begins_stream)"
            " values ('bow-1', $1, $2::text::timestamptz, now(), 'test', $3)",
            uuid.uuid4(), since, begins_stream,
        )  # fmt: skip
    await run("insert into commands (device_id, kind, who) values ('bow-1', 'read_config', 'x')")
    await lane.add_device("spare", "bow", 2)
    await run("update devices set lane = null where id = 'spare'")


async def test_a_scrape_has_devices_lanes_and_shots(service: Service, lane: LaneRows) -> None:
    await furnish(lane)
    found = await scrape(service)
    assert found.names >= NAMES_OF_PUSH
    assert found.value("archstats_database_up") == 1
    [build] = found.series("archstats_build_info")
    assert build.keys() == {"version", "python"}
    info = {"kind": "bow", "driver": "bow.link", "source": "simulator"}
    assert found.value("archstats_device_info", **BOW, **info) == 1
    states = {state: found.value("archstats_device_state", **BOW, state=state) for state in DeviceState}
    assert states == dict.fromkeys(DeviceState, 0) | {DeviceState.READY: 1}
    expected = {
        "device_battery_ratio": 0.87, "device_rssi_dbm": -61, "device_queued": 3, "device_readings_total": 40,
        "device_spool_rows": 5, "device_spool_bytes": 4096, "device_gaps_total": 2, "device_restarts_total": 1,
        "device_clock_offset_seconds": 2.5, "device_clock_uncertainty_seconds": 0.0007, "device_chatters": 0,
    }  # fmt: skip
    assert {name: found.value(f"archstats_{name}", **BOW) for name in expected} == expected
    assert 9 <= found.value("archstats_device_spool_oldest_seconds", **BOW) < 120
    for name in ("device_age_seconds", "device_watermark_age_seconds", "device_clock_age_seconds"):
        assert 0 <= found.value(f"archstats_{name}", **BOW) < 120
    assert found.value("archstats_device_commands", **BOW, state="pending") == 1
    assert found.value("archstats_device_commands", **BOW, state="running") == 0
    of_lane = {
        "session_open": 1, "arrows": 4, "points": 16, "undecided": 2, "orphans": 1, "unclaimed": 0,
    }  # fmt: skip
    assert {name: found.value(f"archstats_lane_{name}", lane=1) for name in of_lane} == of_lane
    shots = {result: found.value("archstats_shots", lane=1, result=result) for result in Result}
    assert shots == dict.fromkeys(Result, 0) | {Result.HIT: 2, Result.PENDING: 1, Result.UNKNOWN: 1, Result.NOT_SHOT: 1}
    assert found.value("archstats_feed_newest_event_age_seconds") >= 0
    assert found.value("archstats_push_process_resident_memory_bytes") > 1e6
    assert {cause: found.value("archstats_push_refused_total", cause=cause) for cause in Cause} == dict.fromkeys(
        Cause, 0
    )
    spare = {"device": "spare", "lane": ""}
    assert found.value("archstats_device_state", **spare, state="unknown") == 1
    assert ("archstats_device_battery_ratio", frozenset(spare.items())) not in found.samples, "0 would be a claim"
    check_dashboard(found)
    check_page(found)


def check_dashboard(found: Scrape) -> None:
    """Every metric and label of the dashboard is in the scrape."""
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    queries += [one["query"]["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    assert len(queries) > 15
    [not_ready] = [query for query in queries if "or vector(0)" in query]
    assert 'lane!=""' in not_ready
    assert not_ready.endswith("and on () (archstats_database_up == 1)"), "unknown is not 0"
    used = {name for query in queries for name in re.findall(r"\barchstats_\w+", query)}
    assert used - found.names == set()
    for query in queries:
        for name, matchers in re.findall(r"(archstats_\w+)\{([^}]*)\}", query):
            labels = set(re.findall(r"(\w+)\s*=~?\s*\"", matchers))
            assert labels <= found.series(name)[0].keys(), query
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    places = [tuple(panel["gridPos"][key] for key in "xywh") for panel in dashboard["panels"]]
    assert all(x + w <= 24 for x, _, w, _ in places)


def check_page(found: Scrape) -> None:
    """The page about monitoring lists every metric, and none that there is not."""
    listed = set(re.findall(r"`(archstats_\w+)`", PAGE.read_text()))
    assert listed - found.names == set()
    assert {name for name in found.names if "_process_" not in name} - listed == set()


async def test_every_scraper_of_a_second_shares_one_read(service: Service, lane: LaneRows) -> None:
    await furnish(lane)
    pool = ReadPool(service.database)
    shared = StoredValues(pool, kept_s=60.0)
    found = await asyncio.gather(*(shared.current(service.hub.live) for _ in range(50)))
    assert shared.reads == 1
    assert all(one is found[0] for one in found)
    assert found[0] is not None
    shared.kept_s = 0.0
    assert await shared.current(service.hub.live) is not found[0]
    assert shared.reads == 2
    pool.close()


async def test_without_the_database_push_reports_itself(database_settings: ServiceSettings) -> None:
    async with (
        database_proxy(database_settings) as proxy,
        serving(settings_through(proxy, database_settings)) as service,
    ):
        await service.until_live()
        await proxy.refuse()
        async with http(service) as client:
            while True:
                found = parsed(await client.get("/metrics"))
                if found.value("archstats_database_up") == 0:
                    break
                await asyncio.sleep(0.05)
    assert found.names >= NAMES_OF_PUSH | {"archstats_build_info"}
    assert not any("device" in name or "lane" in name for name in found.names)


async def test_before_the_feed_is_read_there_is_no_feed(database_settings: ServiceSettings) -> None:
    async with serving(database_settings) as service:
        pool = ReadPool(service.database)
        found: Any = await StoredValues(pool).current(None)
        pool.close()
    assert found["feed"] is None
    assert (found["devices"], found["sessions"]) == ([], [])


async def test_odd_names_and_no_lane_break_no_line(service: Service, connection: Connection) -> None:
    await connection.execute("insert into devices (id, kind, driver) values ('x', 'bow', $1)", 'a"b\\c\nd')
    found = await scrape(service)
    [info] = [one for one in found.series("archstats_device_info") if one["device"] == "x"]
    assert info["driver"] == 'a"b\\c\nd'
