"""One device's daemon: the reader and the writer, joined by the inbox."""

from __future__ import annotations

import asyncio
from uuid import UUID

from edge.common.database import Database
from edge.common.supervision import Supervision
from edge.sensor.headline import headline
from edge.sensor.inbox import Inbox
from edge.sensor.reader import BuildDriver, DeviceReader
from edge.sensor.status import DeviceState, Status
from edge.sensor.store import Device
from edge.sensor.watermark import Watermark
from edge.sensor.writer import ReadingWriter

CLOCKS_WITHIN_S = 2.0
"""How long the device's first opening waits for the stored clocks; without them only old re-sends stay undated."""
FINISH_WITHIN_S = 0.8
READER_LOOP_S = 30.0
"""Longest round of the reader: opening has a deadline, and an open device tells something, or is silent, within seconds."""


async def run_sensor(
    database: Database,
    device: Device,
    build: BuildDriver,
    host_boot_id: UUID,
    stop: asyncio.Event,
    supervision: Supervision | None = None,
) -> None:
    """Serve the device until ``stop``: neither a missing device nor a missing database ends it.

    Stops within 2 s. What is not stored by then is not acknowledged either, so the device keeps it.
    Raises ConfigError when the settings can never work.
    """
    inbox, watermark, status = Inbox(), Watermark(), Status()
    supervision = supervision or Supervision()
    reader = DeviceReader(build, inbox, watermark, status, supervision.loop("reader", READER_LOOP_S))
    writer = ReadingWriter(database, device, host_boot_id, reader, inbox, watermark, status, supervision.loop("writer"))

    def told() -> str:
        return headline(device.id, device.port, status, database_ok=writer.connected, waiting=len(inbox))

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(writer.run(stop), name="writer")
        reading = tasks.create_task(_read(reader, writer), name="reader")
        watched = tasks.create_task(supervision.run(told), name="supervision")
        await stop.wait()
        watched.cancel()
        supervision.stopping()
        # The driver stays open until the last acknowledgement is out; only then may reading end.
        writing.cancel()
        status.become(DeviceState.STOPPED)
        await writer.finish(FINISH_WITHIN_S)
        reading.cancel()


async def _read(reader: DeviceReader, writer: ReadingWriter) -> None:
    await writer.clocks_known(CLOCKS_WITHIN_S)
    await reader.run()
