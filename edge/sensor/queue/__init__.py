"""The durable queue between a device and the database: memory, disk, and the ledger of the device's streams."""

from __future__ import annotations

from edge.sensor.queue.durable import Batch, DurableQueue
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.ledger import DeviceLedger, MissingEvents
from edge.sensor.queue.spool import Spool
from edge.sensor.queue.worker import DiskWorker

__all__ = ["Batch", "DeviceLedger", "DiskWorker", "DurableQueue", "MissingEvents", "Spool", "Storable"]
