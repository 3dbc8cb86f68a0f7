"""The daemon while the database is away or frozen: no reading is lost, and the order is kept."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.sensor.queue.disk import SpoolFile
from edge.sensor.queue.worker import PATIENCE_S
from tests.edge.sensor.busy_range import NAME, BusyRange, busy_range, complete_and_in_order, stored
from tests.eventually import eventually
from tests.proxy import Proxy, database_proxy
from tests.timing import limit_s

RATE_HZ = 100.0
MEMORY_KB = 10 * 1024


@pytest.fixture
async def proxy(database_settings: ServiceSettings) -> AsyncIterator[Proxy]:
    async with database_proxy(database_settings) as started:
        yield started


@pytest.fixture
async def busy(tmp_path: Path, database_settings: ServiceSettings, proxy: Proxy) -> AsyncIterator[BusyRange]:
    async with busy_range(tmp_path, database_settings, proxy) as running:
        yield running


def spooled(busy: BusyRange) -> int:
    """Number of rows on the disk, as the next daemon finds them."""
    file = SpoolFile(busy.spool_dir, NAME, 1 << 28)
    try:
        file.open_existing()
        return file.size().rows
    finally:
        file.close()


async def outage(busy: BusyRange, connection: Connection, how: str, for_s: float, current_again_s: float) -> int:
    """Disconnect the database and bring it back; the device must not notice. Return the number of its last event."""
    await stored(connection, 100)
    before_kb = busy.memory_kb("VmRSS")
    Path(f"/proc/{busy.daemon.child.pid}/clear_refs").write_text("5")  # reset the high-water mark
    if how == "refused":
        await busy.proxy.refuse()
    else:
        busy.proxy.freeze()
    began = time.monotonic()
    await busy.acknowledged(round((for_s - PATIENCE_S) * RATE_HZ * 0.5), for_s + 60)
    await asyncio.sleep(began + for_s - time.monotonic())  # the length of the outage
    in_database = await connection.fetchval("select max(seq) from readings")
    await eventually(lambda: busy.progress()["acknowledged"] > in_database, 60)  # events that are only on the disk
    if how == "refused":
        await busy.proxy.accept()
    else:
        busy.proxy.thaw()
    back = time.monotonic()
    due = busy.progress()["last"]
    async with asyncio.timeout(60):
        while await connection.fetchval("select max(seq) from readings") < due:
            await asyncio.sleep(0.05)
    assert time.monotonic() - back < current_again_s
    await eventually(lambda: not (busy.spool_dir / f"{NAME}.spool").exists(), 20)
    grown_kb = busy.memory_kb("VmHWM") - before_kb
    assert grown_kb < MEMORY_KB, f"{before_kb} kB before, {grown_kb} kB more at the most"
    last = await busy.finish_sensing()
    await stored(connection, last)
    return last


FULL_SIZE = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("how", "for_s"),
    [
        ("frozen", 4.0),
        pytest.param("refused", 5.0, marks=pytest.mark.long),  # and tests/acceptance/test_outage.py
        pytest.param("refused", 600.0, marks=FULL_SIZE),
        pytest.param("frozen", 600.0, marks=FULL_SIZE),
    ],
)
async def test_outage_of_the_database_loses_nothing(
    busy: BusyRange, connection: Connection, how: str, for_s: float, pytestconfig: pytest.Config
) -> None:
    await busy.start_node(RATE_HZ)
    await busy.start_daemon()
    last = await outage(busy, connection, how, for_s, limit_s(pytestconfig, 10.0))
    await complete_and_in_order(connection, last)
    assert await connection.fetchval("select count(*) from readings") == last


async def test_nothing_is_written_to_the_disk_without_an_outage(busy: BusyRange, connection: Connection) -> None:
    await busy.start_node(20.0)
    await busy.start_daemon()
    for count in (20, 80, 140):  # a machine that stalls for seconds looks like an outage
        await stored(connection, count)
        before, stalls = busy.written_bytes(), stalled(busy)
        await stored(connection, count + 40)
        if stalled(busy) == stalls and not (busy.spool_dir / f"{NAME}.spool").exists():
            break
    assert busy.written_bytes() == before
    assert [path.name for path in busy.spool_dir.iterdir()] == [f"{NAME}.lock"]


def stalled(busy: BusyRange) -> int:
    """Number of times the daemon found the database too slow."""
    return sum("readings are now written to the disk" in line for line in busy.daemon.lines)


async def test_acknowledged_events_survive_daemon_and_device(busy: BusyRange, connection: Connection) -> None:
    await busy.start_node(RATE_HZ)
    await busy.start_daemon()
    await stored(connection, 20)
    await busy.proxy.refuse()
    await busy.acknowledged(100)
    busy.daemon.kill()
    await busy.daemon.ended()
    busy.port.unlink()  # the number of this terminal is soon reused by another test
    busy.node.kill()  # and with it every unacknowledged event
    await busy.node.ended()
    node = busy.progress()
    await busy.proxy.accept()
    await busy.start_daemon()
    await stored(connection, node["acknowledged"])
    await stored(connection, node["contiguous"], up_to=node["contiguous"])
    await complete_and_in_order(connection, node["contiguous"])
    async with asyncio.timeout(30):
        while await connection.fetchval("select state from device_status") not in ("starting", "waiting"):
            await asyncio.sleep(0.05)
    assert await connection.fetchval("select count(*) from readings") >= node["acknowledged"]


async def test_stopping_daemon_spools_its_readings(
    busy: BusyRange, connection: Connection, pytestconfig: pytest.Config
) -> None:
    await busy.start_node(RATE_HZ)
    await busy.start_daemon()
    await stored(connection, 20)
    await busy.proxy.refuse()
    sensed = busy.progress()["last"]
    await eventually(lambda: busy.progress()["last"] >= sensed + round(RATE_HZ * PATIENCE_S / 4), 60)
    began = time.monotonic()
    busy.daemon.kill(signal.SIGTERM)
    assert await busy.daemon.ended() == 0
    assert time.monotonic() - began < limit_s(pytestconfig, 2.5)
    assert spooled(busy) > 0
    await busy.proxy.accept()
    await busy.start_daemon()
    last = await busy.finish_sensing()
    await stored(connection, last)
    await complete_and_in_order(connection, last)
