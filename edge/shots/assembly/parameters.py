"""The numbers by which readings become shots. Times in seconds, lengths in millimetres unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

RULE_VERSION = 3
"""Stored with each shot; another number whenever these rules give another result."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Defaults as derived for ranges of 5 to 100 m; a test may set others."""

    fastest_mps: float = 120.0
    """Faster than any bow."""
    slowest_mps: float = 30.0
    """Slower than a longbow at 70 m."""
    detect_latency_s: float = 0.5
    shortest_window_s: float = 3.0
    clock_floor_s: float = 0.020
    clock_unknown_s: float = 0.250
    """Assumed error of a clock that is not synchronised."""
    clock_factor: float = 3.0
    engage_timeout_s: float = 300.0
    merge_engage_s: float = 1.0
    duplicate_landing_s: float = 2.0
    duplicate_landing_mm: float = 5.0
    give_up_s: float = 10.0
    """After its window an undecided shot becomes ``unknown``; a landing that the hub hears of later is ``late``."""
    late_accept_s: float = 24 * 3600.0
    """So long after its closing a session is still looked at when a silent device may yet tell."""
    bounce_s: float = 2.0
    """A tag that leaves the butt alone this soon after it landed fell out."""
    contact_mm: float = 10.0
    """An arrow that lands so near another may have struck it."""
    dead_time_s: float = 0.2
    """Of two arrows that fly within this time the target may sense one; the slowest sensors need so long."""
    speed_error: float = 0.016
    """A speed is told when the clocks allow it to this relative error."""
    sigma_mm: float = 0.5
    line_call_sigmas: float = 2.0

    def longest_flight_s(self, distance_m: float | None) -> float:
        """A slow arrow's flight; the landing window where the distance is not known."""
        return self.landing_window_s(0.0) if distance_m is None else distance_m / self.slowest_mps

    def landing_window_s(self, distance_m: float) -> float:
        """How long after a release its landing is waited for."""
        return max(self.shortest_window_s, distance_m / self.slowest_mps + self.clock_floor_s + self.detect_latency_s)
