"""Clocks of a link node's boots, and the choice of the clock that dates an event best. Pure.

Every boot of a node counts by the same crystal, and HELLO lists the time between their starts. So the clock of one boot
dates the events of another, even of a boot that ended before a hub could request its time. Clocks are keyed by stream
id, because those of earlier days are stored with their streams.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final
from uuid import UUID

from drivers.clock.filter import mono_of, stamp_of, uncertainty_of
from drivers.clock.instant import ClockModel, ClockPair, Stamp
from drivers.clock.transfer import MAX_TICKS_US

MAX_AGE_NS: Final = 400 * 86_400 * 1_000_000_000
"""Greatest age of an event; an older one has a broken time stamp."""
AHEAD_NS: Final = 1_000_000_000
"""Greatest lead of an event's date over its receipt; with a longer one the time stamp is broken."""

PAUSE_ERROR_S: Final = 0.2e-3
"""Fixed part of a node's error in the time between two boots (docs/protocol-link.md)."""
PAUSE_RATE: Final = 2e-4
"""Error of that time per second: 100 ppm of the clock that ran on, and 100 ppm of the crystal."""
OFFSETS_KEPT: Final = 64
"""Greatest number of boots whose offsets are remembered."""
CONTRADICTION_S: Final = 1e-3
"""Tolerance, beyond both uncertainties, of the difference between a measured and a derived clock."""

NO_CLOCK: Final = "not dated: the clock of that boot of the device is not known"
BAD_CLOCK: Final = "not dated: the device's time stamp is not plausible"


@dataclass(frozen=True, slots=True)
class BootOffset:
    """Offset of a boot from the present boot."""

    stream_id: UUID
    zero_us: int
    """Its tick 0 in ticks of the present boot: 0 for that one, negative for earlier ones."""
    previous: UUID | None
    """The boot before it."""
    blind_us: int | None
    """Length of the pause before it."""


class StreamClocks:
    """The known clocks of all boots: those stored on earlier days, and those learnt since."""

    def __init__(self, stored: Iterable[ClockModel], host_boot_id: UUID) -> None:
        """``stored`` may hold clocks of other boots of this host; they do not apply to its present clock."""
        self.host_boot_id = host_boot_id
        self._models = {model.stream_id: model for model in stored if model.host_boot_id == host_boot_id}
        self._offsets: dict[UUID, BootOffset] = {}

    def best_rate(self) -> ClockModel | None:
        """The clock of this node whose rate is known best: all of its boots count by one crystal."""
        return min(self._models.values(), key=lambda model: model.skew_uncertainty, default=None)

    def get(self, stream_id: UUID) -> ClockModel | None:
        """The measured clock of a stream."""
        return self._models.get(stream_id)

    def store(self, model: ClockModel) -> None:
        """Replace the measured clock of a stream."""
        self._models[model.stream_id] = model

    def remove(self, stream_id: UUID) -> None:
        """Remove the measured clock of a stream."""
        self._models.pop(stream_id, None)

    def set_offsets(self, offsets: Iterable[BootOffset]) -> None:
        """Store the offsets of the node's boots from its last HELLO; implausible ones are ignored.

        HELLO lists only some boots. One of an earlier HELLO keeps its distance from those in both.
        """
        known = {offset.stream_id: offset for offset in offsets if -MAX_TICKS_US <= offset.zero_us <= 0}
        present = next((offset.stream_id for offset in self._offsets.values() if offset.zero_us == 0), None)
        if present is not None and present in known:
            later_us = known[present].zero_us
            for offset in self._offsets.values():
                known.setdefault(offset.stream_id, replace(offset, zero_us=offset.zero_us + later_us))
        newest = sorted(known.values(), key=lambda offset: offset.zero_us)[-OFFSETS_KEPT:]
        self._offsets = {offset.stream_id: offset for offset in newest}

    def can_date(self, stream_id: UUID) -> bool:
        """Whether a clock is known for a stream."""
        return stream_id in self._models or bool(self._derived(stream_id))

    def best(self, stream_id: UUID, ticks_us: int) -> ClockModel | None:
        """The clock with the least uncertainty at a tick of a stream: measured, or derived from another boot's."""
        own = self._models.get(stream_id)
        derived = self._derived(stream_id)
        if not derived:
            return own
        chosen = min(derived, key=lambda model: uncertainty_of(model, ticks_us))
        if own is None:
            return chosen
        both_s = uncertainty_of(own, ticks_us) + uncertainty_of(chosen, ticks_us)
        apart_s = abs(mono_of(own, ticks_us) - mono_of(chosen, ticks_us)) / 1e9
        if apart_s > both_s + CONTRADICTION_S or uncertainty_of(own, ticks_us) <= uncertainty_of(chosen, ticks_us):
            return own
        return chosen

    def may_improve(self, stream_id: UUID) -> bool:
        """Whether a better clock of the present boot improves the clock of this stream, too."""
        offset = self._offsets.get(stream_id)
        return offset is not None and offset.zero_us < 0

    def date(self, stream_id: UUID, ticks_us: int, received_ns: int, pair: ClockPair) -> tuple[Stamp, str | None]:
        """The instant of a tick; where it is only the time of receipt, also the reason."""
        model = self.best(stream_id, ticks_us)
        if model is None:
            return Stamp(pair.utc_of(received_ns), None, self.host_boot_id), NO_CLOCK
        slack_ns = AHEAD_NS + round(uncertainty_of(model, ticks_us) * 1e9)
        if not received_ns - MAX_AGE_NS <= mono_of(model, ticks_us) <= received_ns + slack_ns:
            return Stamp(pair.utc_of(received_ns), None, self.host_boot_id), BAD_CLOCK
        return stamp_of(model, ticks_us, pair), None

    def _derived(self, stream_id: UUID) -> list[ClockModel]:
        """The clocks of an earlier boot that are derived from other boots' clocks; none for the present boot."""
        offset = self._offsets.get(stream_id)
        if offset is None or offset.zero_us == 0:
            return []
        return [
            self._moved(self._models[other.stream_id], other, offset)
            for other in self._offsets.values()
            if other is not offset and other.stream_id in self._models
        ]

    def _moved(self, model: ClockModel, of: BootOffset, to: BootOffset) -> ClockModel:
        """One boot's clock as another's: the same line from the other's tick 0, with the uncertainty of the pauses.

        The crystal counts while a boot runs; the clock that runs on measures the time between two boots.
        """
        oldest, newest = sorted((of.zero_us, to.zero_us))
        between = sorted(
            (offset for offset in self._offsets.values() if oldest <= offset.zero_us <= newest),
            key=lambda offset: offset.zero_us,
        )
        pauses_us = sum(_pause_us(before, offset) for before, offset in pairwise(between))
        return replace(
            model,
            stream_id=to.stream_id,
            ref_ticks_us=model.ref_ticks_us + of.zero_us - to.zero_us,
            uncertainty_s=model.uncertainty_s + (len(between) - 1) * PAUSE_ERROR_S + pauses_us / 1e6 * PAUSE_RATE,
        )


def _pause_us(before: BootOffset, offset: BootOffset) -> int:
    """The time between two starts that no crystal counted; all of it when boots in between are not listed."""
    if offset.previous == before.stream_id and offset.blind_us is not None:
        return offset.blind_us
    return offset.zero_us - before.zero_us
