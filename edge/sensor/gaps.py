"""Gaps in a device's events: reports what holds back the watermark, and gives up events that are lost."""

from __future__ import annotations

import logging
import time
from typing import Final

from edge.common.advice import as_typed
from edge.sensor.queue.durable import DurableQueue
from edge.sensor.status import Status
from edge.sensor.store import SensorStore

SETTLED_INTERVAL_S: Final = 3.0
"""Interval between checks, while the watermark is held back, whether the operator has settled a quarantined row."""
GAP_REPORTED_S: Final = 5.0
"""Time after which a gap is reported to the operator: a repeated event usually closes it sooner."""

log = logging.getLogger(__name__)


class GapMonitor:
    """Watches the ledger of one device.

    A gap is stored in ``device_gaps`` before the watermark passes it.
    """

    def __init__(self, device_id: str, queue: DurableQueue, status: Status) -> None:
        self._device_id = device_id
        self._queue = queue
        self._status = status
        self._awaiting = False
        """The status reports an open gap."""
        self._settled_read_at = float("-inf")
        self._complete_at = time.monotonic()

    async def check(self, store: SensorStore) -> None:
        """Pass settled rows, give up lost events, and report a gap that stays open."""
        await self._pass_settled(store)
        await self._give_up_lost(store)
        self._report_gap()

    async def _pass_settled(self, store: SensorStore) -> None:
        ledger = self._queue.ledger
        if self._settled_read_at + SETTLED_INTERVAL_S > time.monotonic() or not (
            streams := ledger.incomplete_streams()
        ):
            return
        self._settled_read_at = time.monotonic()
        self._queue.settle(await store.settled(streams))

    async def _give_up_lost(self, store: SensorStore) -> None:
        ledger = self._queue.ledger
        missing = self._queue.missing_events()
        if missing is None or await store.has_unsettled(missing.streams):
            return
        gap = ledger.describe_gap() or "the start of its stream"
        await store.write_lost_events(ledger.watermark, missing.until, f"the device no longer has {gap}")
        self._queue.give_up(missing)
        self._awaiting = False
        self._status.gap = f"{self._device_id} no longer has {gap}, and they are not in this database"
        self._status.gap_hint = "Misses until then are unknown. The database was restored, the node was used at another hub, or its memory was full."
        log.error("%s. %s", self._status.gap, self._status.gap_hint)

    def _report_gap(self) -> None:
        """Report an open gap once it lasts. Lost events stay reported until the daemon ends."""
        gap, now = self._queue.ledger.describe_gap(), time.monotonic()
        if gap is None:
            self._complete_at = now
            if self._awaiting:
                self._status.gap = self._status.gap_hint = None
            self._awaiting = False
        elif self._complete_at + GAP_REPORTED_S <= now:
            self._awaiting = True
            self._status.gap = f"misses cannot be confirmed: {gap} is not stored yet"
            self._status.gap_hint = as_typed(
                "It is in the device, on the disk or in the quarantine; `archstats-sensor quarantine list` shows the latter."
            )
