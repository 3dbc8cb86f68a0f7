"""Processes killed at random instants and restarted: exactly the truth, and every event once, in order."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from edge.common.postgres.connection import DATABASE_FAULTS
from tests.acceptance.killer import Killer
from tests.acceptance.printed import print_errors
from tests.acceptance.resuming_client import ResumingClient
from tests.acceptance.simulated_range import (
    INSTANT_TOLERANCE_S,
    SimulatedRange,
    connected,
    differences,
    simulated_range,
    stored_shots,
    truth,
)
from tests.eventually import eventually

SETTLED_WITHIN_S = 60.0
"""Longest wait after the last kill until every process runs, late readings are stored and timed-out shots corrected."""
LONG_SEEDS = tuple(range(200, 208))


@pytest.mark.timeout(240)
async def test_kills_lose_no_shot_and_repeat_no_event(short_path: Path) -> None:
    assert await shoot_and_kill(short_path, seed=5, kills=6, pauses_s=(0.5, 3.0), shots=8) == []


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_many_kills_with_many_seeds(short_path: Path) -> None:
    slots = asyncio.Semaphore(2)

    async def one(seed: int) -> list[str]:
        async with slots:
            return await shoot_and_kill(short_path / str(seed), seed=seed, kills=30, pauses_s=(0.05, 4.0), shots=30)

    found = await asyncio.gather(*(one(seed) for seed in LONG_SEEDS))
    assert dict(zip(LONG_SEEDS, found, strict=True)) == {seed: [] for seed in LONG_SEEDS}


async def shoot_and_kill(
    database_dir: Path, *, seed: int, kills: int, pauses_s: tuple[float, float], shots: int
) -> list[str]:
    """Run a range with at least this many shots and kills; return the differences from an undisturbed one."""
    options = ("--seed", str(seed), "--speed", "20", "--assemblers", "2")
    async with simulated_range(database_dir, *options) as running:
        client, killer = ResumingClient(running.port), Killer(running, seed, kills, pauses_s)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(client.run())
            await eventually(lambda: client.streams > 0, within_s=60.0)
            killing = tasks.create_task(killer.run())
            while not killing.done() or len(running.shots) < shots:
                assert await running.next_line() is not None, f"ended after {len(running.shots)} shots"
            events: list[str] = []
            with suppress(TimeoutError):  # the differences are reported below
                async with asyncio.timeout(SETTLED_WITHIN_S):
                    events = await settled(running, client)
            events = events or await stored_events(database_dir)
            reading.cancel()
        running.process.send_signal(signal.SIGTERM)
        status = await running.to_the_end()
        found = [] if status == 0 else [f"exit status {status}"]
        expected = await truth(running)
        found += [] if len(expected) >= shots - 2 else [f"only {len(expected)} of at least {shots} shots are decided"]
        # Stored instants may be off by the tolerance; the arrows of one archer are much further apart.
        until = datetime.fromisoformat(str(running.lines[-1]["until"])) - timedelta(seconds=INSTANT_TOLERANCE_S)
        rows = [row for row in await stored_shots(database_dir) if row["arrow_disengage_time"] < until]
        found += differences(rows, expected) + client.differences(events)
        found += [] if client.streams > 1 else ["the client never lost its stream"]
        found += print_errors(running, rows)
        return [*found, f"killed: {killer.killed}"] if found else []


async def settled(running: SimulatedRange, client: ResumingClient) -> list[str]:
    """Wait until every device's watermark is current and no timed-out shot awaits its correction.

    Return all events once the client has received them. The caller sets the time limit.
    """
    while True:
        with suppress(*DATABASE_FAULTS):  # the last victim may have been the server
            async with connected(running.database_dir) as connection:
                unsure = await connection.fetchval(
                    """
                    select (select count(*) from shots where result = 'unknown')
                         + (select count(*) from devices d left join device_status s on s.device_id = d.id
                            where s.watermark is null or s.watermark < clock_timestamp() - interval '3 s')
                    """
                )
                events = await stored_events(running.database_dir, connection)
            if not unsure and client.is_past(events):
                return events
        await asyncio.sleep(0.2)


async def stored_events(database_dir: Path, connection: asyncpg.Connection[asyncpg.Record] | None = None) -> list[str]:
    """The public ids of all events, in order."""
    if connection is None:
        async with connected(database_dir) as opened:
            return await stored_events(database_dir, opened)
    rows = await connection.fetch(
        "select epoch || '-' || xid || '-' || id as name from installation, events order by xid, id"
    )
    return [row["name"] for row in rows]
