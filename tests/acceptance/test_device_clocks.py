"""Clocks of devices that are fast, slow or unknown: what they time is true, and what they cannot time is not told.

A node counts from its own boot, days ago: its offset to the host is far more than any that could be told in seconds.
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

from edge.simulation.setup import register_arrows
from simulators.world.instants import to_datetime
from simulators.world.range import Release, World, truth_line
from tests.acceptance.simulated_range import BIN, Json, clean_environment, connected, differences
from tests.postgres import copy_fresh_cluster

SENSOR = str(BIN / "archstats-sensor")
KNOWN_TO = timedelta(seconds=0.005)
"""Instants of release are true to this. They may be late, by the time of receipt, as long as arrows stay in their order."""
WITHIN_S = 60.0
GIVEN_UP = "select count(*) > 0 from readings where device_id = 'bow-1'"
"""Without a clock the first events of a bow wait for one, and all are then told at the instant at which that was given up."""
SHOTS = (
    "select * from shots where arrow_disengage_time >= $1 and result <> 'void' order by arrow_disengage_time limit $2"
)
DECIDED = "result not in ('pending', 'unknown')"
LANE_M = 70.0
DEVICES = {"bow-1": "bow.link", "target-1": "target.link"}
PATH_FAULTS = "delay=0.2,duplicate=0.1,split=0.2"


@dataclass
class Outcome:
    """What a lane shot, and what the database holds of it."""

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
    """A hub as a technician sets it up, each daemon by itself, until so many landings and what was shot between them have a verdict.

    The archer shoots already while it is set up: what counts is nocked when the session is open, both devices are read, and
    the database says that ``counts_from`` is true.
    """
    await asyncio.to_thread(copy_fresh_cluster, folder)
    environment = clean_environment(ARCH_STATS_DATABASE_DIR=str(folder), ARCH_STATS_SPOOL_DIR=str(folder / "spool"))
    shared = {key: value for key, value in environment.items() if key != "ARCH_STATS_SPOOL_DIR"}
    world = World(seed, round(time.time() * 1e6), 20.0)
    async with AsyncExitStack() as running:
        database = await running.enter_async_context(connected(folder))
        await told("db", "migrate", environment=shared)
        await register_arrows(database, world.lane(1))
        devices = ",".join(f"{name}:{driver}" for name, driver in DEVICES.items())
        words = [sys.executable, "-m", "simulators", "--world", world.to_json(), "--links", str(folder)]
        await running.enter_async_context(program([*words, "--devices", devices, *simulator_options], shared))
        for name, driver in DEVICES.items():
            own = {"ARCH_STATS_DRIVER": driver, "ARCH_STATS_PORT": str(folder / name), "ARCH_STATS_LANE": "1"}
            await running.enter_async_context(program([SENSOR, "run", name], {**environment, **own}))
        await running.enter_async_context(program([str(BIN / "archstats-shots")], shared))
        await until(database, "select count(*) = 2 from device_status where state = 'ready'")
        await told(
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
    """The arrows nocked from then on, up to the one that is the last of so many that land."""
    found: list[Release] = []
    for release in world.releases(1, from_us, from_us + 120_000_000):
        if release.engaged_us > from_us and landings > 0:
            found.append(release)
            landings -= release.landed_us is not None
    return found


async def told(*words: str, environment: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(SENSOR, *words, stdout=asyncio.subprocess.DEVNULL, env=environment)
    assert await process.wait() == 0, words


async def until(database: asyncpg.Connection[asyncpg.Record], condition: str, *values: object) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await database.fetchval(condition, *values):
            await asyncio.sleep(0.1)


@pytest.mark.long
async def test_clocks_that_part_by_200_ppm_time_every_instant_and_flight(short_path: Path) -> None:
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
async def test_a_bow_whose_clock_nobody_knows_tells_no_speed_and_the_right_score(short_path: Path) -> None:
    outcome = await shoot(short_path, 2, 3, "--clock", "bow-1=mute", counts_from=GIVEN_UP)
    results = [(row["result"], row["x"], row["y"], str(row["arrow_id"])) for row in outcome.rows]
    assert results == [(line["result"], line["x"], line["y"], line["arrow_id"]) for line in outcome.expected]
    landed = [row for row in outcome.rows if row["x"] is not None]
    assert [(row["tof_s"], row["speed_mps"]) for row in landed] == [(None, None)] * 3
    assert all("clock" in row["flags"] for row in landed)
