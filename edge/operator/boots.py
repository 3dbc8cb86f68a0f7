"""The operator's record of this host's boot, before an instant of it is stored."""

from __future__ import annotations

from drivers.clock.host import host_id, host_now
from drivers.clock.instant import Instant
from edge.common.postgres.boots import BootRecord, record_boot
from edge.common.postgres.connection import Connection


async def record_this_boot(connection: Connection) -> BootRecord | None:
    """Record both clocks of this host, and return the record of its boot."""
    return await record_boot(connection, host_id(), *host_now().columns)


def dated(now: Instant, boot: BootRecord | None) -> Instant:
    """An instant of this boot as its sessions are dated."""
    if boot is None or now.mono_ns is None:
        return now
    return Instant(boot.utc_of(now.at, now.mono_ns), now.mono_ns, now.host_boot_id)
