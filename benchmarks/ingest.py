"""Readings per second through the daemon's writer: ``./dev exec python -m benchmarks.ingest [--rows 30000] [--rounds 5]``.

The floor is the same statement in batches of the same size, with arguments prepared beforehand. A second figure takes
readings from a pseudo-terminal: an emulated node in its own process senses faster than the daemon can read, and the
whole sensor daemon reads, stores and acknowledges. Its floor is the same bare statement in batches of the node's window.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import uuid4

from benchmarks.figures import Bound, Budget, Figure, options, show
from benchmarks.hub import Hub, hub, until
from benchmarks.proc import cpu_s
from drivers.contract import DeviceKind, Driver, Reading, ReadingKind, Source, Stamp
from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.embedded.cluster import DATABASE, USER
from edge.common.postgres.roles import Role
from edge.sensor.queue.durable import DurableQueue
from edge.sensor.queue.spool import Spool
from edge.sensor.reader import DeviceReader
from edge.sensor.status import Status
from edge.sensor.store import Device, SensorStore
from edge.sensor.writer import BATCH_LIMIT, ReadingWriter

WINDOW = 512
"""Events that the emulated node has in flight; sixteen times what the protocol allows."""
LEAST_ROWS = 20_000
"""Readings of one round from the pseudo-terminal: seconds, since the node prints its counters ten times a second."""
SENSED_HZ = 50_000
"""Events that the emulated node senses a second: more than any daemon reads."""
BOOT = uuid4()
DEVICE = Device("bow-1", DeviceKind.BOW, "bow.link", 1, 1.0)


def main() -> None:
    """Measure floor and writer alternately."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=30_000, help="readings of one round")
    arguments = parser.parse_args()
    with hub() as running:
        plain, ours = asyncio.run(_rounds(running, arguments.rows, arguments.rounds))
        floor, wire, cpu, resent = asyncio.run(_pty_rounds(running, max(arguments.rows, LEAST_ROWS), arguments.rounds))
    figures = [
        Figure("ingest: readings stored", "per s", ours, plain, Budget(Bound.AT_LEAST, 0.9)),
        Figure(f"ingest: from a pty, {WINDOW} in flight", "per s", wire, floor),
        Figure("ingest: from a pty, processor time of the daemon", "us a reading", cpu),
        Figure("ingest: from a pty, events re-sent", "of 100", resent),
    ]
    show(figures, arguments.json)


async def _rounds(running: Hub, rows: int, rounds: int) -> tuple[list[float], list[float]]:
    plain: list[float] = []
    ours: list[float] = []
    connection = await running.connect()
    try:
        await SensorStore(connection, DEVICE).register()
    finally:
        await connection.close()
    for number in range(rounds + 1):
        turns = [(_plain, plain), (_ours, ours)]
        for measure, results in turns if number % 2 else reversed(turns):
            results.append(rows / await measure(running, list(_readings(rows))))
    return plain[1:], ours[1:]  # the first round warms up the server


async def _pty_rounds(running: Hub, rows: int, rounds: int) -> tuple[list[float], ...]:
    """Readings per second of the floor and of the daemon, its microseconds of processor time a reading, re-sends."""
    floor: list[float] = []
    wire: list[float] = []
    cpu: list[float] = []
    resent: list[float] = []
    for number in range(rounds):
        floor.append(rows / await _plain(running, list(_readings(rows)), WINDOW))
        figures = await asyncio.to_thread(_from_pty, running, f"pty-{number}", rows)
        for values, value in zip((wire, cpu, resent), figures, strict=True):
            values.append(value)
    return floor, wire, cpu, resent


def _from_pty(running: Hub, name: str, rows: int) -> tuple[float, float, float]:
    """Readings per second between the first and the last acknowledgement, processor time of one, and re-sends."""
    port = running.folder / name
    node = [sys.executable, "-m", "benchmarks.fast_node", str(port), str(SENSED_HZ), str(WINDOW), str(rows)]
    counters: list[dict[str, float]] = []
    with subprocess.Popen(node, stdout=subprocess.PIPE, text=True) as process:
        until(port.exists, "the node's port")
        settings = {"ARCH_STATS_DRIVER": "bow.link", "ARCH_STATS_PORT": str(port)}
        spool = {"ARCH_STATS_SPOOL_DIR": f"{running.folder}/spool"}
        daemon = running.start(["archstats-sensor", "run", name], {**settings, **spool})
        spent = 0.0
        for line in process.stdout or ():  # the node prints ten times a second
            counters.append(json.loads(line))
            if not spent and counters[-1]["acknowledged"]:
                counters, spent = counters[-1:], cpu_s(daemon)
            if counters[-1]["acknowledged"] == rows:
                break
        spent = cpu_s(daemon) - spent
        running.stop(daemon)
        process.kill()
    first, last = counters[0], counters[-1]
    acknowledged = last["acknowledged"] - first["acknowledged"]
    seconds, again = last["at_s"] - first["at_s"], last["resent"] - first["resent"]
    return acknowledged / seconds, spent / acknowledged * 1e6, again / acknowledged * 100


async def _plain(running: Hub, readings: Sequence[Reading], size: int = BATCH_LIMIT) -> float:
    """Seconds for the bare statements in batches of ``size``."""
    recorder = _Recorder()
    store = SensorStore(cast("Connection", recorder), DEVICE)
    for first in range(0, len(readings), size):
        await store.write(readings[first : first + size], None)
    connection = await running.connect()
    try:
        await connection.execute("set role archstats_sensor")
        began = time.monotonic()
        for statement, arguments in recorder.calls:
            await connection.execute(statement, *arguments)
        return time.monotonic() - began
    finally:
        await connection.close()


async def _ours(running: Hub, readings: Sequence[Reading]) -> float:
    """Seconds from the first reading in the queue until the last one is committed."""
    settings = ServiceSettings(database=DatabaseSettings(user=USER, db=DATABASE, socket_dir=running.socket_dir))
    spool = Spool(Path(running.folder) / "spool", DEVICE.id, 1 << 24)
    queue, status, stop = DurableQueue(spool), Status(), asyncio.Event()
    reader = DeviceReader(_no_driver, queue, status)
    async with (
        open_database(settings, application="ingest", role=Role.SENSOR) as database,
        asyncio.TaskGroup() as tasks,
    ):
        writer = ReadingWriter(database, DEVICE, reader, queue, status)
        await spool.open_existing()
        writing = tasks.create_task(writer.run(stop))
        await writer.clocks_loaded(10.0)
        waiting = iter(readings)
        began = time.monotonic()
        held = next(waiting, None)
        while held is not None or len(queue):
            while held is not None and queue.put(held):
                held = next(waiting, None)
            await asyncio.sleep(0.001 if held is None else 0.005)
        took = time.monotonic() - began
        stop.set()
        writing.cancel()
        await spool.close()
    return took


class _Recorder:
    """Stands in for a connection and records its statements."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    async def execute(self, statement: str, *arguments: object) -> None:
        """Record a statement."""
        self.calls.append((statement, arguments))


def _readings(count: int) -> Iterator[Reading]:
    stream, now = uuid4(), datetime.now(UTC)
    tag = "e2" * 12
    for seq in range(1, count + 1):
        at = now + timedelta(milliseconds=seq)
        yield Reading(
            DEVICE.id,
            stream,
            seq,
            ReadingKind.RELEASE,
            Stamp(at, seq * 1_000_000, BOOT, 0.001),
            at,
            Source.SIMULATOR,
            tag,
        )


def _no_driver(_: object) -> Driver:
    raise AssertionError("this benchmark reads no device")


if __name__ == "__main__":
    main()
