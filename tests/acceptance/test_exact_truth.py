"""The database holds exactly the shots of the simulated archer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.printed import print_errors, unrevised_prints
from tests.acceptance.simulated_range import differences, simulated_range, stored_shots, truth

SHOTS = 12
SEED = 183
"""Its first shots have all four results: hit, miss, off the face, not shot."""
LONG_SEEDS = (1, 2, 3, *range(100, 120))


def is_exposed(path: Path) -> bool:
    """Whether others than the owner have a right; also the umask of the range is that of a careless shell."""
    return not path.is_symlink() and path.exists() and bool(path.stat().st_mode & 0o077)


async def shoot(database_dir: Path, seed: int) -> list[str]:
    """Run one range to its end; return the differences between its database and the truth."""
    options = ("--seed", str(seed), "--speed", "20", "--shots", str(SHOTS))
    async with simulated_range(database_dir, *options) as running:
        status = await running.to_the_end()
        found = [] if status == 0 else [f"exit status {status}"]
        expected = await truth(running)
        found += [] if len(expected) == SHOTS else [f"the truth has {len(expected)} releases"]
        rows = await stored_shots(database_dir)
        found += [f"other users may use {path}" for path in database_dir.rglob("*") if is_exposed(path)]
        return found + differences(rows, expected) + print_errors(running, rows) + unrevised_prints(running, rows)


@pytest.mark.timeout(240)
async def test_every_result_is_stored_exactly_as_in_truth(short_path: Path) -> None:
    assert await shoot(short_path, SEED) == []


@pytest.mark.long
@pytest.mark.timeout(1500)
async def test_many_seeds_store_exactly_the_truth(short_path: Path) -> None:
    slots = asyncio.Semaphore(4)

    async def one(seed: int) -> list[str]:
        async with slots:
            return await shoot(short_path / str(seed), seed)

    found = await asyncio.gather(*(one(seed) for seed in LONG_SEEDS))
    assert dict(zip(LONG_SEEDS, found, strict=True)) == {seed: [] for seed in LONG_SEEDS}
