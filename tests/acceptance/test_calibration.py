"""A range with a target mounted askew is calibrated while its archers shoot, and from then on its shots equal the truth."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from edge.common.config.load import load_service
from edge.simulation.press import press
from simulators.devices.miscalibration import NOISE_MM
from tests.acceptance.simulated_range import (
    BIN,
    Json,
    SimulatedRange,
    clean_environment,
    simulated_range,
    stored_shots,
    truth,
)

SEED = 7
SHOTS = 70
LEAST_HITS = 20
"""Fewest shots on the face after the calibration that show something."""
FEW_HITS = 8
"""The same for a target that is calibrated with arrows."""
DEAD_TIME_S = 0.6
"""A little more than the time for which a freETarget senses nothing after an arrow."""
ASKEW_MM = 4.0
"""Least mean error of the shots before it."""
SIGMAS = 5.0


async def steps(database_dir: Path, *options: str) -> AsyncIterator[Json]:
    """Calibrate the target, and press where the command asks; a target without a probe gets an arrow there."""
    service = load_service(clean_environment(ARCH_STATS_DATABASE_DIR=str(database_dir)))
    process = await asyncio.create_subprocess_exec(
        BIN / "archstats-sensor", "calibrate", "target", "target-1", "--yes", "--json", "--wait", "30",
        "--database-dir", database_dir, *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=clean_environment(),
    )  # fmt: skip
    assert process.stdout is not None
    x = y = 0.0
    async with asyncio.timeout(120):
        async for line in process.stdout:
            step: Json = json.loads(line)
            if step["type"] == "asked":
                x, y = float(str(step["x_mm"])), float(str(step["y_mm"]))
            if step["type"] == "too_far":  # an arrow of the archer: a target may be deaf after it
                await asyncio.sleep(DEAD_TIME_S)
            if step["type"] in ("asked", "too_far"):
                await asyncio.to_thread(press, "target-1", x, y, service, as_json=True)
            yield step
        assert await process.wait() == 0


def errors(rows: list[asyncpg.Record], expected: list[Json], *, calibrated: bool) -> list[float]:
    """The distances of the stored places from the true ones."""
    true = {datetime.fromisoformat(str(line["released_at"])): line for line in expected if line["x"] is not None}
    found: list[float] = []
    for row in rows:
        near = min(true, key=lambda at: abs((at - row["arrow_disengage_time"]).total_seconds()))
        if row["x"] is None or (row["calibration_id"] is not None) is not calibrated:
            continue
        assert abs((near - row["arrow_disengage_time"]).total_seconds()) < 0.1
        found.append(math.dist((row["x"], row["y"]), (float(str(true[near]["x"])), float(str(true[near]["y"])))))
    return found


async def shoot_and_calibrate(running: SimulatedRange) -> Json:
    """Calibrate after some shots; returns the stored calibration."""
    await running.until_shots(10)
    last: Json = {}
    async for step in steps(running.database_dir):
        last = step
    assert await running.to_the_end() == 0
    return last


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_shots_equal_the_truth_once_the_target_is_calibrated(short_path: Path) -> None:
    options = ("--seed", str(SEED), "--speed", "20", "--shots", str(SHOTS), "--miscalibrate")
    async with simulated_range(short_path, *options) as running:
        calibration = await shoot_and_calibrate(running)
        expected = await truth(running)
        rows = await stored_shots(short_path)
    assert (calibration["type"], calibration["is_active"], calibration["is_accepted"]) == ("calibration", True, True)
    before, after = (errors(rows, expected, calibrated=calibrated) for calibrated in (False, True))
    assert sum(before) / len(before) > ASKEW_MM, "the target is askew"
    assert len(after) >= LEAST_HITS
    assert max(after) < SIGMAS * math.hypot(NOISE_MM, float(str(calibration["centre_error_mm"])))
    assert sum(after) / len(after) < 2 * NOISE_MM
    results = {row["arrow_disengage_time"]: row["result"] for row in rows if row["calibration_id"] is not None}
    wrong = [
        row
        for row, line in zip(rows, sorted(expected, key=lambda line: str(line["released_at"])), strict=True)
        if row["arrow_disengage_time"] in results and row["result"] != line["result"] and not row["line_call"]
    ]
    assert wrong == []


async def command(*words: object) -> str:
    """Run one command; returns its standard output."""
    process = await asyncio.create_subprocess_exec(
        BIN / "archstats-sensor", *map(str, words), stdout=asyncio.subprocess.PIPE, env=clean_environment()
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, words
    return output.decode()


async def calibrated_hits(database_dir: Path) -> list[asyncpg.Record]:
    return [
        row for row in await stored_shots(database_dir) if row["calibration_id"] is not None and row["x"] is not None
    ]


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_target_without_a_probe_is_calibrated_with_arrows(short_path: Path) -> None:
    options = (
        "--seed",
        str(SEED),
        "--speed",
        "20",
        "--shots",
        "500",
        "--miscalibrate",
        "--target",
        "target.freetarget",
    )
    last: Json = {}
    async with simulated_range(short_path, *options) as running:
        await running.until_shots(3)
        await command("session", "close", "--lane", 1, "--database-dir", short_path)
        async for step in steps(short_path, "--arrows", "--within", "60"):
            last = step
        lane = ("--lane", 1, "--face", "wa_122", "--distance", 70)
        await command("session", "open", *lane, "--database-dir", short_path)
        async with asyncio.timeout(120):
            while len(await calibrated_hits(short_path)) < FEW_HITS:
                await asyncio.sleep(0.5)
        world = ("--seed", running.start["seed"], "--start", running.start["start"], "--speed", running.start["speed"])
        true = [json.loads(line) for line in (await command("truth", *world)).splitlines()]
        hits = await calibrated_hits(short_path)
    assert (last["type"], last["is_active"], last["outlier"]) == ("calibration", True, None)
    landed = [line for line in true if line["landed_at"] is not None and line["x"] is not None]
    found = []
    for row in hits:
        near = min(landed, key=lambda line: abs(seconds_after(str(line["landed_at"]), row["arrow_landing_time"])))
        found.append(math.dist((row["x"], row["y"]), (float(str(near["x"])), float(str(near["y"])))))
    assert max(found) < SIGMAS * math.hypot(NOISE_MM, float(str(last["centre_error_mm"])))


def seconds_after(text: str, at: datetime) -> float:
    return (at - datetime.fromisoformat(text)).total_seconds()
