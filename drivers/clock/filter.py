"""The clock of a device, learnt from two-way time transfer. Pure: instants come in.

A device's clock counts microseconds since its boot, with an unknown offset from the host's monotonic clock and an
unknown rate. :class:`ClockFilter` learns both from the probes that :mod:`drivers.clock.transfer` collects.
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
    """The instant of a device's tick. Raises OverflowError when it is outside of the years 1 to 9999."""
    mono_ns = mono_of(model, ticks_us)
    return Stamp(pair.utc_of(mono_ns), mono_ns, model.host_boot_id, uncertainty_of(model, ticks_us))


@dataclass(frozen=True, slots=True)
class Probe:
    """One request for the device's time and its answer."""

    sent_ns: int
    """Host's monotonic clock when the request was sent (t0)."""
    device_received_us: int
    """Device's clock when the request's first byte arrived (t1)."""
    device_sent_us: int
    """Device's clock when the answer was sent (t2)."""
    received_ns: int
    """Host's monotonic clock when the answer's first byte arrived (t3)."""

    @property
    def round_trip_ns(self) -> int:
        """Time in transit, both ways. The offset is wrong by at most half of it."""
        return self.received_ns - self.sent_ns - (self.device_sent_us - self.device_received_us) * 1000


@dataclass(frozen=True, slots=True)
class _Pick:
    """The best probe of a burst: at ``ticks_us`` the host's clock was at ``mono_ns``, within ``sigma_s``."""

    ticks_us: int
    mono_ns: int
    sigma_s: float


_MIN_SIGMA_S: Final = 50e-6
"""Least uncertainty of a probe: below this, the scheduler's delays dominate those of the wire."""
_CRYSTAL_SKEW: Final = 2e-4
"""Expected rate error of an unknown device: twice the 100 ppm of a cheap crystal."""
_SKEW_FLOOR: Final = 1e-6
"""Change of a crystal's rate with temperature; no measurement is better."""
_SKEW_CHANGE: Final = 1e-5
"""Change of a crystal's rate from one boot to another."""
_GATE_SIGMAS: Final = 5.0
"""Deviation in sigmas above which a pick is an outlier, if it also exceeds ``_GATE_S``."""
_GATE_S: Final = 0.5e-3
"""Deviation in seconds above which a pick is an outlier; Klipper's clocksync uses the same pair."""
_RESET_AFTER: Final = 5
"""Outliers in a row after which they replace the model: the clock has jumped, or has an unexpected rate."""
_PICKS: Final = 16
"""Picks in a model."""


class ClockFilter:
    """Learns how one stream's device clock maps to this host's monotonic clock.

    Weighted regression over the last picks, with the crystal's tolerance as prior of the rate, so that two picks a
    second apart give no wild rate. One filter serves one boot of the device.
    """

    def __init__(
        self, stream_id: UUID, boot_id: UUID, *, stored: ClockModel | None = None, sibling: ClockModel | None = None
    ) -> None:
        """``stored`` is this stream's earlier clock; it counts as a pick if it was learnt in this boot of the host.

        So a first burst on a bad line does not replace a better clock. ``sibling`` is the clock of another boot of the
        same device, whose rate is the prior of this one's.
        """
        self._stream_id = stream_id
        self._boot_id = boot_id
        self._picks: deque[_Pick] = deque(maxlen=_PICKS)
        self._outliers: list[_Pick] = []
        self._expected_skew, self._skew_sigma = 0.0, _CRYSTAL_SKEW
        self.model: ClockModel | None = None
        self.synchronised = False
        """Whether the model includes a burst of this filter."""
        self.rejected = 0
        """Picks rejected as outliers."""
        self.resets = 0
        """Times that outliers replaced the model."""
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
        """Process the probes of one burst; return whether the model changed. Only the least delayed probe counts."""
        if not probes:
            return False
        best = min(probes, key=lambda probe: probe.round_trip_ns)
        pick = _Pick(
            (best.device_received_us + best.device_sent_us) // 2,
            (best.sent_ns + best.received_ns) // 2,
            max(best.round_trip_ns / 2e9, _MIN_SIGMA_S),
        )
        if self.synchronised and self._borrowed and self._is_outlier(pick):
            self._expected_skew, self._skew_sigma, self._borrowed = (
                0.0,
                _CRYSTAL_SKEW,
                False,
            )  # the sibling may have had another crystal
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
                self._picks.clear()  # the stored clock is not this one
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
        """Weighted least squares of (mono - ticks) over ticks, about the picks' centre, where the two errors are independent."""
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
        # The reference is a whole tick; the mapping includes the shift by its rounding.
        ref_ticks_us = origin.ticks_us + round(x0 * 1e6)
        x_ref = (ref_ticks_us - origin.ticks_us) / 1e6
        offset_s = y0 + slope * (x_ref - x0) + x_ref * (1 + self._expected_skew)
        # An asymmetric path is wrong in the same direction each time and does not average out. So the uncertainties are
        # worst cases: each pick is wrong by half a round trip, in the worst direction.
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
