"""The database holds exactly what the simulated archer shot."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.printed import not_taken_back, told_wrongly
from tests.acceptance.simulated_range import differences, simulated_range, stored_shots, truth

SHOTS = 12
SEEDS = (1, 2, 3)
LONG_SEEDS = tuple(range(100, 120))


async def shoot(database_dir: Path, seed: int) -> list[str]:
    """One range to its end; returns how its database differs from the truth."""
    options = ("--seed", str(seed), "--speed", "20", "--shots", str(SHOTS))
    async with simulated_range(database_dir, *options) as running:
        status = await running.to_the_end()
        found = [] if status == 0 else [f"exit status {status}"]
        expected = await truth(running)
        found += [] if len(expected) == SHOTS else [f"the truth has {len(expected)} releases"]
        rows = await stored_shots(database_dir)
        return found + differences(rows, expected) + told_wrongly(running, rows) + not_taken_back(running, rows)


@pytest.mark.timeout(240)
async def test_three_seeds_leave_exactly_the_truth(short_path: Path) -> None:
    found = await asyncio.gather(*(shoot(short_path / str(seed), seed) for seed in SEEDS))
    assert dict(zip(SEEDS, found, strict=True)) == {seed: [] for seed in SEEDS}


@pytest.mark.long
@pytest.mark.timeout(1500)
async def test_twenty_seeds_leave_exactly_the_truth(short_path: Path) -> None:
    abreast = asyncio.Semaphore(4)

    async def one(seed: int) -> list[str]:
        async with abreast:
            return await shoot(short_path / str(seed), seed)

    found = await asyncio.gather(*(one(seed) for seed in LONG_SEEDS))
    assert dict(zip(LONG_SEEDS, found, strict=True)) == {seed: [] for seed in LONG_SEEDS}
