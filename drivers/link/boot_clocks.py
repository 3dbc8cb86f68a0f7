"""What is known of the clocks of a link node's boots, and which of them dates an event best. Pure.

Every boot of a node counts by the same crystal, and HELLO tells how far their beginnings lie apart. So the clock of one
boot dates the events of another: also of a boot that was over before any hub could ask it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final
from uuid import UUID

from drivers.clock.filter import mono_of, stamp_of, uncertainty_of
from drivers.clock.instant import ClockPair
from drivers.clock.transfer import MAX_TICKS_US
from drivers.contract import ClockModel, Stamp

MAX_AGE_NS: Final = 400 * 86_400 * 1_000_000_000
"""An event that is older has a broken time stamp."""
AHEAD_NS: Final = 1_000_000_000
"""An event that comes this long before it happens has a broken time stamp."""

PAUSE_ERROR_S: Final = 0.2e-3
"""How wrong a node may measure the time between two boots, whatever its length (docs/protocol-link.md)."""
PAUSE_RATE: Final = 2e-4
"""And how wrong it may be for each second of it: 100 ppm of the clock that ran on, and 100 ppm of the crystal."""
PLACES_KEPT: Final = 64
CONTRADICTION_S: Final = 1e-3
"""A clock that was measured and one that was derived, further apart than their uncertainties and this: HELLO is wrong."""

NO_CLOCK: Final = "not dated: the clock of that boot of the device is not known"
BAD_CLOCK: Final = "not dated: the device's time stamp is not plausible"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a boot lies among the others."""

    stream_id: UUID
    zero_us: int
    """Its tick 0 in ticks of the present boot: 0 for that one, less for earlier ones."""
    previous: UUID | None
    """The boot before it."""
    blind_us: int | None
    """How long the pause before it was."""


class StreamClocks:
    """The clocks of all boots that are known: those of earlier days, and those learnt since."""

    def __init__(self, stored: Iterable[ClockModel], host_boot_id: UUID) -> None:
        """``stored`` may hold clocks of other boots of this host: those say nothing about its present clock."""
        self.host_boot_id = host_boot_id
        self._models = {model.stream_id: model for model in stored if model.host_boot_id == host_boot_id}
        self._places: dict[UUID, Place] = {}

    def rate(self) -> ClockModel | None:
        """The clock of this node whose rate is known best: all of its boots count by one crystal."""
        return min(self._models.values(), key=lambda model: model.skew_uncertainty, default=None)

    def get(self, stream_id: UUID) -> ClockModel | None:
        """What was learnt of a stream's clock itself."""
        return self._models.get(stream_id)

    def learn(self, model: ClockModel) -> None:
        """Know better from now on."""
        self._models[model.stream_id] = model

    def forget(self, stream_id: UUID) -> None:
        """The stream will not be heard of again."""
        self._models.pop(stream_id, None)

    def place(self, places: Iterable[Place]) -> None:
        """How the node's boots lie to each other, as its last HELLO tells; implausible ones are left out.

        HELLO lists a few; one of an earlier HELLO keeps its place beside those that both know.
        """
        told = {place.stream_id: place for place in places if -MAX_TICKS_US <= place.zero_us <= 0}
        present = next((place.stream_id for place in self._places.values() if place.zero_us == 0), None)
        if present is not None and present in told:
            later_us = told[present].zero_us
            for place in self._places.values():
                told.setdefault(place.stream_id, replace(place, zero_us=place.zero_us + later_us))
        newest = sorted(told.values(), key=lambda place: place.zero_us)[-PLACES_KEPT:]
        self._places = {place.stream_id: place for place in newest}

    def best(self, stream_id: UUID, ticks_us: int) -> ClockModel | None:
        """The clock that knows a tick of a stream best: its own, or one derived from another boot's."""
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
        """Whether what is still learnt of the present boot's clock tells of this stream's, too."""
        place = self._places.get(stream_id)
        return place is not None and place.zero_us < 0

    def date(self, stream_id: UUID, ticks_us: int, received_ns: int, pair: ClockPair) -> tuple[Stamp, str | None]:
        """When a tick was, and why that is only the time of receipt if it is."""
        model = self.best(stream_id, ticks_us)
        if model is None:
            return Stamp(pair.utc_of(received_ns), None, self.host_boot_id), NO_CLOCK
        slack_ns = AHEAD_NS + round(uncertainty_of(model, ticks_us) * 1e9)
        if not received_ns - MAX_AGE_NS <= mono_of(model, ticks_us) <= received_ns + slack_ns:
            return Stamp(pair.utc_of(received_ns), None, self.host_boot_id), BAD_CLOCK
        return stamp_of(model, ticks_us, pair), None

    def _derived(self, stream_id: UUID) -> list[ClockModel]:
        """The clocks that other boots' clocks make for an earlier one. The present one is asked itself."""
        place = self._places.get(stream_id)
        if place is None or place.zero_us == 0:
            return []
        return [
            self._moved(self._models[other.stream_id], other, place)
            for other in self._places.values()
            if other is not place and other.stream_id in self._models
        ]

    def _moved(self, model: ClockModel, of: Place, to: Place) -> ClockModel:
        """One boot's clock as another's: the same line, counted from the other's tick 0, and less sure for the pauses.

        While a boot ran its crystal has counted; what lies between two boots was measured by the clock that ran on.
        """
        oldest, newest = sorted((of.zero_us, to.zero_us))
        between = sorted(
            (place for place in self._places.values() if oldest <= place.zero_us <= newest),
            key=lambda place: place.zero_us,
        )
        pauses_us = sum(_pause_us(before, place) for before, place in pairwise(between))
        return replace(
            model,
            stream_id=to.stream_id,
            ref_ticks_us=model.ref_ticks_us + of.zero_us - to.zero_us,
            uncertainty_s=model.uncertainty_s + (len(between) - 1) * PAUSE_ERROR_S + pauses_us / 1e6 * PAUSE_RATE,
        )


def _pause_us(before: Place, place: Place) -> int:
    """What of the time between two beginnings no crystal counted; all of it when boots in between are not told of."""
    if place.previous == before.stream_id and place.blind_us is not None:
        return place.blind_us
    return place.zero_us - before.zero_us
