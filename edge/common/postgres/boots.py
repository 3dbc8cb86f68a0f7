"""The record of this host's boot: its place in the order of boots, and whether its wall clock is behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import BootClock

RECORD_EVERY_S: Final = 60.0
"""Interval between two records of a host's clocks: one write a minute wears no SD card."""
STEP_S: Final = 1.0
"""Change of the wall clock against the monotonic clock that is recorded at once."""
CLOCK_HINT: Final = (
    "Set this machine's clock, or connect it to a network; sessions of this boot are then dated anew. "
    "A clock with a battery keeps the time without power."
)

Clocks = tuple[datetime, int]
"""Wall clock and monotonic clock in nanoseconds at one instant."""

# A row that is up to date is not written, so that many daemons of one host write once a minute together. A boot that an upgrade
# found in a session has no host yet.
_RENEW = """
update host_boots set at = $2, mono_ns = $3, host_id = coalesce(host_id, $6)
where host_boot_id = $1 and (mono_ns < $3 - $4::bigint or abs(extract(epoch from (at - $2))::float8 - (mono_ns - $3) / 1e9) > $5
    or host_id is null and $6::uuid is not null)
"""
_INSERT = """
insert into host_boots (host_boot_id, host_id, recorded_by, first_at, first_clock_ns, at, mono_ns)
values ($1, $2, $3, $4, $5, $6, $7) on conflict (host_boot_id) do nothing
"""
_READ = """
select clock, zero_at, not_before,
    extract(epoch from not_before - (at - (mono_ns - first_clock_ns) / 1000 * interval '1 microsecond'))::float8 as behind_s
from host_boots where host_boot_id = $1
"""


@dataclass(frozen=True, slots=True)
class BootRecord:
    """The boot of this host as the database knows it."""

    clock: BootClock
    not_before: datetime
    """Last instant known of the boot before."""
    behind_s: float
    """Seconds from the wall clock at the boot's first record to the last instant known before."""
    zero_at: datetime | None
    """UTC at which the monotonic clock was zero, for a boot whose sessions are not dated by the wall clock."""

    def utc_of(self, at: datetime, mono_ns: int) -> datetime:
        """UTC of an instant of this boot, ``at`` by its wall clock, as its sessions are dated."""
        return at if self.zero_at is None else self.zero_at + timedelta(microseconds=mono_ns // 1000)

    @property
    def warning(self) -> str | None:
        """The fault of the wall clock, for people; None while it is trusted."""
        if self.clock is not BootClock.BEHIND:
            return None
        dated = "sessions are dated after it" if self.zero_at is not None else "sessions are dated by the wrong clock"
        return (
            f"this machine's clock is at least {describe_span(self.behind_s)} behind: it was before "
            f"{local(self.not_before)}, the last instant known, when this boot began; {dated}"
        )


def describe_span(seconds: float) -> str:
    """A span for people, in its largest unit."""
    for unit, name in ((365.25 * 86_400, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(seconds, 1):.0f} s"


async def record_boot(
    connection: Connection, host_id: UUID | None, at: datetime, mono_ns: int | None, boot: UUID | None
) -> BootRecord | None:
    """Record both clocks of a host now, and return its boot's record; None without a boot id.

    A first record gives the boot its number.
    """
    if boot is None or mono_ns is None:
        return None
    if await boot_record(connection, boot) is None:
        await connection.execute(_INSERT, boot, host_id, boot, at, mono_ns, at, mono_ns)
    else:
        await connection.execute(_RENEW, boot, at, mono_ns, round(RECORD_EVERY_S * 1e9), STEP_S, host_id)
    return await boot_record(connection, boot)


async def record_earlier_boot(
    connection: Connection, boot: UUID, host_id: UUID | None, before: UUID, first: Clocks, last: Clocks
) -> None:
    """Record a boot that only its readings show, from the first to the last of them, before the boot that stores them."""
    await connection.execute(_INSERT, boot, host_id, before, *first, *last)


async def boot_record(connection: Connection, boot: UUID) -> BootRecord | None:
    """Read the record of a boot; None for one that was never recorded."""
    row = await connection.fetchrow(_READ, boot)
    return (
        None if row is None else BootRecord(BootClock(row["clock"]), row["not_before"], row["behind_s"], row["zero_at"])
    )
