"""The order of the hosts' boots, and of instants: no wall clock alone decides it.

A hub without a clock battery begins with a wall clock that stands before its last shutdown. So the database numbers the
boots of a host as it sees them. Boots of different hosts overlap; between them, and where a boot is not recorded, UTC decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import pairwise
from uuid import UUID

from drivers.clock.instant import Instant


class Order(Enum):
    """The order of two boots."""

    BEFORE = "before"
    AFTER = "after"
    UNKNOWN = "unknown"
    """They are the same, of different hosts, or not recorded."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot of a host, see ``host_boots``."""

    id: UUID
    host_id: UUID | None
    number: float
    seen_after: float
    """Newest number of the host's boots while this one was running."""
    zero_at: datetime
    """UTC at which its monotonic clock was zero."""
    is_dated: bool
    """Its instants are dated by ``zero_at``: their own wall clock was behind."""
    end_ns: int | None
    """Its last known monotonic instant; None for a boot that has no successor, which may still run."""


@dataclass(frozen=True, slots=True)
class BootOrder:
    """The recorded boots of all hosts."""

    boots: dict[UUID, Boot] = field(default_factory=dict)

    @classmethod
    def of(cls, boots: Iterable[Boot]) -> BootOrder:
        """Index boots by their id."""
        return cls({boot.id: boot for boot in boots})

    def get(self, boot: UUID | None) -> Boot | None:
        """The boot of an id; None for one that is not recorded."""
        return None if boot is None else self.boots.get(boot)

    def order(self, a: UUID | None, b: UUID | None) -> Order:
        """The order of boot ``a`` to boot ``b``."""
        one, other = self.get(a), self.get(b)
        if one is None or other is None or not _may_be_of_one_host(one, other):
            return Order.UNKNOWN
        if one.number < other.number and one.seen_after < other.number:
            return Order.BEFORE
        if one.number > other.number and other.seen_after < one.number:
            return Order.AFTER
        return Order.UNKNOWN

    def since(self, earlier: UUID, later: UUID) -> list[Boot]:
        """The boots of one host from ``earlier`` to ``later``, in their order."""
        first, last = self.boots[earlier], self.boots[later]
        between = [
            boot
            for boot in self.boots.values()
            if first.number <= boot.number <= last.number and _may_be_of_one_host(boot, last)
        ]
        return sorted(between, key=lambda boot: boot.number)

    def is_before(self, a: Instant, b: Instant) -> bool:
        """Whether ``a`` is before ``b``: by the monotonic clock within one boot, then by the order of boots, else by UTC."""
        if are_on_one_clock(a, b):
            return (a.mono_ns or 0) < (b.mono_ns or 0)
        order = self.order(a.host_boot_id, b.host_boot_id)
        return a.at < b.at if order is Order.UNKNOWN else order is Order.BEFORE

    def placed_after(self, start: Instant, boot: UUID) -> float:
        """Seconds from ``start`` to the earliest possible zero of a later boot's monotonic clock.

        Each boot in between begins after the last known instant of the one before it.
        """
        if start.host_boot_id is None or start.mono_ns is None:
            return 0.0
        chain = self.since(start.host_boot_id, boot)
        zero = -start.mono_ns / 1e9
        for one, following in pairwise(chain):
            ends = zero + (one.end_ns or 0) / 1e9
            zero = max(ends, (following.zero_at - start.at).total_seconds()) if following.id != boot else ends
        return max(zero, 0.0)


def are_on_one_clock(a: Instant, b: Instant) -> bool:
    """Whether the monotonic clock of one boot shows both instants."""
    return a.host_boot_id is not None and a.host_boot_id == b.host_boot_id and None not in (a.mono_ns, b.mono_ns)


def _may_be_of_one_host(a: Boot, b: Boot) -> bool:
    return a.host_id is None or b.host_id is None or a.host_id == b.host_id
