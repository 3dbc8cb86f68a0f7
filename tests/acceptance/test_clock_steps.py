"""Steps of the wall clock, on one process or on all, also while arrows fly, change no shot."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from simulators.world.instants import from_iso
from simulators.world.range import Release, World
from tests.acceptance.printed import print_errors, unrevised_prints
from tests.acceptance.simulated_range import (
    INSTANT_TOLERANCE_S,
    SimulatedRange,
    connected,
    differences,
    simulated_range,
    stored_shots,
    truth,
)
from tests.acceptance.wall_clock import WallClock
from tests.eventually import eventually

PROGRAM = (sys.executable, "-m", "tests.acceptance.programs_with_own_clocks")
RANGE = "range"
"""The started process, and PostgreSQL, which it starts."""
ALL_PROCESSES = (RANGE, "simulators", "bow-1", "target-1", "archstats-shots", "archstats-push")
STEPS_S = (3 * 3600, -2)
"""Differences from the true time, each set while an arrow flies."""


@pytest.mark.timeout(240)
async def test_stepped_clock_moves_no_shot(short_path: Path) -> None:
    """All processes, as on a hub whose clock is set; --long also steps the clock of each process alone."""
    await compare(short_path, [(ALL_PROCESSES, 3)], shots=8)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_stepped_clock_of_any_process_moves_no_shot(short_path: Path) -> None:
    stepped = (ALL_PROCESSES, *((name,) for name in ALL_PROCESSES))
    await compare(short_path, [(names, seed) for seed in (300, 301) for names in stepped], shots=12)


async def compare(folder: Path, cases: list[tuple[tuple[str, ...], int]], *, shots: int) -> None:
    """Compare ranges with the truth, three at a time. A case is the processes with a stepped clock, and the seed."""
    slots = asyncio.Semaphore(3)

    async def one(stepped_processes: tuple[str, ...], seed: int) -> list[str]:
        async with slots:
            return await shoot_and_step(
                folder / f"{len(stepped_processes)}-{stepped_processes[0]}-{seed}",
                stepped_processes,
                seed=seed,
                shots=shots,
            )

    found = await asyncio.gather(*(one(*case) for case in cases))
    assert dict(zip(cases, found, strict=True)) == {case: [] for case in cases}


async def shoot_and_step(database_dir: Path, stepped_processes: tuple[str, ...], *, seed: int, shots: int) -> list[str]:
    """Run one range to its end; return the effects of the stepped clock."""
    database_dir.mkdir(exist_ok=True)
    clock = WallClock(database_dir / "wall-clock")
    environment = {"CLOCK": json.dumps(clock.environment), "CLOCK_FOR": " ".join(stepped_processes)}
    environment |= clock.environment if RANGE in stepped_processes else {}
    options = ("--seed", str(seed), "--speed", "20", "--shots", str(shots))
    async with simulated_range(database_dir, *options, program=PROGRAM, environment=environment) as running:
        assert await running.next_line() is not None
        async with asyncio.TaskGroup() as tasks:
            stepping = tasks.create_task(step_in_flight(running, clock))
            status = await running.to_the_end()
        stepped = stepping.result()
        found = [] if status == 0 else [f"exit status {status}"]
        expected = await truth(running)
        found += [] if len(expected) == shots else [f"the truth has {len(expected)} releases"]
        rows = await stored_shots(database_dir)
        found += differences(rows, expected) or wrong_flight_times(rows, stepped)
        found += corrected(running, stepped[0])
        found += print_errors(running, rows) + unrevised_prints(running, rows)
        found += await wrong_instants(running)
        if not found and {"bow-1", "target-1"} & set(stepped_processes):
            found += await not_stepped(database_dir, stepped)
        return found


def corrected(running: SimulatedRange, first: Release) -> list[str]:
    """Shots since the first step that were printed with two verdicts; on a busy machine an earlier shot may time out."""
    since = datetime.fromtimestamp(first.released_us / 1e6 - INSTANT_TOLERANCE_S, UTC)
    verdicts_of: dict[object, list[str]] = {}
    for line in running.lines:
        released_at = line.get("arrow_disengage_time")
        if released_at is not None and datetime.fromisoformat(str(released_at)) >= since:
            verdicts_of.setdefault(line["id"], []).append(f"{line['result']} {line['points']} {line['arrow_id']}")
    return [f"corrected: {' -> '.join(verdicts)}" for verdicts in verdicts_of.values() if len(verdicts) > 1]


async def step_in_flight(running: SimulatedRange, clock: WallClock) -> list[Release]:
    """Step the clock while arrows fly that will land, once every process runs; return those arrows."""
    await eventually(lambda: bool(running.shots), within_s=60.0)
    facts = running.start
    world = World(int(str(facts["seed"])), from_iso(str(facts["start"])), float(str(facts["speed"])))
    stepped: list[Release] = []
    for seconds in STEPS_S:
        now_us = time.time_ns() // 1000
        upcoming = world.releases(1, now_us, now_us + 60_000_000)
        release = next(r for r in upcoming if r.landed_us is not None)
        await asyncio.sleep((release.released_us - now_us) / 1e6 + flight_s(release) / 2)
        clock.step(seconds)
        stepped.append(release)
    return stepped


def wrong_flight_times(rows: list[asyncpg.Record], stepped: list[Release]) -> list[str]:
    """Missing and wrong flight times."""
    found = []
    for row in rows:
        if row["arrow_landing_time"] is None or "clock" in row["flags"]:
            continue
        flown = (row["arrow_landing_time"] - row["arrow_disengage_time"]).total_seconds()
        if row["tof_s"] is None or abs(row["tof_s"] - flown) > 1e-5:
            found.append(f"{row['id']}: flew {row['tof_s']} s, its instants lie {flown} s apart")
    for release in stepped:
        row = row_of(release, rows)
        flown = flight_s(release)
        if row["tof_s"] is None or abs(row["tof_s"] - flown) > INSTANT_TOLERANCE_S:
            found.append(f"{row['id']}: flew {row['tof_s']} s, in truth {flown} s, while the clock was stepped")
    return found


def row_of(release: Release, rows: list[asyncpg.Record]) -> asyncpg.Record:
    """The row with the nearest instant of release."""
    released_at = datetime.fromtimestamp(release.released_us / 1e6, UTC)
    return min(rows, key=lambda row: abs(row["arrow_disengage_time"] - released_at))


def flight_s(release: Release) -> float:
    """The true flight time."""
    assert release.landed_us is not None
    return (release.landed_us - release.released_us) / 1e6


async def wrong_instants(running: SimulatedRange) -> list[str]:
    """Instants of the session and its ends that the step moved."""
    since, until = datetime.fromisoformat(str(running.start["start"])), datetime.now(UTC)
    async with connected(running.database_dir) as connection:
        rows = await connection.fetch(
            """
            select 'session' as name, start_time as since, end_time as until from sessions
            union all select 'end ' || number, opened_at, closed_at from ends
            """
        )
    return [
        f"{row['name']}: {row['since']} to {row['until']}"
        for row in rows
        if not (since <= row["since"] <= (row["until"] or until) <= until)
    ]


async def not_stepped(database_dir: Path, stepped: list[Release]) -> list[str]:
    """Report when release and landing of every arrow were dated by the same wall clock: the test then shows nothing."""
    async with connected(database_dir) as connection:
        rows = await connection.fetch(
            """
            select arrow_disengage_time, bow.at as released_at, target.at as landed_at
            from shots
            join readings bow on (bow.device_id, bow.stream_id, bow.seq)
                = (release_device_id, release_stream_id, release_seq)
            join readings target on (target.device_id, target.stream_id, target.seq)
                = (landing_device_id, landing_stream_id, landing_seq)
            """
        )
    apart = {}
    for release in stepped:
        row = row_of(release, rows)
        apart[release.shot] = (row["landed_at"] - row["released_at"]).total_seconds() - flight_s(release)
    return [] if any(abs(seconds) > 1.0 for seconds in apart.values()) else [f"no clock was stepped: {apart}"]
