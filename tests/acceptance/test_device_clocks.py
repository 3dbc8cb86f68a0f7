"""Fast, slow and unknown device clocks: times are true, and without a clock no flight time is stored.

A node counts from its own boot, days ago, so its offset to the host is far beyond any window of seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from edge.simulation.setup import range_devices, register_arrows
from simulators.world.instants import to_datetime
from simulators.world.range import Release, World, truth_line
from tests.acceptance.simulated_range import BIN, Json, clean_environment, connected, differences
from tests.postgres import copy_fresh_cluster

SENSOR = str(BIN / "archstats-sensor")
KNOWN_TO = timedelta(seconds=0.005)
"""Accuracy of release instants."""
WITHIN_S = 60.0
CLOCK_TIMED_OUT = "select count(*) > 0 from readings where device_id = 'bow-1'"
"""The first events of a bow wait for a clock, and are stored together when that wait times out."""
SHOTS = (
    "select * from shots where arrow_disengage_time >= $1 and result <> 'void' order by arrow_disengage_time limit $2"
)
DECIDED = "result not in ('pending', 'unknown')"
LANE_M = 70.0
DEVICES = {device.name: device.driver for device in range_devices(1)}
PATH_FAULTS = "delay=0.2,duplicate=0.1,split=0.2"


@dataclass
class Outcome:
    """The true shots of a lane, and its stored rows."""

    expected: list[Json]
    rows: list[asyncpg.Record]


@asynccontextmanager
async def program(words: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, env=environment
    )
    try:
        yield
        assert process.returncode is None, f"{words} ended"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def shoot(folder: Path, seed: int, landings: int, *simulator_options: str, counts_from: str = "") -> Outcome:
    """Run a hub as a technician sets it up, each daemon alone, until the shots up to the nth landing have a verdict.

    The archer already shoots during the set-up. The arrows that count are nocked after the session is open, both devices are
    ready, and the query ``counts_from`` returns true.
    """
    await asyncio.to_thread(copy_fresh_cluster, folder)
    environment = clean_environment(ARCH_STATS_DATABASE_DIR=str(folder), ARCH_STATS_SPOOL_DIR=str(folder / "spool"))
    shared = {key: value for key, value in environment.items() if key != "ARCH_STATS_SPOOL_DIR"}
    world = World(seed, round(time.time() * 1e6), 20.0)
    async with AsyncExitStack() as running:
        database = await running.enter_async_context(connected(folder))
        await run_sensor_command("db", "migrate", environment=shared)
        await register_arrows(database, world.lane(1))
        devices = ",".join(f"{name}:{driver}" for name, driver in DEVICES.items())
        words = [sys.executable, "-m", "simulators", "--world", world.to_json(), "--links", str(folder)]
        await running.enter_async_context(program([*words, "--devices", devices, *simulator_options], shared))
        for name, driver in DEVICES.items():
            own = {"ARCH_STATS_DRIVER": driver, "ARCH_STATS_PORT": str(folder / name), "ARCH_STATS_LANE": "1"}
            await running.enter_async_context(program([SENSOR, "run", name], {**environment, **own}))
        await running.enter_async_context(program([str(BIN / "archstats-shots")], shared))
        await until(database, "select count(*) = 2 from device_status where state = 'ready'")
        await run_sensor_command(
            "session", "open", "--lane", "1", "--distance", f"{LANE_M:g}", "--face", "wa_122", environment=shared
        )
        if counts_from:
            await until(database, counts_from)
        counting = until_landed(world, round(time.time() * 1e6), landings)
        since = to_datetime(counting[0].released_us) - KNOWN_TO
        await until(
            database,
            f"select count(*) = $2 and bool_and(arrow_engage_time is not null and {DECIDED}) from ({SHOTS}) as shot",
            since,
            len(counting),
        )
        rows = await database.fetch(SHOTS, since, len(counting))
        return Outcome([dict(truth_line(release)) for release in counting], rows)


def until_landed(world: World, from_us: int, landings: int) -> list[Release]:
    """The arrows nocked after ``from_us``, up to the nth that lands."""
    found: list[Release] = []
    for release in world.releases(1, from_us, from_us + 120_000_000):
        if release.engaged_us > from_us and landings > 0:
            found.append(release)
            landings -= release.landed_us is not None
    return found


async def run_sensor_command(*words: str, environment: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(SENSOR, *words, stdout=asyncio.subprocess.DEVNULL, env=environment)
    assert await process.wait() == 0, words


async def until(database: asyncpg.Connection[asyncpg.Record], condition: str, *values: object) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await database.fetchval(condition, *values):
            await asyncio.sleep(0.1)


@pytest.mark.long
async def test_clocks_200_ppm_apart_give_true_times(short_path: Path) -> None:
    outcome = await shoot(short_path, 3, 10, "--clock", "bow-1=100,target-1=-100", "--fault", PATH_FAULTS)
    assert differences(outcome.rows, outcome.expected) == []
    for row, line in zip(outcome.rows, outcome.expected, strict=True):
        if line["landed_at"] is None:
            continue
        released, landed = (datetime.fromisoformat(str(line[key])) for key in ("released_at", "landed_at"))
        true_s = (landed - released).total_seconds()
        assert row["tof_s"] is not None, row["flags"]
        assert abs(row["tof_s"] - true_s) < 0.005
        assert abs(row["speed_mps"] - LANE_M / true_s) < 0.01 * LANE_M / true_s


@pytest.mark.timeout(240)
async def test_unknown_bow_clock_gives_no_speed_and_true_scores(short_path: Path) -> None:
    outcome = await shoot(short_path, 2, 3, "--clock", "bow-1=mute", counts_from=CLOCK_TIMED_OUT)
    results = [(row["result"], row["x"], row["y"], str(row["arrow_id"])) for row in outcome.rows]
    assert results == [(line["result"], line["x"], line["y"], line["arrow_id"]) for line in outcome.expected]
    landed = [row for row in outcome.rows if row["x"] is not None]
    assert [(row["tof_s"], row["speed_mps"]) for row in landed] == [(None, None)] * 3
    assert all("clock" in row["flags"] for row in landed)
