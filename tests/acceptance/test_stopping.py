"""Ctrl-C ends the whole range quickly and cleanly, and leaves no process behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.acceptance.simulated_range import (
    INSTANT_TOLERANCE_S,
    SimulatedRange,
    connected,
    descendants,
    differences,
    simulated_range,
    stored_shots,
    truth,
)
from tests.eventually import eventually


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)],  # test_killed ends its range by SIGTERM too
)
async def test_signals_end_the_range_within_three_seconds(
    short_path: Path, number: signal.Signals, pytestconfig: pytest.Config
) -> None:
    """Three seconds with --long; more beside other tests, which share the machine."""
    within_s = 3.0 if pytestconfig.getoption("--long") else 10.0
    async with simulated_range(short_path, "--seed", "8", "--speed", "20") as running:
        await running.until_shots(3)
        await until_watermarks(short_path)
        processes = descendants(running.process.pid)
        assert len(processes) >= 5
        began = time.monotonic()
        os.kill(running.process.pid, number)
        assert await running.to_the_end() == 0
        assert time.monotonic() - began < within_s
        assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []
        expected = await truth(running)
        assert len(expected) >= 3
        # Stored instants may be off by the tolerance; the arrows of one archer are much further apart.
        until = datetime.fromisoformat(str(running.lines[-1]["until"])) - timedelta(seconds=INSTANT_TOLERANCE_S)
        rows = [row for row in await stored_shots(short_path) if row["arrow_disengage_time"] < until]
        assert differences(rows, expected) == []


async def shown_in_another_shell(running: SimulatedRange) -> str:
    """The operator's address, asked for without the settings of the range."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("archstats-sensor"), "address", "--operator", "--json",
        "--database-dir", str(running.database_dir), stdout=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("ARCH_STATS_")},
    )  # fmt: skip
    output, _ = await process.communicate()
    return str(json.loads(output)["page"])


async def check_access(running: SimulatedRange) -> None:
    """Fail unless the page is open for every machine, and changes of another one need the range's token."""
    token_file = running.database_dir / "operator-token"
    assert token_file.stat().st_mode & 0o777 == 0o600, "whatever the umask"
    token = token_file.read_text().strip()
    assert str(running.start["page"]).endswith(f":{running.port}/")
    assert await shown_in_another_shell(running) == f"{running.start['page']}#operator={token}"
    other = {"x-forwarded-for": "192.0.2.9"}
    async with httpx.AsyncClient(base_url=str(running.start["page"]), timeout=30) as client:
        assert (await client.get("/api/v0/live")).status_code == 200
        statuses = [
            (await client.post("/api/v0/archer", json={"name": "Kim"}, headers={**other, **given})).status_code
            for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Bearer {token}"})
        ]
    assert statuses == [401, 401, 201]
    for pid in descendants(running.process.pid):
        for part in ("cmdline", "environ"):
            assert token.encode() not in Path(f"/proc/{pid}/{part}").read_bytes()
    for log in (running.database_dir / "logs").glob("*.log"):
        assert token not in log.read_text()


async def test_second_range_is_refused_and_a_killed_one_is_replaced(short_path: Path) -> None:
    """After the kill of the range's first process all others end; after the kill of all the folder is usable again."""
    async with simulated_range(short_path, "--seed", "8", "--speed", "20") as running:
        await running.until_shots(1)
        async with simulated_range(short_path, "--seed", "9") as second:
            assert await second.to_the_end() == 1
            assert second.lines == []
        await running.until_shots(2)
        await check_access(running)
        processes = descendants(running.process.pid)
        os.kill(running.process.pid, signal.SIGKILL)
        await running.process.wait()
        await eventually(lambda: not any(map(alive, processes)), within_s=30.0)
    async with simulated_range(short_path, "--seed", "8", "--speed", "20") as running:
        await running.until_shots(1)
        for pid in [*descendants(running.process.pid), running.process.pid]:
            os.kill(pid, signal.SIGKILL)
        await running.process.wait()
    async with simulated_range(short_path, "--seed", "9", "--speed", "20", "--shots", "2") as again:
        assert await again.to_the_end() == 0
        assert len(again.shots) == 2


async def until_watermarks(database_dir: Path) -> None:
    """Wait until every device has a watermark: daemons that started late report shots before it."""
    async with connected(database_dir) as connection, asyncio.timeout(30):
        while await connection.fetchval("select count(*) from device_status where watermark is null"):
            await asyncio.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process runs and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
