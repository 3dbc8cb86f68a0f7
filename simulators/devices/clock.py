"""The clocks of a simulated node: ticks of a microsecond that are not quite one, and a slower one that runs on while it is off.

Host instants are whole microseconds since the Unix epoch on a time line that is anchored once and never stepped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulators.world.draws import Draws

_PPB = 1_000_000_000
MAX_DRIFT_PPM = 100_000.0
_LONGEST_UPTIME_S = 10 * 86_400
_RTC_HZ = 32_768
_RTC_DRIFT_PPM = 20.0
"""What is usual of a watch crystal at room temperature."""


@dataclass(frozen=True, slots=True)
class NodeClock:
    """Ticks since the node booted. Whole numbers only, so a stamp is exact to the tick."""

    zero_us: int
    """Host instant of tick 0."""
    drift_ppb: int
    """Parts in 10**9 by which the clock is fast; negative when it is slow."""
    rtc_ppb: int = 0
    """The same of the watch crystal that runs on through a reboot."""

    def ticks(self, at_us: int) -> int:
        """Return the tick that is current at a host instant; 0 before the boot."""
        elapsed = max(at_us - self.zero_us, 0)
        return elapsed + elapsed * self.drift_ppb // _PPB

    def booted_at(self, zero_us: int) -> NodeClock:
        """Return the same crystal after a reboot."""
        return replace(self, zero_us=zero_us)

    def pause_us(self, from_us: int, until_us: int) -> int:
        """Return how long a pause was, as the watch crystal counts it: in whole periods of 30 microseconds."""
        periods = self._rtc(until_us) - self._rtc(from_us)
        return periods * 1_000_000 // _RTC_HZ

    def _rtc(self, at_us: int) -> int:
        elapsed = at_us + at_us * self.rtc_ppb // _PPB
        return elapsed * _RTC_HZ // 1_000_000


@dataclass(frozen=True, slots=True)
class ClockOrder:
    """What a test wants of a device's clock, in place of what is drawn for it."""

    drift_ppm: float | None = None
    """Exactly this drift; None: as drawn."""
    answers: bool = True
    """False: claims to stamp time, yet never answers a question for it, so that nobody can learn its clock."""


AS_DRAWN = ClockOrder()


def parse_clock(text: str) -> ClockOrder:
    """Read ``-100`` (parts per million) or ``mute``. Raises ValueError for anything else."""
    if text == "mute":
        return ClockOrder(answers=False)
    try:
        drift_ppm = float(text)
    except ValueError:
        drift_ppm = float("nan")
    if not -MAX_DRIFT_PPM <= drift_ppm <= MAX_DRIFT_PPM:
        raise ValueError(f"{text!r} is no clock; write a drift in ppm up to {MAX_DRIFT_PPM:g}, like -100, or mute")
    return ClockOrder(drift_ppm)


def draw_clock(
    seed: int, device: str, now_us: int, *, drift_ppm: float, saw_everything: bool, wanted: ClockOrder = AS_DRAWN
) -> NodeClock:
    """Draw a device's clock: a drift within +- ``drift_ppm``, always the same for a device, and how long it is up.

    A node may claim to have been up for days only when it can have missed nothing (``saw_everything``): otherwise it
    boots now, and whoever listens knows that it saw nothing before.
    """
    draws = Draws(seed, device, "clock")
    drawn_ppm = draws.uniform(-drift_ppm, drift_ppm)
    drift_ppb = round((drawn_ppm if wanted.drift_ppm is None else wanted.drift_ppm) * 1000)
    uptime_us = round(draws.uniform(1.0, _LONGEST_UPTIME_S) * 1_000_000) if saw_everything else 0
    rtc_ppb = round(Draws(seed, device, "watch crystal").uniform(-_RTC_DRIFT_PPM, _RTC_DRIFT_PPM) * 1000)
    return NodeClock(now_us - uptime_us, drift_ppb, rtc_ppb)
