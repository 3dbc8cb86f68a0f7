"""The group: its middle, its spread and their uncertainty, and the correction of the sight.

Points are millimetres from the middle of the face: +x right, +y high, as the archer sees the target. The model is a normal
distribution with the same standard deviation, sigma, on both axes; a few arrows allow no other. Every constant follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge.common.frames import FacePoint
from edge.statistics.distributions import chi_square_quantile, deviation_ratio

SPREAD_FROM = 6
"""Arrows from which a spread is shown: with fewer, its interval is wider than the difference of two archers."""
TREND_FROM = 12
"""Arrows from which a trend is shown: two halves with a spread each."""
INTERVAL = 0.95
"""Chance that the interval of a spread contains the true value."""
HALF_WITHIN = math.sqrt(2 * math.log(2))
"""Radius, in sigma, of the circle that holds half of the arrows: 1.1774."""
MOST_WITHIN = math.sqrt(2 * math.log(20))
"""Radius, in sigma, of the circle that holds 95 of 100 arrows: 2.4477."""
BEYOND_CHANCE = 2.0
"""Standard errors beyond which a middle is off on an axis, or has moved."""
EYE_TO_SIGHT_M = 0.85
"""Length from the eye to the sight at full draw, metres; it varies by a tenth between archers."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviation on one axis, millimetres, without bias, and the interval that contains the true one in 95 of 100 cases."""

    sigma_mm: float
    low_mm: float
    high_mm: float


@dataclass(frozen=True, slots=True)
class Trend:
    """The later half of the arrows against the earlier one."""

    dx_mm: float
    dy_mm: float
    error_mm: float
    """Standard error of the move, on each axis."""
    moved_x: bool
    moved_y: bool
    """Whether it moved on the axis by more than two standard errors."""
    before: Spread
    after: Spread
    is_wider: bool
    is_tighter: bool
    """Whether the interval of the later spread lies wholly beyond the earlier one's."""


@dataclass(frozen=True, slots=True)
class SightCorrection:
    """The move of the sight that brings the middle of the group to the middle of the face: towards the group.

    It is None on an axis on which the middle is not off by more than two standard errors.
    """

    right_mm: float | None
    """Millimetres at the sight, to the right; negative to the left."""
    up_mm: float | None
    """Millimetres at the sight, upwards; negative downwards."""
    known_to_mm: float
    """Two standard errors of the middle on the target: a smaller offset is not known from none."""
    eye_to_sight_m: float
    is_centred: bool
    """The middle is not off on any axis, and enough arrows say so: it is known to half the spread of one arrow, from 16 arrows on."""


@dataclass(frozen=True, slots=True)
class Group:
    """Statistics of a group, as far as its number of arrows allows."""

    n: int
    dx_mm: float
    dy_mm: float
    """The middle: mean place of the arrows."""
    error_mm: float | None
    """Standard error of the middle on each axis; None with fewer than SPREAD_FROM arrows."""
    spread: Spread | None
    """None with fewer than SPREAD_FROM arrows."""
    r50_mm: float | None
    """Radius around the middle that holds half of all arrows shot like these."""
    r95_mm: float | None
    """Radius around the middle that holds 95 of 100."""
    mean_radius_mm: float | None
    """Mean distance of the arrows from their own middle; None for a single arrow."""
    extreme_spread_mm: float | None
    """Distance of the two arrows farthest apart. It grows with n: compare it only between groups of equal n."""
    is_off_x: bool
    is_off_y: bool
    """Whether the middle is off on the axis by more than two standard errors."""
    trend: Trend | None
    """None with fewer than TREND_FROM arrows."""


def middle(points: Sequence[FacePoint]) -> FacePoint:
    """Return the mean place. Raises ZeroDivisionError without points."""
    n = len(points)
    return FacePoint(sum(point.x for point in points) / n, sum(point.y for point in points) / n)


def squares(points: Sequence[FacePoint]) -> float:
    """Return the sum of squared distances to the points' own middle, square millimetres."""
    centre = middle(points)
    return sum((point.x - centre.x) ** 2 + (point.y - centre.y) ** 2 for point in points)


