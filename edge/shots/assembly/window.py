"""The readings that may belong to a session: by their device's time on the lane, and by time with a margin around it.

Within one boot of the host the monotonic clock decides, so a step of the wall clock takes no reading out of its session.
Between boots of one host their order decides: a closed session takes no reading of a later boot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drivers.clock.instant import Instant
from edge.shots.assembly.boots import BootOrder, Order, are_on_one_clock

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

    def holds(self, instant: Instant, boots: BootOrder) -> bool:
        """Whether the device was assigned at an instant."""
        return (self.since is None or not boots.is_before(instant, self.since)) and (
            self.until is None or boots.is_before(instant, self.until)
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
    boots: BootOrder = field(default_factory=BootOrder)
    """The order of the boots that readings may be of."""

    @property
    def is_open(self) -> bool:
        """Whether the session is the lane's current one."""
        return self.ended_at is None

    def holds(self, device: str, instant: Instant) -> bool:
        """Whether a reading of a device may belong to the session."""
        intervals = self.devices.get(device, ())
        return any(interval.holds(instant, self.boots) for interval in intervals) and self._is_near(instant)

    def began_before(self, instant: Instant) -> bool:
        """Whether the session began so long before an instant that no earlier session of the lane reaches it."""
        if are_on_one_clock(instant, self.start):
            return (instant.mono_ns or 0) - (self.start.mono_ns or 0) > AFTER_END.seconds * ONE_SECOND_NS
        order = self.boots.order(instant.host_boot_id, self.start.host_boot_id)
        return instant.at - self.start.at > AFTER_END if order is Order.UNKNOWN else order is Order.AFTER

    def _is_near(self, instant: Instant) -> bool:
        return self._is_after_start(instant) and (self.is_open or self._is_before_end(instant))

    def _is_after_start(self, instant: Instant) -> bool:
        if are_on_one_clock(instant, self.start):
            return (instant.mono_ns or 0) >= (self.start.mono_ns or 0) - BEFORE_START.seconds * ONE_SECOND_NS
        order = self.boots.order(instant.host_boot_id, self.start.host_boot_id)
        return instant.at >= self.start.at - BEFORE_START if order is Order.UNKNOWN else order is Order.AFTER

    def _is_before_end(self, instant: Instant) -> bool:
        """Whether an instant is before the end of the closed session, with the margin of a flight."""
        if self.closing is not None:
            if are_on_one_clock(instant, self.closing):
                return (instant.mono_ns or 0) <= (self.closing.mono_ns or 0) + AFTER_END.seconds * ONE_SECOND_NS
            order = self.boots.order(instant.host_boot_id, self.closing.host_boot_id)
            if order is not Order.UNKNOWN:
                return order is Order.BEFORE
        if are_on_one_clock(instant, self.start):
            return True
        return self.ended_at is None or instant.at <= self.ended_at + AFTER_END
