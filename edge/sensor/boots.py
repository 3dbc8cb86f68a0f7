"""The daemon's record of its host's boot, and of the boots of readings that waited on the disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from drivers.clock.host import host_boot_id, host_id, host_now
from drivers.clock.instant import Instant
from edge.common.postgres.boots import RECORD_EVERY_S, STEP_S, BootRecord, record_boot, record_earlier_boot
from edge.common.postgres.connection import Connection


class BootRecorder:
    """Records this host's boot once a minute, and at once when its wall clock steps."""

    def __init__(self) -> None:
        self.record: BootRecord | None = None
        self._known: set[UUID | None] = set()
        self._recorded_at = float("-inf")
        self._offset_s = 0.0

    @property
    def warning(self) -> str | None:
        """The fault of the wall clock as last recorded; None while it is trusted."""
        return None if self.record is None else self.record.warning

    async def renew(self, connection: Connection, *, at_once: bool = False) -> None:
        """Record the boot, if it is due; ``at_once`` on a new connection, whose database may have been restored."""
        mono_s = time.monotonic()
        offset_s = time.time() - mono_s
        if at_once or mono_s >= self._recorded_at + RECORD_EVERY_S or abs(offset_s - self._offset_s) > STEP_S:
            self.record = await record_boot(connection, host_id(), *host_now().columns)
            self._recorded_at, self._offset_s, self._known = mono_s, offset_s, {host_boot_id()}

    async def take(self, connection: Connection, instants: Sequence[Instant]) -> None:
        """Record the boots of readings that are to be stored, unless they are known: in their order, before the present one."""
        if self._known.issuperset(boots := {instant.host_boot_id for instant in instants}):
            return
        spans: dict[UUID, tuple[Instant, Instant]] = {}
        for instant in instants:
            boot = instant.host_boot_id
            if boot is not None and boot not in self._known and instant.mono_ns is not None:
                first, last = spans.get(boot, (instant, instant))
                spans[boot] = (min(first, instant, key=_mono), max(last, instant, key=_mono))
        for boot, (first, last) in spans.items():
            await record_earlier_boot(
                connection, boot, host_id(), host_boot_id(), (first.at, _mono(first)), (last.at, _mono(last))
            )
        self._known |= boots


def _mono(instant: Instant) -> int:
    return instant.mono_ns or 0
