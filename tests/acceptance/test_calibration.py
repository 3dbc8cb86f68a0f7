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
ASKEW_MM = 4.0
"""Least mean error of the shots before it."""
SIGMAS = 5.0


async def steps(database_dir: Path) -> AsyncIterator[Json]:
    """Calibrate the target, and press where the command asks."""
    service = load_service(clean_environment(ARCH_STATS_DATABASE_DIR=str(database_dir)))
    process = await asyncio.create_subprocess_exec(
        BIN / "archstats-sensor", "calibrate", "target", "target-1", "--yes", "--json", "--wait", "30",
        "--database-dir", database_dir,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=clean_environment(),
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(120):
        async for line in process.stdout:
            step: Json = json.loads(line)
            if step["type"] == "asked":
                x, y = float(str(step["x_mm"])), float(str(step["y_mm"]))
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
