"""A lane of the simulated range: distance, butt, face and the arrows that belong to it.

Millimetres in the butt frame: origin at the lower left of the butt as seen from the shooting line, +x right, +y up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from uuid import UUID, uuid5

from simulators.world.vocabulary import Result

ARROW_NAMESPACE = UUID("0f6d5a52-59f0-5c39-8a35-2f1f4e1f6a10")
"""Namespace of the ids of simulated arrows. It never changes, so that every run uses the same ids."""

_QUIVER = 12
_LINE_TOLERANCE_MM = 1e-6
_BUTT_MM = 1280.0


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow with an RFID tag in its nock. Its EPC is its id."""

    id: UUID
    human_identifier: str
    diameter_mm: float
    length_cm: float

    @property
    def tag(self) -> str:
        """The EPC as lower-case hex."""
        return self.id.hex


@dataclass(frozen=True, slots=True)
class Face:
    """A target face, and the position of its centre on the butt."""

    code: str
    version: int
    x_mm: float
    y_mm: float
    radii_mm: tuple[float, ...]
    """Outer radii of the scoring zones, from the innermost (World Archery: a line belongs to the zone inside it)."""
    points: tuple[int, ...]
    """Points of each zone, in the order of ``radii_mm``."""
    x_radius_mm: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane, one butt, one face, one archer."""

    number: int
    distance_m: float
    is_indoor: bool
    butt_width_mm: float
    butt_height_mm: float
    face: Face
    arrows_per_end: int
    arrows: tuple[Arrow, ...]

    def impact(self, x_mm: float, y_mm: float, diameter_mm: float) -> Result:
        """Return the result of a shaft of this diameter centred at (x, y). A shaft that touches the outermost line scores."""
        if not (0.0 <= x_mm <= self.butt_width_mm and 0.0 <= y_mm <= self.butt_height_mm):
            return Result.MISS
        inner_edge = math.hypot(x_mm - self.face.x_mm, y_mm - self.face.y_mm) - diameter_mm / 2
        return Result.HIT if inner_edge <= self.face.radii_mm[-1] + _LINE_TOLERANCE_MM else Result.OFF_FACE


def make_lane(number: int) -> Lane:
    """Return a lane of the default range: 70 m outdoors, one 122 cm face in the middle of the butt.

    Independent of the seed: the arrows that one run registers are the arrows of the next.

    Raises ValueError when the number is outside 1 .. 999.
    """
    if not 1 <= number <= 999:
        raise ValueError(f"lane {number} does not exist. Lanes are numbered 1 to 999.")
    return Lane(
        number=number,
        distance_m=70.0,
        is_indoor=False,
        butt_width_mm=_BUTT_MM,
        butt_height_mm=_BUTT_MM,
        face=Face(
            code="wa_122",
            version=1,
            x_mm=_BUTT_MM / 2,
            y_mm=_BUTT_MM / 2,
            radii_mm=tuple(61.0 * ring for ring in range(1, 11)),
            points=tuple(range(10, 0, -1)),
            x_radius_mm=30.5,
        ),
        arrows_per_end=6,
        arrows=tuple(
            Arrow(
                id=uuid5(ARROW_NAMESPACE, f"lane/{number}/arrow/{index}"),
                human_identifier=f"L{number}-{index:02d}",
                diameter_mm=6.0,
                length_cm=72.0,
            )
            for index in range(1, _QUIVER + 1)
        ),
    )
