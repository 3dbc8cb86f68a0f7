"""The clocks of a simulated node: a microsecond counter that drifts, and a watch crystal that runs through reboots.

Host instants are whole microseconds since the Unix epoch on a time line that is anchored once and never stepped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulators.world.draws import Draws

_PPB = 1_000_000_000
MAX_DRIFT_PPM = 100_000.0
DEFAULT_DRIFT_PPM = 40.0
_LONGEST_UPTIME_S = 10 * 86_400
_RTC_HZ = 32_768
_RTC_DRIFT_PPM = 20.0
"""Usual bound of a watch crystal's drift at room temperature."""


@dataclass(frozen=True, slots=True)
class NodeClock:
    """Ticks since the node booted. Integers only, so that a stamp is exact to the tick."""

    zero_us: int
    """Host instant of tick 0."""
    drift_ppb: int
    """Drift in parts per 10**9: positive for a fast clock, negative for a slow one."""
    rtc_ppb: int = 0
    """Drift of the watch crystal, which runs through reboots."""

    def ticks(self, at_us: int) -> int:
        """Return the tick at a host instant; 0 before the boot."""
        elapsed = max(at_us - self.zero_us, 0)
        return elapsed + elapsed * self.drift_ppb // _PPB

    def booted_at(self, zero_us: int) -> NodeClock:
        """Return the same clock after a reboot at ``zero_us``."""
        return replace(self, zero_us=zero_us)

    def pause_us(self, from_us: int, until_us: int) -> int:
        """Return the length of a pause by the watch crystal, in whole periods of 30 microseconds."""
        periods = self._rtc(until_us) - self._rtc(from_us)
        return periods * 1_000_000 // _RTC_HZ

    def _rtc(self, at_us: int) -> int:
        elapsed = at_us + at_us * self.rtc_ppb // _PPB
        return elapsed * _RTC_HZ // 1_000_000


@dataclass(frozen=True, slots=True)
class ClockOptions:
    """Options of one device's clock."""

    drift_ppm: float | None = None
    """Exact drift; None to draw it within ``drift_bound_ppm``."""
    answers: bool = True
    """False for a node that announces time stamps and never answers a time request, so that its clock stays unknown."""
    drift_bound_ppm: float = DEFAULT_DRIFT_PPM


AS_DRAWN = ClockOptions()


def parse_clock(text: str) -> ClockOptions:
    """Parse ``-100`` (drift in parts per million) or ``mute``. Raises ValueError for any other text."""
    if text == "mute":
        return ClockOptions(answers=False)
    try:
        drift_ppm = float(text)
    except ValueError:
        drift_ppm = float("nan")
    if not -MAX_DRIFT_PPM <= drift_ppm <= MAX_DRIFT_PPM:
        raise ValueError(f"{text!r} is not a clock. Write a drift in ppm up to {MAX_DRIFT_PPM:g}, like -100, or mute.")
    return ClockOptions(drift_ppm)


def draw_clock(seed: int, device: str, now_us: int, options: ClockOptions, *, saw_everything: bool) -> NodeClock:
    """Draw a device's clock: drift and uptime, the same for each (seed, device).

    Only a node that missed nothing (``saw_everything``) reports an uptime of days. Any other node boots now, so that the hub
    knows that it sensed nothing before.
    """
    draws = Draws(seed, device, "clock")
    drawn_ppm = draws.uniform(-options.drift_bound_ppm, options.drift_bound_ppm)
    drift_ppb = round((drawn_ppm if options.drift_ppm is None else options.drift_ppm) * 1000)
    uptime_us = round(draws.uniform(1.0, _LONGEST_UPTIME_S) * 1_000_000) if saw_everything else 0
    rtc_ppb = round(Draws(seed, device, "watch crystal").uniform(-_RTC_DRIFT_PPM, _RTC_DRIFT_PPM) * 1000)
    return NodeClock(now_us - uptime_us, drift_ppb, rtc_ppb)
