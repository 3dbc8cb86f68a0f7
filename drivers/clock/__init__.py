"""Time: instants, this host's clocks, and what is learnt of a device's clock."""

from __future__ import annotations

from drivers.clock.filter import ClockFilter, Probe, mono_of, stamp_of, uncertainty_of
from drivers.clock.host import clock_pair, host_boot_id, host_id, host_now, remote_now, utc_of
from drivers.clock.instant import (
    ClockModel,
    ClockPair,
    Instant,
    Stamp,
    instant_columns,
    instant_of,
    optional_instant_of,
)
from drivers.clock.transfer import TimeTransfer

__all__ = [
    "ClockFilter",
    "ClockModel",
    "ClockPair",
    "Instant",
    "Probe",
    "Stamp",
    "TimeTransfer",
    "clock_pair",
    "host_boot_id",
    "host_id",
    "host_now",
    "instant_columns",
    "instant_of",
    "mono_of",
    "optional_instant_of",
    "remote_now",
    "stamp_of",
    "uncertainty_of",
    "utc_of",
]
