"""The value of a landing in exact arithmetic: an oracle for scores, written without the code that it judges.

Coordinates are doubles; each is an integer number of steps of 2^-120 mm. A shaft touches a line when the distance of its
centre from the middle is at most the line's radius, half the shaft and a millionth of a millimetre.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from edge.shots.faces import FaceSpec

BITS = 120
MILLIONTH_MM = Fraction(1, 10**6)


def steps(value: float) -> int:
    """A double in steps, exactly."""
    scaled = math.ldexp(value, BITS)
    assert scaled == math.floor(scaled)
    return int(scaled)


def largest_square(radius: Fraction) -> int:
    """The largest square of a distance in steps that is within a radius."""
    in_steps = radius * (1 << BITS)
    return math.floor(in_steps * in_steps)


class Oracle:
    """Values on one face that is placed on a butt, for shafts of one diameter."""

    def __init__(self, spec: FaceSpec, middle: tuple[float, float], diameter_mm: float, x_points: int | None) -> None:
        half = Fraction(diameter_mm) / 2
        self._spots = [(steps(spot.x_mm), steps(spot.y_mm)) for spot in spec.placed(*middle)]
        self._rings = [largest_square(Fraction(radius) + half + MILLIONTH_MM) for radius in spec.radii_mm]
        self._points: Sequence[int] = (*spec.points, 0)
        x_radius = spec.x_radius_mm
        self._x = -1 if x_radius is None else largest_square(Fraction(x_radius) + half + MILLIONTH_MM)
        self._x_points = spec.points[0] if x_points is None else x_points

    def value(self, x: float, y: float) -> tuple[int, bool]:
        """Points of a landing, and whether it is an X: the highest of all spots."""
        at_x, at_y = steps(x), steps(y)
        best = (0, False)
        for spot_x, spot_y in self._spots:
            square = (at_x - spot_x) ** 2 + (at_y - spot_y) ** 2
            is_x = square <= self._x
            points = self._x_points if is_x else self._points[bisect_left(self._rings, square)]
            best = max(best, (points, is_x))
        return best
