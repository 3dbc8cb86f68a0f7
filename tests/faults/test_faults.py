"""Chaos runs: a third of a minute; with --long twenty seeds for a minute each."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.chaos_run import run_chaos, table
from tests.faults.script import FaultKind, write_script

LONG_SEEDS = tuple(range(300, 320))


def ignore(_: str) -> None:
    """Discard a line: the table repeats it."""


@pytest.mark.timeout(240)
async def test_faults_leave_no_shot_lost_duplicated_or_wrong(short_path: Path) -> None:
    run = await run_chaos(short_path, seed=21, minutes=0.3, report=ignore)
    assert run.verdict.is_clean, "\n".join(table(run))
    assert run.verdict.shots >= 8
    assert len(run.injected) >= 8
    assert FaultKind.NO_DESCRIPTORS in {injected.fault.kind for injected in run.injected}
    assert run.wire["text"] >= 1


@pytest.mark.long
@pytest.mark.timeout(5400)
async def test_twenty_seeds_of_faults_break_no_promise(short_path: Path) -> None:
    """One at a time: a device that chatters takes most of a core."""
    reports: list[str] = []
    for seed in LONG_SEEDS:
        run = await run_chaos(short_path / str(seed), seed, minutes=1.0, report=ignore)
        report = "\n".join(table(run))
        print(report)
        reports += [] if run.verdict.is_clean else [report]
    assert reports == []


def test_script_depends_only_on_the_seed() -> None:
    script = write_script(7, 60.0, has_disk=True)
    assert script == write_script(7, 60.0, has_disk=True)
    assert script != write_script(8, 60.0, has_disk=True)
    assert all(earlier.at_s <= later.at_s for earlier, later in pairwise(script))


def test_device_chatters_in_runs_of_a_minute_only() -> None:
    for seconds, times in ((59.0, 0), (60.0, 1)):
        kinds = [fault.kind for fault in write_script(3, seconds, has_disk=True)]
        assert kinds.count(FaultKind.CHATTER) == times


def test_script_without_a_small_disk_fills_none() -> None:
    kinds = {fault.kind for seed in range(20) for fault in write_script(seed, 60.0, has_disk=False)}
    assert kinds == set(FaultKind) - {FaultKind.FULL_DISK}
