"""Faulty lines and rebooting devices: the database still holds exactly the truth."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.blind_intervals import as_known, gap_errors, reboots_of, simulators_log
from tests.acceptance.simulated_range import Json, differences, simulated_range, stored_shots, truth

FAULTS = "drop=0.05,corrupt=0.05,duplicate=0.1,delay=0.05,split=0.2,merge=0.2,reboot=0.01"
BOTH_WAYS = ("drop", "corrupt", "duplicate", "delay", "split", "merge")
SEED = 64
"""Both devices reboot three times, early, and every fault occurs at least five times each way."""
LONG_SEEDS = (7, 166, *range(200, 220))


async def shoot(database_dir: Path, seed: int, shots: int, *, faults: str = FAULTS) -> tuple[list[str], Json]:
    """Run one range on faulty lines to its end; return the differences from the truth, and the counted faults."""
    options = ("--seed", str(seed), "--speed", "20", "--shots", str(shots), "--fault", faults)
    async with simulated_range(database_dir, *options) as running:
        status = await running.to_the_end()
        found = [] if status == 0 else [f"exit status {status}"]
        expected = await truth(running)
        found += [] if len(expected) == shots else [f"the truth has {len(expected)} releases"]
        log = simulators_log(database_dir)
        rows = await stored_shots(database_dir)
        reboots = reboots_of(log)
        found += await gap_errors(database_dir, reboots)
        return found + differences(rows, as_known(expected, rows, reboots)), log[-1]


def counted(ends: Sequence[Json]) -> dict[str, Counter[str]]:
    """The faults of all devices of all ranges, by direction."""
    sums: dict[str, Counter[str]] = {"to_hub": Counter(), "to_node": Counter(), "node": Counter()}
    for end in ends:
        devices = end["faults"]
        assert isinstance(devices, dict)
        for ways in devices.values():
            for way, faults in ways.items():
                sums[way].update(faults)
    return sums


def rarer_than(
    count: int, sums: dict[str, Counter[str]], both_ways: Sequence[str], of_the_node: Sequence[str]
) -> list[str]:
    """The faults that were too rare for the test to be meaningful."""
    wanted = [(way, fault) for way in ("to_hub", "to_node") for fault in both_ways]
    wanted += [("node", fault) for fault in of_the_node]
    return [f"{fault} {way}: {sums[way][fault]}" for way, fault in wanted if sums[way][fault] < count]


@pytest.mark.timeout(240)
async def test_faulty_lines_store_exactly_the_truth(short_path: Path) -> None:
    found, end = await shoot(short_path, SEED, 12)
    assert found == []
    assert rarer_than(3, counted([end]), BOTH_WAYS, ("reboot",)) == []


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("faults", "both_ways", "of_the_node"),
    [
        (FAULTS, BOTH_WAYS, ("reboot",)),
        (f"{FAULTS},silence=0.01,stuck=0.01,unplug=0.005", (*BOTH_WAYS, "silence", "stuck"), ("reboot", "unplug")),
    ],
)
async def test_many_seeds_on_faulty_lines_store_the_truth(
    short_path: Path, faults: str, both_ways: tuple[str, ...], of_the_node: tuple[str, ...]
) -> None:
    slots = asyncio.Semaphore(4)

    async def one(seed: int) -> tuple[list[str], Json]:
        async with slots:
            return await shoot(short_path / str(seed), seed, 24, faults=faults)

    ranges = await asyncio.gather(*(one(seed) for seed in LONG_SEEDS))
    assert {seed: found for seed, (found, _) in zip(LONG_SEEDS, ranges, strict=True)} == {s: [] for s in LONG_SEEDS}
    assert rarer_than(20, counted([end for _, end in ranges]), both_ways, of_the_node) == []
