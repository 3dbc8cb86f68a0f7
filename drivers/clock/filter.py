"""All that is assumed about time, in one place.

- Durations and comparisons use CLOCK_MONOTONIC (``time.monotonic_ns`` on Linux). It counts from the host's boot, so a
  value means something only beside the host's boot id. It does not count while the host sleeps: a hub does not sleep.
- UTC is for people and for other hosts. An instant is converted once, with a pair of readings of both clocks taken now,
  so that a step of the wall clock moves no interval.
- A device's clock counts microseconds since its own boot and is wrong by an offset and a rate. Both are learnt from
  two-way time transfer (:mod:`drivers.clock.transfer`) by :class:`ClockFilter`, which is pure: instants come in.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import sqrt
from typing import Final
from uuid import UUID

from drivers.clock.instant import ClockModel, ClockPair, Stamp


def mono_of(model: ClockModel, ticks_us: int) -> int:
    """The host's monotonic nanoseconds at a device's tick."""
    elapsed_ns = (ticks_us - model.ref_ticks_us) * 1000
    return model.ref_mono_ns + elapsed_ns + round(elapsed_ns * model.skew)


def uncertainty_of(model: ClockModel, ticks_us: int) -> float:
    """Half width in seconds of the interval that holds the true instant of a device's tick."""
    return model.uncertainty_s + abs(ticks_us - model.ref_ticks_us) / 1e6 * model.skew_uncertainty


def stamp_of(model: ClockModel, ticks_us: int, pair: ClockPair) -> Stamp:
    """When a device's tick was. Raises OverflowError when that is no date."""
    mono_ns = mono_of(model, ticks_us)
    return Stamp(pair.utc_of(mono_ns), mono_ns, model.host_boot_id, uncertainty_of(model, ticks_us))


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the device's clock and its answer."""

    sent_ns: int
    """Host's monotonic clock when the question went out (t0)."""
    heard_us: int
    """Device's clock when the question's first byte came (t1)."""
    answered_us: int
    """Device's clock when the answer went out (t2)."""
    received_ns: int
    """Host's monotonic clock when the answer's first byte came (t3)."""

    @property
    def round_trip_ns(self) -> int:
        """Time spent on the way there and back. The offset is wrong by at most half of it."""
        return self.received_ns - self.sent_ns - (self.answered_us - self.heard_us) * 1000


@dataclass(frozen=True, slots=True)
class _Pick:
    """The best probe of a burst: at ``ticks_us`` the host's clock was ``mono_ns``, give or take ``sigma_s``."""

    ticks_us: int
    mono_ns: int
    sigma_s: float


_MIN_SIGMA_S: Final = 50e-6
"""No probe is trusted further: below this, wake-ups and not wires decide."""
_CRYSTAL_SKEW: Final = 2e-4
"""What to expect of an unknown device: twice the +-100 ppm of a cheap crystal."""
_SKEW_FLOOR: Final = 1e-6
"""Crystals wander by about this much with temperature, however long they were watched."""
_SKEW_CHANGE: Final = 1e-5
"""And by so much from one boot to another, perhaps on another day."""
_GATE_SIGMAS: Final = 5.0
_GATE_S: Final = 0.5e-3
"""A pick further off than both is an outlier (Klipper's clocksync uses the same pair)."""
_RESET_AFTER: Final = 5
"""So many outliers in a row are no outliers: the clock has jumped, or runs at a rate nobody expected."""
_PICKS: Final = 16


