"""Under fire for half a minute; with --long twenty seeds for a minute each."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.chaos_run import fight
from tests.faults.script import write_script
from tests.faults.table import table

LONG_SEEDS = tuple(range(300, 320))


def silent(_: str) -> None:
    """The table tells it."""


@pytest.mark.timeout(240)
async def test_under_fire_nothing_is_lost_doubled_wrong_or_hung(short_path: Path) -> None:
    battle = await fight(short_path, seed=4, minutes=0.3, tell=silent)
    assert battle.verdict.is_clean, "\n".join(table(battle))
    assert battle.verdict.shots >= 8
    assert len(battle.struck) >= 8


@pytest.mark.long
@pytest.mark.timeout(5400)
async def test_twenty_seeds_under_fire(short_path: Path) -> None:
    abreast = asyncio.Semaphore(3)

    async def one(seed: int) -> str:
        async with abreast:
            battle = await fight(short_path / str(seed), seed, minutes=1.0, tell=silent)
            report = "\n".join(table(battle))
            print(report)
            return "" if battle.verdict.is_clean else report

    reports = await asyncio.gather(*(one(seed) for seed in LONG_SEEDS))
    assert "".join(reports) == ""


def test_a_script_is_the_seeds_own() -> None:
    script = write_script(7, 60.0, has_disk=True)
    assert script == write_script(7, 60.0, has_disk=True)
    assert script != write_script(8, 60.0, has_disk=True)
    assert all(earlier.at_s <= later.at_s for earlier, later in pairwise(script))


def test_without_a_small_disk_none_is_filled() -> None:
    kinds = {blow.kind for seed in range(20) for blow in write_script(seed, 60.0, has_disk=False)}
    assert "full disk" not in kinds
    assert kinds >= {"kill", "stop", "restart", "cut", "delay", "freeze", "half-close", "terminate backends"}
