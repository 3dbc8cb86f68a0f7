"""Instants on both clocks of a host, and how a device's ticks map to them.

Pure: no clock is read here, see :mod:`drivers.clock.host`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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

    def at_utc(self, at: datetime) -> Instant:
        """The instant at another aware UTC time of the same host boot, by the same pair of clocks."""
        if self.mono_ns is None:
            return Instant(at)
        return Instant(at, self.mono_ns + (at - self.at) // timedelta(microseconds=1) * 1000, self.host_boot_id)


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
