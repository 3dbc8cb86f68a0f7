"""A node that senses 5,000 events a second: back-pressure instead of silence, loss or endless re-sending."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from tests.edge.sensor.busy_range import NAME, BusyRange, busy_range, complete_and_in_order, stored
from tests.eventually import eventually
from tests.proxy import database_proxy

RATE_HZ = 5000
WINDOW = 512
"""Events in flight: sixteen times what the protocol allows."""


@pytest.mark.parametrize("seconds", [1.0, pytest.param(30.0, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
async def test_node_at_5000_events_a_second_is_read(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path, seconds: float
) -> None:
    events = round(RATE_HZ * seconds)
    async with (
        database_proxy(database_settings) as proxy,
        busy_range(tmp_path, database_settings, proxy) as busy,
    ):
        await start_fast_node(busy, events)
        await busy.start_daemon()
        await eventually(lambda: counters(busy)["acknowledged"] == events, seconds * 4 + 60)
        seen = counters(busy)
        await stored(connection, events)
        await complete_and_in_order(connection, events)
        states = await connection.fetch(
            "select distinct data ->> 'state' as state from events where type = 'device.status'"
        )
    lines = "\n".join([*busy.node.lines, *map(str, busy.daemon.lines)])
    assert seen["pending"] == 0
    assert {row["state"] for row in states} <= {"starting", "waiting", "ready", "degraded"}, (
        f"{NAME} must not fall silent:\n{lines}"
    )
    # At the first contact the driver keeps 256 events until the clock is known; the node re-sends the others. Beside other tests
    # the daemon may get so little of the processor that acknowledgements take longer than the node waits: in both halves.
    half = at(busy, events / 2)["resent"]
    beside_others = half if seconds < 30.0 else 0
    assert seen["resent"] - half < beside_others + 2 * WINDOW, f"later, re-sends do not grow:\n{lines}"


async def start_fast_node(busy: BusyRange, events: int) -> None:
    words = ["benchmarks.fast_node", str(busy.port), str(RATE_HZ), str(WINDOW), str(events)]
    busy.node = await busy.start([sys.executable, "-m", *words])
    await eventually(busy.port.exists, 30)


def at(busy: BusyRange, acknowledged: float) -> dict[str, int]:
    """The node's counters when so many events were acknowledged."""
    lines: list[dict[str, int]] = [json.loads(line) for line in busy.node.lines if line.startswith("{")]
    return next(found for found in lines if found["acknowledged"] >= acknowledged)


def counters(busy: BusyRange) -> dict[str, int]:
    """The latest counters of the node."""
    lines = [line for line in busy.node.lines if line.startswith("{")]
    found: dict[str, int] = json.loads(lines[-1]) if lines else {"acknowledged": 0}
    return found
