"""One device's daemon: reader, writer and disk worker around one durable queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from edge.common.postgres.database import Database
from edge.common.process.supervision import Supervision
from edge.common.vocabulary import DeviceState
from edge.sensor.commands import CommandRunner
from edge.sensor.queue.durable import DurableQueue
from edge.sensor.queue.spool import Spool
from edge.sensor.queue.worker import DiskWorker
from edge.sensor.reader import BuildDriver, DeviceReader
from edge.sensor.status import Status, headline
from edge.sensor.store import Device
from edge.sensor.writer import ReadingWriter

if TYPE_CHECKING:
    from edge.sensor.lights import LightPins

CLOCKS_WITHIN_S: Final = 2.0
"""Longest wait of the device's first opening for the stored clocks; without them events of earlier boots stay in it."""
FINISH_WITHIN_S: Final = 0.5
SPOOL_WITHIN_S: Final = 0.5
READER_LOOP_S: Final = 30.0
"""Longest round of the reader: opening has a deadline, and an open device reports or is silent within seconds."""
DISK_LOOP_S: Final = 60.0
"""Longest round of the disk worker: a worn SD card may be slow."""

log = logging.getLogger(__name__)


async def run_sensor(
    database: Database,
    device: Device,
    build: BuildDriver,
    spool: Spool,
    stop: asyncio.Event,
    supervision: Supervision | None = None,
    lights: LightPins | None = None,
) -> None:
    """Serve the device until ``stop``; a missing device, a missing database or a full disk does not end it.

    Stops within 2 s, and closes the spool. Readings that are then neither stored nor spooled are not acknowledged, so
    the device keeps them. Raises ConfigError when the settings can never work.
    """
    queue, status = DurableQueue(spool), Status()
    supervision = supervision or Supervision()
    reader = DeviceReader(build, queue, status, supervision.loop("reader", READER_LOOP_S))
    queue.on_durable(reader.acknowledge)
    commands = CommandRunner(database, device.id, reader, status, supervision.loop("commands"))
    doorbells = {commands.channel: commands.ring}
    writer = ReadingWriter(database, device, reader, queue, status, supervision.loop("writer"), doorbells)
    # Without the database the settings wait: the writer rings when it has connected.
    reader.on_open(lambda: commands.look_at_opened() if writer.connected else None)
    worker = DiskWorker(queue, reader.remember, supervision.loop("disk", DISK_LOOP_S))

    def status_line() -> str:
        line = headline(device.id, device.port, status, database_ok=writer.connected, waiting=len(queue))
        return f"{line}; {spool.error}" if spool.error else line

    def is_storable() -> bool:
        return writer.connected or spool.error is None

    try:
        async with asyncio.TaskGroup() as tasks:
            shining = tasks.create_task(_show(lights, device.id, status, is_storable), name="lights")
            writing = tasks.create_task(writer.run(stop), name="writer")
            spooling = tasks.create_task(worker.run(), name="disk")
            reading = tasks.create_task(_read(reader, writer), name="reader")
            commanding = tasks.create_task(commands.run(), name="commands")
            watched = tasks.create_task(supervision.run(status_line), name="supervision")
            await stop.wait()
            watched.cancel()
            shining.cancel()
            supervision.stopping()
            # The driver stays open until the last acknowledgement is sent; only then may reading end.
            writing.cancel()
            commanding.cancel()
            spooling.cancel()
            status.set_state(DeviceState.STOPPED)
            await asyncio.gather(writer.finish(FINISH_WITHIN_S), commands.finish(FINISH_WITHIN_S))
            await worker.finish(SPOOL_WITHIN_S)
            if left := len(queue.inbox):
                log.warning("%d reports are neither stored nor spooled; the device sends them again", left)
            reading.cancel()
            await spool.close()  # while the port closes: each may take its time
    finally:
        await spool.close()


async def _read(reader: DeviceReader, writer: ReadingWriter) -> None:
    await writer.clocks_loaded(CLOCKS_WITHIN_S)
    await reader.run()


async def _show(pins: LightPins | None, device_id: str, status: Status, is_storable: Callable[[], bool]) -> None:
    if pins is not None:
        from edge.sensor.lights import LightKeeper  # a daemon without lights keeps no code for them

        await LightKeeper(pins, device_id, status, is_storable).run()
