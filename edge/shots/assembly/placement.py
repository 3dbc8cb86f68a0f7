"""Where a target's positions lie on the butt: by the calibration that was active when the arrow landed, else nominally."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from edge.common.frames import SensorMap
from edge.common.vocabulary import SensorOrigin


@dataclass(frozen=True, slots=True)
class Calibration:
    """A stored calibration of a target."""

    id: UUID
    sensor_map: SensorMap
    sigma_mm: float
    """Standard deviation of a position in one direction, millimetres."""


@dataclass(frozen=True, slots=True)
class Activation:
    """Instant from which a calibration is active; None means that none is."""

    since: float
    """Minus infinity where a rescore chose the calibration."""
    calibration: Calibration | None


@dataclass(frozen=True, slots=True)
class Placement:
    """The place of one target's sensor on its butt."""

    origin: SensorOrigin = SensorOrigin.LOWER_LEFT
    activations: tuple[Activation, ...] = ()
    """In the order in which operators entered them, which is that of their instants."""

    def calibration_at(self, t: float) -> Calibration | None:
        """The calibration that was active at an instant; None before the first one, and after the rollback of it."""
        for activation in reversed(self.activations):
            if activation.since <= t:
                return activation.calibration
        return None

    def changed_since(self, former: Placement) -> float | None:
        """The earliest instant from which the active calibration may differ from that of ``former``; None for no change.

        Compares activations, not origins.
        """
        if self.activations == former.activations:
            return None
        return min(_differing(former.activations, self.activations))


UNKNOWN_PLACEMENT = Placement()
"""The placement of a target of which nothing is recorded."""


def _differing(former: tuple[Activation, ...], present: tuple[Activation, ...]) -> Iterator[float]:
    common = 0
    for one, other in zip(former, present, strict=False):
        if one != other:
            break
        common += 1
    yield from (activation.since for activation in (*former[common:], *present[common:]))
