"""The fit of a target's positions to known places on its butt: map, residuals, accuracy, and points that stand out.

With points as complex numbers the map of the usual model is ``known = a * sensed + b``: |a| is the scale, its angle the rotation.
Least squares give it in closed form. Residuals are distances on the butt in millimetres, and sigma is their standard deviation in
one direction, the square root of the sum of squares over its degrees of freedom (2n - 4 for n points, 2n - 6 for an affine map).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from edge.common.frames import ButtPoint, SensorMap, SensorPoint
from edge.common.vocabulary import CalibrationModel

LEAST_POINTS = {CalibrationModel.SIMILARITY: 4, CalibrationModel.AFFINE: 6}
"""Fewest points of each model: with fewer sigma says nothing."""
PARAMETERS = {CalibrationModel.SIMILARITY: 4, CalibrationModel.AFFINE: 6}
LARGEST_STRETCH = 0.005
"""Largest deviation of the scale from 1. A larger one is another face, other places or another unit, and no mounting error."""
LEAST_SPREAD_MM = 30.0
"""Least root mean square distance of the known places from their middle."""
LEAST_SENSED_MM = 1.0
"""Least root mean square distance of the sensed places from their middle: below it the sensor does not distinguish the points."""
LEAST_WIDTH = 0.1
"""Least ratio of the width of the known places to their length: below it they lie on one line."""
MIRRORED_RATIO = 3.0
"""Ratio of residuals from which a mirrored map explains the points, and an upright one does not."""
SIGNIFICANCE = 0.01
"""Chance at which a good point counts as standing out, or an affine map as needed without being so."""
FINEST_MM = 0.01
"""Resolution of the sensors: sigma of a point left out counts as no smaller."""
RING_LIMITS_MM = ((30.0, 0.5), (40.0, 0.8), (math.inf, 1.2))
"""Largest sigma by the width of the narrowest ring: 20 and 30 mm (faces of 40 and 60 cm), 40 mm (80 cm), wider (122 cm)."""


class Refusal(StrEnum):
    """The reason why points give no calibration."""

    TOO_FEW = "too_few"
    TOO_CLOSE = "too_close"
    ALL_ALIKE = "all_alike"
    ON_A_LINE = "on_a_line"
    MIRRORED = "mirrored"
    OUTLIER = "outlier"
    SCALE = "scale"
    NOT_JUSTIFIED = "not_justified"


@dataclass(frozen=True, slots=True)
class PointPair:
    """A known place on the butt, and the position that the sensor reported for it."""

    name: str
    known: ButtPoint
    sensed: SensorPoint


@dataclass(frozen=True, slots=True)
class Residual:
    """The distance from a point's known place to the place that the map gives it, millimetres."""

    dx: float
    dy: float

    @property
    def length(self) -> float:
        """The length of the residual."""
        return math.hypot(self.dx, self.dy)


@dataclass(frozen=True, slots=True)
class Outlier:
    """The point that stands out most: the others agree much better without it."""

    index: int
    distance_mm: float
    """Distance from its known place to that by the map of the other points."""
    sigma_without_mm: float
    """Sigma of the other points."""


