"""Instants on both clocks of a host, and how a device's ticks map to them.

Pure: no clock is read here, see :mod:`drivers.clock.host`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Row(Protocol):
    """A database row, or another mapping from column names to values."""

    def __getitem__(self, column: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Instant:
    """One instant, on the wall clock and on a host's monotonic clock.

    ``mono_ns`` and ``host_boot_id`` are both None for an instant that is known by the wall clock alone.
    """

    at: datetime
    """Aware UTC."""
    mono_ns: int | None = None
    """CLOCK_MONOTONIC in nanoseconds."""
    host_boot_id: UUID | None = None
    """Boot of the host from which ``mono_ns`` counts; only values of the same boot are comparable."""

    @property
    def columns(self) -> tuple[datetime, int | None, UUID | None]:
        """The values of the three columns, in the order of :func:`instant_columns`."""
        return (self.at, self.mono_ns, self.host_boot_id)

    def at_utc(self, at: datetime) -> Instant:
        """The instant at another aware UTC time of the same host boot, by the same pair of clocks."""
        if self.mono_ns is None:
            return Instant(at)
        return Instant(at, self.mono_ns + (at - self.at) // timedelta(microseconds=1) * 1000, self.host_boot_id)


def instant_columns(name: str = "at") -> tuple[str, str, str]:
    """Names of the three columns of an instant, by the name of its wall clock column.

    ``since`` gives since, since_mono_ns, since_host_boot_id; ``start_time`` gives start_time, start_mono_ns,
    start_host_boot_id; ``at`` gives at, mono_ns, host_boot_id. A table's name in front, as in ``r.at``, is kept.
    """
    table, dot, column = name.rpartition(".")
    prefix = "" if column == "at" else column.removesuffix("_time") + "_"
    return name, f"{table}{dot}{prefix}mono_ns", f"{table}{dot}{prefix}host_boot_id"


def instant_of(row: Row, name: str = "at") -> Instant:
    """The instant in the three columns of a row; the wall clock column is not null."""
    at, mono_ns, host_boot_id = instant_columns(name)
    return Instant(row[at], row[mono_ns], row[host_boot_id])


def optional_instant_of(row: Row, name: str = "at") -> Instant | None:
    """The instant in the three columns of a row; None where the wall clock column is null."""
    return None if row[name] is None else instant_of(row, name)


@dataclass(frozen=True, slots=True)
class Stamp(Instant):
    """The instant of an event and its uncertainty.

    ``host_boot_id`` is the boot of the host that received the event; it is given even where ``mono_ns`` is None.
    """

    uncertainty_s: float | None = None
    """Half width in seconds of the interval that holds the true instant.

    None when the instant is not known; then ``at`` is only the time of receipt and ``mono_ns`` is None.
    """


@dataclass(frozen=True, slots=True)
class ClockPair:
    """Both clocks of a host at one instant, in nanoseconds: converts monotonic times to UTC."""

    mono_ns: int
    utc_ns: int

    @classmethod
    def read_between(cls, before_ns: int, utc_ns: int, after_ns: int) -> ClockPair:
        """Pair a reading of a wall clock with the middle of two monotonic readings, taken before and after it.

        The pair is off by at most half of the gap between the two.
        """
        return cls(before_ns + (after_ns - before_ns) // 2, utc_ns)

    def instant(self, host_boot_id: UUID) -> Instant:
        """The pair as an instant of the host's boot."""
        return Instant(self.utc_of(self.mono_ns), self.mono_ns, host_boot_id)

    def utc_of(self, mono_ns: int) -> datetime:
        """The aware UTC instant of a monotonic one. Raises OverflowError outside of the years 1 to 9999."""
        return EPOCH + timedelta(microseconds=(self.utc_ns + mono_ns - self.mono_ns) // 1000)


@dataclass(frozen=True, slots=True)
class ClockModel:
    """How a stream's device ticks map to this host's CLOCK_MONOTONIC: ``mono = ref_mono + (ticks - ref_ticks) * (1 + skew)``.

    Ticks are microseconds. It is stored with the stream, so that an event re-sent after a reboot is dated correctly.
    """

    stream_id: UUID
    host_boot_id: UUID
    ref_ticks_us: int
    ref_mono_ns: int
    skew: float
    """Dimensionless; +1e-6 means that the device's clock is slow by one microsecond in a second."""
    uncertainty_s: float
    """Uncertainty of the mapping at the reference."""
    skew_uncertainty: float
    """Dimensionless; growth of the uncertainty per second of distance from the reference."""