def spread(sum_of_squares: float, repeats: int) -> Spread:
    """Return sigma from a sum of squares over both axes; ``repeats`` is the number of points less the number of middles.

    Each axis has that many degrees of freedom. Raises ValueError below 1.
    """
    if repeats < 1:
        raise ValueError("a spread needs a repeated shot")
    freedom = 2 * repeats
    beyond = (1 - INTERVAL) / 2
    return Spread(
        math.sqrt(sum_of_squares / freedom) / deviation_ratio(freedom),
        math.sqrt(sum_of_squares / chi_square_quantile(1 - beyond, freedom)),
        math.sqrt(sum_of_squares / chi_square_quantile(beyond, freedom)),
    )


def group(points: Sequence[FacePoint]) -> Group | None:
    """Return the statistics of points in the order they were shot; None without any."""
    n = len(points)
    if not n:
        return None
    centre = middle(points)
    known = spread(squares(points), n - 1) if n >= SPREAD_FROM else None
    error = known.sigma_mm / math.sqrt(n) if known else None
    return Group(
        n=n,
        dx_mm=centre.x,
        dy_mm=centre.y,
        error_mm=error,
        spread=known,
        r50_mm=HALF_WITHIN * known.sigma_mm if known else None,
        r95_mm=MOST_WITHIN * known.sigma_mm if known else None,
        mean_radius_mm=sum(distance(point, centre) for point in points) / n if n > 1 else None,
        extreme_spread_mm=extreme_spread(points) if n > 1 else None,
        is_off_x=error is not None and abs(centre.x) > BEYOND_CHANCE * error,
        is_off_y=error is not None and abs(centre.y) > BEYOND_CHANCE * error,
        trend=_trend(points) if n >= TREND_FROM else None,
    )


def sight_correction(found: Group, distance_m: float, eye_to_sight_m: float = EYE_TO_SIGHT_M) -> SightCorrection | None:
    """Return the correction of the sight for a target at a distance in metres; None while no spread is known.

    By the intercept theorem the sight moves by the offset times the eye-to-sight length over the distance.
    """
    if found.error_mm is None or found.spread is None:
        return None
    known_to_mm = BEYOND_CHANCE * found.error_mm
    share = eye_to_sight_m / distance_m
    return SightCorrection(
        right_mm=found.dx_mm * share if found.is_off_x else None,
        up_mm=found.dy_mm * share if found.is_off_y else None,
        known_to_mm=known_to_mm,
        eye_to_sight_m=eye_to_sight_m,
        is_centred=not (found.is_off_x or found.is_off_y) and known_to_mm <= found.spread.sigma_mm / 2,
    )


def distance(one: FacePoint, other: FacePoint) -> float:
    """Return the distance of two points, millimetres."""
    return math.hypot(one.x - other.x, one.y - other.y)


def extreme_spread(points: Sequence[FacePoint]) -> float:
    """Return the distance of the two points farthest apart, which are corners of the convex hull."""
    corners = _hull(points)
    return max((distance(one, other) for i, one in enumerate(corners) for other in corners[:i]), default=0.0)


def _hull(points: Sequence[FacePoint]) -> list[FacePoint]:
    """Return the corners of the convex hull (monotone chain)."""
    ordered = sorted(set(points), key=lambda point: (point.x, point.y))
    if len(ordered) < 3:
        return ordered
    lower, upper = _chain(ordered), _chain(ordered[::-1])
    return lower[:-1] + upper[:-1]


def _chain(ordered: Sequence[FacePoint]) -> list[FacePoint]:
    chain: list[FacePoint] = []
    for point in ordered:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain


def _turn(a: FacePoint, b: FacePoint, c: FacePoint) -> float:
    """Return a positive number when the way from a over b to c turns left."""
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)


def _trend(points: Sequence[FacePoint]) -> Trend:
    cut = len(points) // 2
    early, late = points[:cut], points[cut:]
    start, end = middle(early), middle(late)
    before, after = spread(squares(early), len(early) - 1), spread(squares(late), len(late) - 1)
    error = math.sqrt(before.sigma_mm**2 / len(early) + after.sigma_mm**2 / len(late))
    dx, dy = end.x - start.x, end.y - start.y
    return Trend(
        dx_mm=dx,
        dy_mm=dy,
        error_mm=error,
        moved_x=abs(dx) > BEYOND_CHANCE * error,
        moved_y=abs(dy) > BEYOND_CHANCE * error,
        before=before,
        after=after,
        is_wider=after.low_mm > before.high_mm,
        is_tighter=after.high_mm < before.low_mm,
    )
