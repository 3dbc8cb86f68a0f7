"""Scores on every face of the catalogue against an oracle in exact arithmetic, and against archeryutils' expected scores."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from statistics import fmean, stdev
from uuid import uuid4

import pytest
from archeryutils import Target as ArcheryTarget  # type: ignore[import-untyped]

from edge.common.frames import ButtPoint
from edge.shots.assembly.context import Parameters
from edge.shots.assembly.model import Face, Target
from edge.shots.assembly.scoring import Score, score_landing
from edge.shots.faces import FaceSpec, load_catalogue
from edge.shots.rules import load_rules
from tests.edge.shots.scoring.score_oracle import Oracle

MIDDLE = (640.25, 639.75)
BUTT_MM = 1280.0
DIAMETERS_MM = (5.5, 9.3, 4.37)
TOLERANCE_MM = 1e-6
PARAMETERS = Parameters()
CATALOGUE = load_catalogue()


def target_with(spec: FaceSpec, x_points: int | None) -> Target:
    """A butt with one face."""
    faces = tuple(
        Face(
            uuid4(), spec.version, spot.x_mm, spot.y_mm, spot.radii_mm, spot.points, spot.x_radius_mm, x_points=x_points
        )
        for spot in spec.placed(*MIDDLE)
    )
    return Target(BUTT_MM, BUTT_MM, 18.0, faces)


def value(score: Score) -> tuple[int | None, bool]:
    return score.points, score.is_x


def landings(rng: random.Random, spec: FaceSpec, diameter_mm: float, count: int) -> Iterator[tuple[float, float]]:
    """Landings all over the face and around it, half of them within a few micrometres of a line."""
    across, along = (reach * 1.1 for reach in spec.reach_mm)
    lines = [*spec.radii_mm, *([spec.x_radius_mm] if spec.x_radius_mm else [])]
    for number in range(count):
        if number % 2:
            yield MIDDLE[0] + rng.uniform(-across, across), MIDDLE[1] + rng.uniform(-along, along)
        else:
            yield beside_line(rng, spec, rng.choice(lines) + diameter_mm / 2 + rng.gauss(0.0, 3e-6))


def beside_line(rng: random.Random, spec: FaceSpec, radius: float) -> tuple[float, float]:
    """A point at a distance from the middle of a spot."""
    (spot_x, spot_y), angle = rng.choice(spec.spots), rng.uniform(0.0, math.tau)
    return MIDDLE[0] + spot_x + radius * math.cos(angle), MIDDLE[1] + spot_y + radius * math.sin(angle)


def differences(code: str, count: int) -> list[object]:
    """The landings, of so many, whose score differs from the oracle's."""
    rng, spec = random.Random(code), CATALOGUE[code]
    found: list[object] = []
    for rules in load_rules().values():
        target = target_with(spec, rules.x_points)
        for diameter_mm in DIAMETERS_MM:
            oracle = Oracle(spec, MIDDLE, diameter_mm, rules.x_points)
            for x, y in landings(rng, spec, diameter_mm, count // (len(load_rules()) * len(DIAMETERS_MM)) + 1):
                if value(score := score_landing(ButtPoint(x, y), diameter_mm, target, PARAMETERS)) != oracle.value(
                    x, y
                ):
                    found.append((x, y, diameter_mm, score))
    return found


@pytest.mark.parametrize("code", CATALOGUE)
def test_scores_equal_the_oracle(code: str) -> None:
    assert differences(code, 150) == []


@pytest.mark.long
@pytest.mark.parametrize("code", CATALOGUE)
def test_scores_of_200_000_landings_equal_the_oracle(code: str) -> None:
    assert differences(code, 200_000) == []


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_billionth_of_a_millimetre_decides_at_the_edge(code: str) -> None:
    rng, spec = random.Random(code), CATALOGUE[code]
    target, diameter_mm = target_with(spec, None), 9.3
    oracle = Oracle(spec, MIDDLE, diameter_mm, None)
    zones = zip(spec.radii_mm, spec.points, (*spec.points[1:], 0), strict=True)
    for radius, within, beyond in zones:
        for _ in range(5):
            for beside, points in ((-1e-9, within), (1e-9, beyond)):
                x, y = beside_line(rng, spec, radius + diameter_mm / 2 + TOLERANCE_MM + beside)
                assert score_landing(ButtPoint(x, y), diameter_mm, target, PARAMETERS).points == points
                assert oracle.value(x, y)[0] == points
    if spec.x_radius_mm is not None:
        for beside, is_x in ((-1e-9, True), (1e-9, False)):
            x, y = beside_line(rng, spec, spec.x_radius_mm + diameter_mm / 2 + TOLERANCE_MM + beside)
            assert score_landing(ButtPoint(x, y), diameter_mm, target, PARAMETERS).is_x is oracle.value(x, y)[1] is is_x


ROUNDS = {
    "wa_122": ("10_zone", 122, 70, False),
    "wa_80_6": ("10_zone_6_ring", 80, 50, False),
    "wa_60": ("10_zone", 60, 25, True),
    "wa_40_compound": ("10_zone_compound", 40, 18, True),
    "imperial_80": ("5_zone", 80, 60, False),
}
"""Face of ours, and archeryutils' system, diameter in centimetres, distance in metres, and whether it is indoors."""


def expected_and_shot(code: str, handicap: int, count: int) -> tuple[float, float, float]:
    """Archeryutils' expected score of an arrow, the mean of shots that are drawn so, and the standard error of the mean."""
    from archeryutils import handicaps

    system, diameter_cm, distance_m, indoor = ROUNDS[code]
    scheme = handicaps.handicap_scheme("AGB")
    expected = float(
        scheme.arrow_score(handicap, ArcheryTarget(system, (diameter_cm, "cm"), (distance_m, "m"), indoor))
    )
    sigma_mm = float(scheme.sigma_r(handicap, distance_m)) * 1000 / math.sqrt(2)  # sigma_r is the radius, not one axis
    diameter_mm = 1000 * float(scheme.arw_d_in if indoor else scheme.arw_d_out)
    rng, target = random.Random(f"{code}{handicap}"), target_with(CATALOGUE[code], None)
    points = [
        score_landing(
            ButtPoint(rng.gauss(MIDDLE[0], sigma_mm), rng.gauss(MIDDLE[1], sigma_mm)), diameter_mm, target, PARAMETERS
        ).points
        or 0
        for _ in range(count)
    ]
    return expected, fmean(points), stdev(points) / math.sqrt(count)


@pytest.mark.parametrize("handicap", [5, 30, 50])
@pytest.mark.parametrize("code", ROUNDS)
def test_expected_scores_agree_with_archeryutils(code: str, handicap: int) -> None:
    expected, mean, error = expected_and_shot(code, handicap, 1_500)
    assert abs(mean - expected) < 4.5 * error


@pytest.mark.long
@pytest.mark.parametrize("handicap", [5, 30, 50])
@pytest.mark.parametrize("code", ROUNDS)
def test_means_of_200_000_shots_agree_with_archeryutils(code: str, handicap: int) -> None:
    expected, mean, error = expected_and_shot(code, handicap, 200_000)
    assert abs(mean - expected) < 4.5 * error
