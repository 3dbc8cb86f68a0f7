"""One device's daemon: the reader and the writer, joined by the inbox."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from edge.common.postgres.database import Database
from edge.common.process.supervision import Supervision
from edge.sensor.headline import headline
from edge.sensor.queue.durable import Spool
from edge.sensor.queue.inbox import Inbox
from edge.sensor.queue.ledger import Watermark
from edge.sensor.queue.worker import Spooler
from edge.sensor.reader import BuildDriver, DeviceReader
from edge.sensor.status import DeviceState, Status
from edge.sensor.store import Device
from edge.sensor.writer import ReadingWriter

CLOCKS_WITHIN_S = 2.0
"""How long the device's first opening waits for the stored clocks; without them events of earlier boots stay with it."""
FINISH_WITHIN_S = 0.5
SPOOL_WITHIN_S = 0.5
READER_LOOP_S = 30.0
"""Longest round of the reader: opening has a deadline, and an open device tells something, or is silent, within seconds."""
SPOOLER_LOOP_S = 60.0
"""Longest round of the spooler: a worn SD card may take long to write."""

log = logging.getLogger(__name__)


async def run_sensor(
    database: Database,
    device: Device,
    build: BuildDriver,
    host_boot_id: UUID,
    spool: Spool,
    stop: asyncio.Event,
    supervision: Supervision | None = None,
) -> None:
    """Serve the device until ``stop``: neither a missing device nor a missing database nor a full disk ends it.

    Stops within 2 s, and closes the spool. What is neither stored nor spooled by then is not acknowledged either, so the
    device keeps it. Raises ConfigError when the settings can never work.
    """
    inbox, watermark, status = Inbox(), Watermark(), Status()
    supervision = supervision or Supervision()
    reader = DeviceReader(build, inbox, watermark, status, supervision.loop("reader", READER_LOOP_S))
    writer = ReadingWriter(
        database, device, host_boot_id, reader, inbox, spool, watermark, status, supervision.loop("writer")
    )
    spooler = Spooler(spool, host_boot_id, reader, inbox, watermark, supervision.loop("spooler", SPOOLER_LOOP_S))

    def told() -> str:
        waiting = len(inbox) + spool.size.rows
        line = headline(device.id, device.port, status, database_ok=writer.connected, waiting=waiting)
        return f"{line}; {spool.trouble}" if spool.trouble else line

    try:
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(writer.run(stop), name="writer")
            spooling = tasks.create_task(spooler.run(), name="spooler")
            reading = tasks.create_task(_read(reader, writer), name="reader")
            watched = tasks.create_task(supervision.run(told), name="supervision")
            await stop.wait()
            watched.cancel()
            supervision.stopping()
            # The driver stays open until the last acknowledgement is out; only then may reading end.
            writing.cancel()
            spooling.cancel()
            status.become(DeviceState.STOPPED)
            await writer.finish(FINISH_WITHIN_S)
            await spooler.finish(SPOOL_WITHIN_S)
            if len(inbox):
                log.warning("%d reports are neither stored nor spooled; the device sends them again", len(inbox))
            reading.cancel()
            await spool.close()  # while the port closes: each may take its time
    finally:
        await spool.close()


async def _read(reader: DeviceReader, writer: ReadingWriter) -> None:
    await writer.clocks_known(CLOCKS_WITHIN_S)
    await reader.run()
