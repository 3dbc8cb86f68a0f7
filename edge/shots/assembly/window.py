"""The readings that may belong to a session: by their device's time on the lane, and by time with a margin around it.

Within one boot of the host the monotonic clock decides, so a step of the wall clock takes no reading out of its session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.clock.instant import Instant

BEFORE_START = timedelta(minutes=6)
"""Longest time that an arrow may be on the string before its session begins (``engage_timeout_s``)."""
AFTER_END = timedelta(seconds=10)
"""Longest time after the end of its session at which an arrow in the air may land."""
ONE_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DeviceInterval:
    """Interval in which a device is assigned to a session's lane; ``until`` itself is outside, None has no limit."""

    since: Instant | None = None
    until: Instant | None = None

    def holds(self, instant: Instant) -> bool:
        """Whether the device was assigned at an instant."""
        return (self.since is None or not is_before(instant, self.since)) and (
            self.until is None or is_before(instant, self.until)
        )


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """The time of a session on its lane, and the devices of the lane."""

    start: Instant
    closing: Instant | None
    """Instant at which closing was requested."""
    ended_at: datetime | None
    """When the session was closed, by the wall clock; None while it is open."""
    devices: Mapping[str, Sequence[DeviceInterval]]

    @property
    def is_open(self) -> bool:
        """Whether the session is the lane's current one."""
        return self.ended_at is None

    def holds(self, device: str, instant: Instant) -> bool:
        """Whether a reading of a device may belong to the session."""
        intervals = self.devices.get(device, ())
        return any(interval.holds(instant) for interval in intervals) and self._is_near(instant)

    def began_before(self, instant: Instant) -> bool:
        """Whether the session began so long before an instant that no earlier session of the lane reaches it."""
        if are_on_one_clock(instant, self.start):
            return (instant.mono_ns or 0) - (self.start.mono_ns or 0) > AFTER_END.seconds * ONE_SECOND_NS
        return instant.at - self.start.at > AFTER_END

    def _is_near(self, instant: Instant) -> bool:
        if not are_on_one_clock(instant, self.start):
            ended_at = self.ended_at
            return instant.at >= self.start.at - BEFORE_START and (
                ended_at is None or instant.at <= ended_at + AFTER_END
            )
        mono_ns, start_ns = instant.mono_ns or 0, self.start.mono_ns or 0
        if mono_ns < start_ns - BEFORE_START.seconds * ONE_SECOND_NS:
            return False
        if self.is_open or self.closing is None or not are_on_one_clock(self.closing, self.start):
            return True
        return mono_ns <= (self.closing.mono_ns or 0) + AFTER_END.seconds * ONE_SECOND_NS


def are_on_one_clock(a: Instant, b: Instant) -> bool:
    """Whether the monotonic clock of one boot shows both instants."""
    return a.host_boot_id is not None and a.host_boot_id == b.host_boot_id and None not in (a.mono_ns, b.mono_ns)


def is_before(a: Instant, b: Instant) -> bool:
    """Whether ``a`` is before ``b``: by the monotonic clock within one boot, otherwise by the wall clock."""
    if are_on_one_clock(a, b):
        return (a.mono_ns or 0) < (b.mono_ns or 0)
    return a.at < b.at