class AlignmentRefused(Exception):
    """The points give no calibration. ``message`` states why, ``hint`` the remedy; ``outlier`` the point that may be at fault."""

    def __init__(self, reason: Refusal, message: str, hint: str, outlier: Outlier | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.hint = hint
        self.outlier = outlier


@dataclass(frozen=True, slots=True)
class Alignment:
    """The map that fits the points best."""

    model: CalibrationModel
    sensor_map: SensorMap
    scale: float
    rotation_deg: float
    """Angle by which the sensor is turned against the clock."""
    residuals: tuple[Residual, ...]
    """In the order of the points."""
    sigma_mm: float
    """Standard deviation of a position in one direction."""
    middle: ButtPoint
    """Middle of the known places, where the map is most accurate."""
    middle_error_mm: float
    """Standard error of the map there, in one direction."""
    spread_mm: float
    """Root mean square distance of the known places from their middle."""
    outlier: Outlier | None
    affine_chance: float | None
    """Chance that noise alone makes an affine map fit this much better; None with too few points to decide."""

    @property
    def needs_affine(self) -> bool:
        """Whether the residuals of a similarity justify an affine map."""
        return self.affine_chance is not None and self.affine_chance < SIGNIFICANCE

    def standard_error_at(self, place: ButtPoint) -> float:
        """The standard error of the map at a place, in one direction, as of a similarity."""
        count = len(self.residuals)
        reach = place.distance_to(self.middle) / self.spread_mm
        return self.middle_error_mm * math.sqrt(1.0 + reach * reach) if count else math.inf


def align(points: Sequence[PointPair], model: CalibrationModel = CalibrationModel.SIMILARITY) -> Alignment:
    """Fit the map of a model to points. Raises AlignmentRefused when they give no calibration."""
    _refuse_unfit(points, model)
    fit = _fit(points, model)
    _refuse_mirrored(points)
    outlier = _outlier(points, model)
    _refuse_scale(points, model, fit, outlier)
    chance = _affine_chance(points)
    if model is CalibrationModel.AFFINE and (chance is None or chance >= SIGNIFICANCE):
        raise AlignmentRefused(
            Refusal.NOT_JUSTIFIED,
            "the points do not justify an affine map: noise alone explains that it fits better"
            + ("" if chance is None else f" (chance {chance:.0%})"),
            "Calibrate without --affine, or take more points.",
        )
    middle = _middle([_of(pair.known) for pair in points])
    spread = math.sqrt(sum(abs(_of(pair.known) - middle) ** 2 for pair in points) / len(points))
    return Alignment(
        model,
        fit.sensor_map,
        fit.scale,
        fit.rotation_deg,
        fit.residuals,
        fit.sigma_mm,
        ButtPoint(middle.real, middle.imag),
        fit.sigma_mm / math.sqrt(len(points)),
        spread,
        outlier,
        chance,
    )


def largest_sigma_mm(radii_mm: Sequence[float]) -> float:
    """The largest sigma that a face accepts, by the radii of its rings; without a face the strictest."""
    widths = [outer - inner for inner, outer in pairwise(radii_mm)] or list(radii_mm)
    narrowest = min(widths, default=0.0)
    return next(limit for width, limit in RING_LIMITS_MM if narrowest <= width)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A map and how well it fits, before anything is judged."""

    sensor_map: SensorMap
    residuals: tuple[Residual, ...]
    squares: float
    freedom: int

    @property
    def sigma_mm(self) -> float:
        return math.sqrt(self.squares / self.freedom) if self.freedom > 0 else math.inf

    @property
    def scale(self) -> float:
        m = self.sensor_map
        return math.sqrt(abs(m.xx * m.yy - m.xy * m.yx))

    @property
    def rotation_deg(self) -> float:
        m = self.sensor_map
        return math.degrees(math.atan2(m.yx - m.xy, m.xx + m.yy))


def _of(point: ButtPoint | SensorPoint) -> complex:
    return complex(point.x, point.y)


def _middle(points: Sequence[complex]) -> complex:
    return sum(points) / len(points)


def _fit(points: Sequence[PointPair], model: CalibrationModel, *, mirrored: bool = False) -> _Fit:
    """The least squares fit; ``mirrored`` counts the sensed y downwards."""
    sensed = [_of(pair.sensed).conjugate() if mirrored else _of(pair.sensed) for pair in points]
    known = [_of(pair.known) for pair in points]
    from_middle, to_middle = _middle(sensed), _middle(known)
    z = [one - from_middle for one in sensed]
    w = [one - to_middle for one in known]
    if model is CalibrationModel.SIMILARITY:
        a = sum(p.conjugate() * q for p, q in zip(z, w, strict=True)) / (sum(abs(p) ** 2 for p in z) or 1.0)
        matrix = (a.real, -a.imag, a.imag, a.real)
    else:
        matrix = _affine_matrix(z, w)
    xx, xy, yx, yy = matrix
    if mirrored:
        xy, yy = -xy, -yy
        from_middle = from_middle.conjugate()
    x0 = to_middle.real - xx * from_middle.real - xy * from_middle.imag
    y0 = to_middle.imag - yx * from_middle.real - yy * from_middle.imag
    found = SensorMap(xx, xy, yx, yy, x0, y0)
    residuals = tuple(_residual(pair, found) for pair in points)
    squares = sum(residual.dx**2 + residual.dy**2 for residual in residuals)
    return _Fit(found, residuals, squares, 2 * len(points) - PARAMETERS[model])


def _affine_matrix(z: Sequence[complex], w: Sequence[complex]) -> tuple[float, float, float, float]:
    """The matrix of the affine fit of centred points."""
    uu, vv = sum(p.real**2 for p in z), sum(p.imag**2 for p in z)
    uv = sum(p.real * p.imag for p in z)
    determinant = uu * vv - uv * uv or 1.0
    rows: list[float] = []
    for part in ([q.real for q in w], [q.imag for q in w]):
        u = sum(p.real * q for p, q in zip(z, part, strict=True))
        v = sum(p.imag * q for p, q in zip(z, part, strict=True))
        rows += [(u * vv - v * uv) / determinant, (v * uu - u * uv) / determinant]
    return rows[0], rows[1], rows[2], rows[3]


def _residual(pair: PointPair, sensor_map: SensorMap) -> Residual:
    place = sensor_map.to_butt(pair.sensed)
    return Residual(place.x - pair.known.x, place.y - pair.known.y)


def _chance(f: float, freedom: int) -> float:
    """The chance that F of 2 and ``freedom`` degrees of freedom exceeds a value; with two it has a closed form."""
    return math.exp(-freedom / 2.0 * math.log1p(2.0 * f / freedom))


def _outlier(points: Sequence[PointPair], model: CalibrationModel) -> Outlier | None:
    """The point that the map of the others misses by more than their noise explains."""
    worst: tuple[float, Outlier] | None = None
    for index, pair in enumerate(points):
        others = [*points[:index], *points[index + 1 :]]
        fit = _fit(others, model)
        if fit.freedom <= 0 or not _is_spread(others):
            continue
        sigma = max(fit.sigma_mm, FINEST_MM)
        distance = _residual(pair, fit.sensor_map).length
        f = distance**2 / (2.0 * sigma**2 * (1.0 + _leverage(pair, others, model)))
        chance = _chance(f, fit.freedom)
        if worst is None or chance < worst[0]:
            worst = chance, Outlier(index, distance, fit.sigma_mm)
    return worst[1] if worst is not None and worst[0] * len(points) < SIGNIFICANCE else None


def _leverage(pair: PointPair, others: Sequence[PointPair], model: CalibrationModel) -> float:
    """The variance of the others' map at a point, in units of sigma squared."""
    sensed = [_of(other.sensed) for other in others]
    middle = _middle(sensed)
    z, at = [one - middle for one in sensed], _of(pair.sensed) - middle
    uu, vv, uv = sum(p.real**2 for p in z), sum(p.imag**2 for p in z), sum(p.real * p.imag for p in z)
    if model is CalibrationModel.SIMILARITY:
        return 1.0 / len(z) + abs(at) ** 2 / ((uu + vv) or 1.0)
    determinant = uu * vv - uv * uv or 1.0
    return 1.0 / len(z) + (vv * at.real**2 - 2.0 * uv * at.real * at.imag + uu * at.imag**2) / determinant


def _affine_chance(points: Sequence[PointPair]) -> float | None:
    """The chance that noise alone lets an affine map fit as much better than a similarity as it does."""
    if len(points) < LEAST_POINTS[CalibrationModel.AFFINE]:
        return None
    similar, affine = _fit(points, CalibrationModel.SIMILARITY), _fit(points, CalibrationModel.AFFINE)
    noise = max(affine.squares / affine.freedom, FINEST_MM**2)
    return _chance(max(0.0, similar.squares - affine.squares) / 2.0 / noise, affine.freedom)


def _extent(points: Sequence[PointPair]) -> tuple[float, float]:
    """The length and the width of the known places, each as a root mean square from their middle."""
    known = [_of(pair.known) for pair in points]
    middle = _middle(known)
    z = [one - middle for one in known]
    uu, vv = sum(p.real**2 for p in z) / len(z), sum(p.imag**2 for p in z) / len(z)
    uv = sum(p.real * p.imag for p in z) / len(z)
    half, root = (uu + vv) / 2.0, math.hypot((uu - vv) / 2.0, uv)
    return math.sqrt(half + root), math.sqrt(max(0.0, half - root))


def _is_spread(points: Sequence[PointPair]) -> bool:
    length, width = _extent(points)
    return math.hypot(length, width) >= LEAST_SPREAD_MM and width >= LEAST_WIDTH * length


def _refuse_unfit(points: Sequence[PointPair], model: CalibrationModel) -> None:
    least = LEAST_POINTS[model]
    if len(points) < least:
        raise AlignmentRefused(
            Refusal.TOO_FEW,
            f"{len(points)} points are too few for a calibration",
            f"Take at least {least}; five are usual: the centre, and four on one ring."
            if model is CalibrationModel.SIMILARITY
            else f"An affine map needs {least}, spread over the face: take them from a file of places, or calibrate without it.",
        )
    length, width = _extent(points)
    if math.hypot(length, width) < LEAST_SPREAD_MM:
        raise AlignmentRefused(
            Refusal.TOO_CLOSE,
            f"the points are too close together: {math.hypot(length, width):.0f} mm from their middle",
            "Take points that are spread over the face, on one of its outer rings.",
        )
    sensed = [_of(pair.sensed) for pair in points]
    middle = _middle(sensed)
    if math.sqrt(sum(abs(one - middle) ** 2 for one in sensed) / len(sensed)) < LEAST_SENSED_MM:
        raise AlignmentRefused(
            Refusal.ALL_ALIKE,
            f"the sensor reports the same place for different points: about {middle.real:.1f}, {middle.imag:.1f} mm for all of them",
            "Check the sensor and that its positions are in millimetres, and take each point at its own place.",
        )
    if width < LEAST_WIDTH * length:
        raise AlignmentRefused(
            Refusal.ON_A_LINE,
            "the points lie on one line, so nothing is known beside it",
            "Take points on both sides, such as those at 12, 3, 6 and 9 o'clock of a ring.",
        )


def _refuse_mirrored(points: Sequence[PointPair]) -> None:
    mirrored = _fit(points, CalibrationModel.SIMILARITY, mirrored=True)
    if mirrored.squares * MIRRORED_RATIO**2 >= _fit(points, CalibrationModel.SIMILARITY).squares:
        return
    angle = cmath.phase(complex(mirrored.sensor_map.xx, mirrored.sensor_map.yx))
    turns = round(angle / (math.pi / 2)) % 4
    axes = ("y counts downwards", "x and y are exchanged", "x counts to the left", "x and y are exchanged and reversed")
    raise AlignmentRefused(
        Refusal.MIRRORED,
        f"the sensor is mirrored: {axes[turns]} (seen from the shooting line)",
        "Correct its axes in the device's own settings, or check the order of the points; then take them again.",
    )


def _refuse_scale(points: Sequence[PointPair], model: CalibrationModel, fit: _Fit, outlier: Outlier | None) -> None:
    """Refuse a scale that is off. One point beside its place shifts the scale too, most on a small ring: it is named first."""
    scale = _farthest_scale(fit)
    if abs(scale - 1.0) <= LARGEST_STRETCH:
        return
    named = ""
    if outlier is not None:
        others = [*points[: outlier.index], *points[outlier.index + 1 :]]
        named = f"point '{points[outlier.index].name}' stands out: {outlier.distance_mm:.1f} mm from where the other points put it"
        without = _farthest_scale(_fit(others, model))
        if abs(without - 1.0) <= LARGEST_STRETCH:
            raise AlignmentRefused(
                Refusal.OUTLIER,
                f"{named}, and with it the scale would be {scale:.4f}",
                "Take that point again.",
                outlier,
            )
        named, scale, fit = f"{named}; without it ", without, _fit(others, model)
    known_to = fit.sigma_mm / math.sqrt(sum(abs(one) ** 2 for one in _from_middle(points)))
    close = (
        f" The points lie so close together that the scale is only known to {known_to:.1%}: take them on an outer ring."
        if known_to > LARGEST_STRETCH / 3.0
        else ""
    )
    raise AlignmentRefused(
        Refusal.SCALE,
        f"{named}the scale is {scale:.4f}, more than {LARGEST_STRETCH:.1%} from 1",
        f"Check the size of the face, the known places and the unit of the sensor, and take the points again.{close}",
        outlier,
    )


def _from_middle(points: Sequence[PointPair]) -> list[complex]:
    known = [_of(pair.known) for pair in points]
    middle = _middle(known)
    return [one - middle for one in known]


def _farthest_scale(fit: _Fit) -> float:
    """The scale that is farthest from 1, over all directions."""
    m = fit.sensor_map
    half = math.hypot(m.xx + m.yy, m.yx - m.xy) / 2.0
    difference = math.hypot(m.xx - m.yy, m.yx + m.xy) / 2.0
    return max((half + difference, half - difference), key=lambda scale: abs(scale - 1.0))
