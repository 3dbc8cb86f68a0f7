"""The simulated archer: rhythm, dispersion, let-downs and the flight of the arrow.

Pure: every number is drawn from hash streams (see ``draws``). Distances in metres, positions in millimetres relative to
the centre of the face (+x right, +y up), times in seconds.

Dispersion is the Archery GB handicap scheme: ``sigma_t = 5e-4 * 1.035**(h + 6) * exp(0.00365 * D)`` radians. The scheme's
score formula takes r squared as exponential with mean ``(D * sigma_t)**2``, so ``D * sigma_t`` is the RMS radius and the
deviation on one axis is that divided by the square root of two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from simulators.world.draws import Draws
from simulators.world.vocabulary import BowType

_ROUND_ARROWS = 72
"""Arrows of a round; fatigue starts at zero with each round."""
_FLYER_CHANCE = 0.005
_FLYER_SPREAD = 4.0
_WIND_SIGMAS_AT_70_M = 0.3
_WIND_MEMORY = 0.8
"""Share of the wind that persists until the next arrow."""


@dataclass(frozen=True, slots=True)
class Style:
    """Typical values of a type of bow. Speeds and drag are rounded from published measurements."""

    bow: BowType
    launch_mps: float
    drag_per_m: float
    """Coefficient k of quadratic drag, ``rho * Cd * A / 2m``."""
    hold_s: float
    """Median time from nocking to release."""
    height_ratio: float
    """Vertical over horizontal deviation; larger for bows without a sight."""


STYLES = (
    Style(BowType.RECURVE, launch_mps=57.0, drag_per_m=1.4e-3, hold_s=9.0, height_ratio=1.0),
    Style(BowType.COMPOUND, launch_mps=85.0, drag_per_m=1.4e-3, hold_s=12.0, height_ratio=1.0),
    Style(BowType.BAREBOW, launch_mps=50.0, drag_per_m=1.7e-3, hold_s=9.0, height_ratio=1.2),
    Style(BowType.LONGBOW, launch_mps=45.0, drag_per_m=2.8e-3, hold_s=6.0, height_ratio=1.2),
)


@dataclass(frozen=True, slots=True)
class Archer:
    """One archer, the same for the whole of a world."""

    style: Style
    handicap: float
    """Archery GB handicap: 0 is world class, 60 a beginner."""
    launch_mps: float
    aim_bias: tuple[float, float]
    """Sighting error (x, y), in standard deviations of one axis."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One release, or one let-down, without instants. Waits are at speed 1."""

    arrow: int
    """Index of the arrow in the quiver."""
    rest_s: float
    """Time from the previous release to this nocking; 0 for the first of an end."""
    hold_s: float
    """Time from nocking to release."""
    let_down: bool
    flight_s: float
    x_mm: float
    y_mm: float


def axis_sigma_mm(handicap: float, distance_m: float) -> float:
    """Return the standard deviation on one axis in millimetres."""
    angle = 5e-4 * math.pow(1.035, handicap + 6) * math.exp(0.00365 * distance_m)
    return 1000.0 * distance_m * angle / math.sqrt(2)


def flight_s(launch_mps: float, drag_per_m: float, distance_m: float) -> float:
    """Return the time of flight under quadratic drag, without gravity (about one per cent at these angles)."""
    return (math.exp(drag_per_m * distance_m) - 1) / (drag_per_m * launch_mps)


@lru_cache(maxsize=1024)
def make_archer(seed: int, lane: int) -> Archer:
    """Draw the archer of a lane: any type of bow, handicap 20 to 60, launch speed within 6 % of the typical one."""
    draws = Draws(seed, lane, "archer")
    style = STYLES[draws.below(len(STYLES))]
    return Archer(
        style=style,
        handicap=round(draws.uniform(20.0, 60.0), 1),
        launch_mps=style.launch_mps * draws.uniform(0.94, 1.06),
        aim_bias=(draws.normal(0.5), draws.normal(0.5)),
    )


@lru_cache(maxsize=1024)
def arrow_biases(lane: int, count: int) -> tuple[tuple[float, float], ...]:
    """Return the error (x, y) of each arrow, in standard deviations of one axis. One arrow of the quiver is bad, for every seed."""
    draws = Draws(lane, "quiver")
    biases = [(draws.normal(0.15), draws.normal(0.15)) for _ in range(count)]
    angle = draws.uniform(0.0, 2 * math.pi)
    biases[draws.below(count)] = (0.8 * math.cos(angle), 0.8 * math.sin(angle))
    return tuple(biases)


def shoot_end(
    seed: int,
    lane: int,
    end: int,
    *,
    distance_m: float,
    is_indoor: bool,
    quiver: int,
    arrows_per_end: int,
    let_down: int | None,
) -> list[Attempt]:
    """Return the attempts of one end in order; the arrow at index ``let_down`` is let down once, then shot."""
    archer = make_archer(seed, lane)
    biases = arrow_biases(lane, quiver)
    draws = Draws(seed, lane, "end", end)
    sigma = axis_sigma_mm(archer.handicap, distance_m)
    ratio = archer.style.height_ratio
    sigma_x = sigma / math.sqrt((1 + ratio * ratio) / 2)
    sigma_y = ratio * sigma_x
    wind_sigma = 0.0 if is_indoor else _WIND_SIGMAS_AT_70_M * distance_m / 70.0
    wind = draws.normal(wind_sigma)
    attempts: list[Attempt] = []
    for place, arrow in enumerate(draws.pick(arrows_per_end, quiver)):
        tired = ((end * arrows_per_end + place) % _ROUND_ARROWS / _ROUND_ARROWS) ** 2
        spread = 1 + 0.15 * tired
        if draws.uniform() < _FLYER_CHANCE:
            spread *= _FLYER_SPREAD
        x = archer.aim_bias[0] + biases[arrow][0] + spread * draws.normal() + wind
        y = archer.aim_bias[1] + biases[arrow][1] + spread * draws.normal() - 0.2 * tired
        wind = _WIND_MEMORY * wind + draws.normal(wind_sigma * math.sqrt(1 - _WIND_MEMORY**2))
        launch = archer.launch_mps * (1 + draws.normal(0.005))
        flight = flight_s(launch, archer.style.drag_per_m, distance_m)
        rest = draws.lognormal(7.0, 0.3) if place else 0.0
        if place == let_down:
            attempts.append(Attempt(arrow, rest, _hold_s(archer, draws), True, 0.0, 0.0, 0.0))
            rest = draws.uniform(15.0, 30.0)
        attempts.append(Attempt(arrow, rest, _hold_s(archer, draws), False, flight, x * sigma_x, y * sigma_y))
    return attempts


def _hold_s(archer: Archer, draws: Draws) -> float:
    """Draw the time from nocking to release, within 2.5 to 25 s: the limits of the archer and of the shot clock."""
    return min(max(draws.lognormal(archer.style.hold_s, 0.35), 2.5), 25.0)