class ClockFilter:
    """Learns how one stream's device clock maps to this host's monotonic clock.

    Weighted regression over the last picks, with the crystal's tolerance as what is known of the rate beforehand, so
    that two picks taken a second apart make no wild rate. One filter lives as long as one boot of the device.
    """

    def __init__(
        self, stream_id: UUID, boot_id: UUID, *, stored: ClockModel | None = None, sibling: ClockModel | None = None
    ) -> None:
        """``stored`` is what was learnt of this stream before; it counts as a pick when it was in this boot of the host.

        So a first burst on a bad line does not replace a clock that is known better. ``sibling`` is the clock of another
        boot of the same device: it tells what rate to expect of this one.
        """
        self._stream_id = stream_id
        self._boot_id = boot_id
        self._picks: deque[_Pick] = deque(maxlen=_PICKS)
        self._outliers: list[_Pick] = []
        self._expected_skew, self._skew_sigma = 0.0, _CRYSTAL_SKEW
        self.model: ClockModel | None = None
        self.synchronised = False
        """Whether a burst of this filter's own stands behind the model."""
        self.rejected = 0
        """Picks taken for outliers."""
        self.resets = 0
        """Times that the outliers were right."""
        self._borrowed = sibling is not None and sibling.skew_uncertainty + _SKEW_CHANGE < _CRYSTAL_SKEW
        if sibling is not None and self._borrowed:
            self._expected_skew, self._skew_sigma = sibling.skew, sibling.skew_uncertainty + _SKEW_CHANGE
        if stored is not None and stored.stream_id == stream_id and stored.host_boot_id == boot_id:
            self.model = stored
            self._picks.append(_Pick(stored.ref_ticks_us, stored.ref_mono_ns, max(stored.uncertainty_s, _MIN_SIGMA_S)))
            skew_sigma = max(stored.skew_uncertainty, 2 * _SKEW_FLOOR)
            if not self._borrowed or skew_sigma <= self._skew_sigma:
                self._expected_skew, self._skew_sigma, self._borrowed = stored.skew, skew_sigma, False

    def add_burst(self, probes: list[Probe]) -> bool:
        """Take the probes of one burst; True when the model is new. Only the least delayed one counts."""
        if not probes:
            return False
        best = min(probes, key=lambda probe: probe.round_trip_ns)
        pick = _Pick(
            (best.heard_us + best.answered_us) // 2,
            (best.sent_ns + best.received_ns) // 2,
            max(best.round_trip_ns / 2e9, _MIN_SIGMA_S),
        )
        if self.synchronised and self._borrowed and self._is_outlier(pick):
            self._expected_skew, self._skew_sigma, self._borrowed = (
                0.0,
                _CRYSTAL_SKEW,
                False,
            )  # of another crystal, perhaps
            self.model = self._fit()
        if self.synchronised and self._is_outlier(pick):
            self.rejected += 1
            self._outliers.append(pick)
            if len(self._outliers) < _RESET_AFTER:
                return False
            self.resets += 1
            self._picks.clear()
            self._picks.extend(self._outliers)
            self._expected_skew, self._skew_sigma = 0.0, 1.0
        else:
            if not self.synchronised and self._is_outlier(pick):
                self._picks.clear()  # what was stored is not this clock's
                self._expected_skew, self._skew_sigma = 0.0, _CRYSTAL_SKEW
            self._picks.append(pick)
        self._outliers.clear()
        self.model = self._fit()
        self.synchronised = True
        return True

    def _is_outlier(self, pick: _Pick) -> bool:
        model = self.model
        if model is None:
            return False
        deviation = abs(pick.mono_ns - mono_of(model, pick.ticks_us)) / 1e9
        sigma = sqrt(pick.sigma_s**2 + uncertainty_of(model, pick.ticks_us) ** 2)
        return deviation > max(_GATE_SIGMAS * sigma, _GATE_S)

    def _fit(self) -> ClockModel:
        """Weighted least squares of (mono - ticks) over ticks, about the picks' centre, where both errors part."""
        origin = self._picks[-1]
        sigmas = [pick.sigma_s for pick in self._picks]
        weights = [1 / sigma**2 for sigma in sigmas]
        xs = [(pick.ticks_us - origin.ticks_us) / 1e6 for pick in self._picks]
        ys = [
            (pick.mono_ns - origin.mono_ns) / 1e9 - x - self._expected_skew * x
            for pick, x in zip(self._picks, xs, strict=True)
        ]
        total = sum(weights)
        x0 = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
        y0 = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
        expectation = 1 / self._skew_sigma**2
        information = expectation + sum(w * (x - x0) ** 2 for w, x in zip(weights, xs, strict=True))
        slope = sum(w * (x - x0) * (y - y0) for w, x, y in zip(weights, xs, ys, strict=True)) / information
        # The reference is a whole tick; what rounding moves it by, the mapping takes along.
        ref_ticks_us = origin.ticks_us + round(x0 * 1e6)
        x_ref = (ref_ticks_us - origin.ticks_us) / 1e6
        offset_s = y0 + slope * (x_ref - x0) + x_ref * (1 + self._expected_skew)
        # No statistics here: a lopsided way is wrong in the same direction each time, and averages to itself. So the
        # uncertainties are what errors of half a round trip each, all conspiring, could do.
        pull = self._skew_sigma * expectation / information
        lean = sum(w * abs(x - x0) * sigma for w, x, sigma in zip(weights, xs, sigmas, strict=True)) / information
        return ClockModel(
            stream_id=self._stream_id,
            host_boot_id=self._boot_id,
            ref_ticks_us=ref_ticks_us,
            ref_mono_ns=origin.mono_ns + round(offset_s * 1e9),
            skew=self._expected_skew + slope,
            uncertainty_s=sum(w * sigma for w, sigma in zip(weights, sigmas, strict=True)) / total,
            skew_uncertainty=max(pull + lean, _SKEW_FLOOR),
        )
