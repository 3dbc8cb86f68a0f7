"""Database outage: a range continues to shoot beside a busy device, and all data arrives soon after."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from simulators.world.range import World
from tests.acceptance.simulated_range import SimulatedRange, differences, simulated_range, truth
from tests.edge.sensor.busy_range import BusyRange, busy_range, complete_and_in_order, stored
from tests.proxy import database_proxy

RATE_HZ = 100.0
CURRENT_AGAIN_S = 10.0
UNSETTLED_US = 1_500_000
"""Longest time from a final result in the world to its verdict: a miss waits for a heartbeat of the target."""
SEED = 6
DECIDED = "select count(*) from shots where result not in ('pending', 'void')"


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("down_s", [4.0, 600.0], ids=["short", "ten minutes"])
async def test_shots_are_current_ten_seconds_after_an_outage(
    short_path: Path, tmp_path: Path, database_settings: ServiceSettings, down_s: float
) -> None:
    async with (
        open_database(database_settings, application="test") as database,
        database_proxy(database_settings) as proxy,
        busy_range(tmp_path, database_settings, proxy) as busy,
    ):
        environment = {
            "POSTGRES_SOCKET_DIR": str(proxy.socket_dir),
            "POSTGRES_USER": database_settings.database.user,
            "POSTGRES_DB": database_settings.database.db,
        }
        words = ["--seed", str(SEED), "--speed", "20", "--duration", str(down_s + 9.0)]
        connection = await database.connect()
        async with simulated_range(short_path, *words, environment=environment) as running:
            await busy.start_node(RATE_HZ)
            await busy.start_daemon()
            await running.until_shots(1)
            await stored(connection, 50)
            await proxy.refuse()
            await asyncio.sleep(down_s)  # the length of the outage
            behind = await connection.fetchval("select max(seq) from readings where device_id = 'bow-9'")
            assert busy.progress()["acknowledged"] > behind + (down_s - 3.0) * RATE_HZ / 2
            await proxy.accept()
            assert await until_current(connection, running, busy) < CURRENT_AGAIN_S
            last = await busy.finish_sensing()
            assert await running.to_the_end() == 0
            await stored(connection, last)
            await complete_and_in_order(connection, last)
            rows = await connection.fetch("select * from shots where result <> 'void' order by arrow_disengage_time")
            assert differences(rows, await truth(running)) == []
        await connection.close()


async def until_current(connection: Connection, running: SimulatedRange, busy: BusyRange) -> float:
    """Wait until shots and readings are current; return the seconds that this took."""
    began = time.monotonic()
    world = World.from_json(json.dumps({key: running.start[key] for key in ("seed", "start", "speed")}))
    async with asyncio.timeout(60):
        while True:
            now_us = round(datetime.now(UTC).timestamp() * 1_000_000)
            due = [r for r in world.releases(1, world.start_us, now_us) if r.settled_us < now_us - UNSETTLED_US]
            sensed = busy.progress()["last"] - RATE_HZ
            stored_seq = await connection.fetchval("select max(seq) from readings where device_id = 'bow-9'")
            if await connection.fetchval(DECIDED) >= len(due) and stored_seq >= sensed:
                return time.monotonic() - began
            await asyncio.sleep(0.1)
