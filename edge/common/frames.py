"""The three frames of a position on a target, and the maps between them. Millimetres; pure.

Seen from the shooting line x grows to the right and y upwards in each of them; ``docs/frames.md`` has a drawing.

- *Sensor frame*: as the device reports it. It is stored raw, in ``readings``.
- *Butt frame*: from the lower left corner of the butt. Shots, faces, contacts and the page use it.
- *Face frame*: from the centre of one face. Scores and groups use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.common.vocabulary import SensorOrigin


@dataclass(frozen=True, slots=True)
class SensorPoint:
    """A position as the device reports it, in its own frame."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class ButtPoint:
    """A position from the lower left corner of the butt."""

    x: float
    y: float

    def distance_to(self, other: ButtPoint) -> float:
        """The distance of two positions on one butt."""
        return math.hypot(self.x - other.x, self.y - other.y)

    def on_face(self, centre: ButtPoint) -> FacePoint:
        """The position on a face whose centre is given."""
        return FacePoint(self.x - centre.x, self.y - centre.y)


@dataclass(frozen=True, slots=True)
class FacePoint:
    """A position from the centre of a face."""

    x: float
    y: float

    @property
    def radius(self) -> float:
        """The distance from the centre of the face."""
        return math.hypot(self.x, self.y)

    def on_butt(self, centre: ButtPoint) -> ButtPoint:
        """The position on the butt that carries the face, whose centre is given."""
        return ButtPoint(centre.x + self.x, centre.y + self.y)


@dataclass(frozen=True, slots=True)
class SensorMap:
    """The map from a sensor's frame to the butt: ``x = xx * sensed_x + xy * sensed_y + x0`` and likewise for y."""

    xx: float = 1.0
    xy: float = 0.0
    yx: float = 0.0
    yy: float = 1.0
    x0: float = 0.0
    """Place on the butt of the sensor's origin, millimetres."""
    y0: float = 0.0

    def to_butt(self, point: SensorPoint) -> ButtPoint:
        """The position on the butt of a sensed one."""
        return ButtPoint(
            self.xx * point.x + self.xy * point.y + self.x0, self.yx * point.x + self.yy * point.y + self.y0
        )

    def to_sensor(self, point: ButtPoint) -> SensorPoint:
        """The position that the sensor reports of one on the butt. Raises ZeroDivisionError for a map onto a line."""
        determinant = self.xx * self.yy - self.xy * self.yx
        x, y = point.x - self.x0, point.y - self.y0
        return SensorPoint((self.yy * x - self.xy * y) / determinant, (self.xx * y - self.yx * x) / determinant)


IDENTITY = SensorMap()
"""The map of a sensor that counts from the lower left corner of the butt."""


def nominal_map(origin: SensorOrigin, butt: tuple[float, float] | None) -> SensorMap:
    """The map of a target without a calibration: mounted square and in the middle of a butt of this width and height.

    Where the size of the butt is not known a sensor that counts from the middle keeps its own positions.
    """
    if origin is SensorOrigin.LOWER_LEFT or butt is None:
        return IDENTITY
    return SensorMap(x0=butt[0] / 2, y0=butt[1] / 2)
