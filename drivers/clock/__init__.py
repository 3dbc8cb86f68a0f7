"""Time: instants, this host's clocks, and what is known of a device's clock.

:mod:`~drivers.clock.filter` and :mod:`~drivers.clock.transfer` load the driver contract and are imported by their own
names; every process that only dates instants stays free of them.
"""

from __future__ import annotations

from drivers.clock.host import clock_pair, host_boot_id, host_now, utc_of
from drivers.clock.instant import ClockPair, Instant

__all__ = ["ClockPair", "Instant", "clock_pair", "host_boot_id", "host_now", "utc_of"]
