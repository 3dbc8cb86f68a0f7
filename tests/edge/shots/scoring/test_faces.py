"""The face catalogue equals archeryutils' tables and has all its targets; faces are placed at the given point."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import archeryutils  # type: ignore[import-untyped]
import pytest

from edge.shots.faces import load_all_faces, load_catalogue
from edge.shots.rules import USUAL_RULES, load_all_rules, load_rules
from tests.edge.shots.scoring.face_generator import DOCS, PATH, X_POINTS, documented, generate, rings


def test_checked_in_catalogue_equals_the_generated_one() -> None:
    assert PATH.read_text(encoding="utf-8") == generate()


def test_documented_catalogue_equals_the_generated_one() -> None:
    assert DOCS.read_text(encoding="utf-8") == documented()


def targets_of_rounds() -> Iterator[tuple[str, float, str]]:
    """The scoring system, diameter and unit of every target that archeryutils' rounds use."""
    folder = Path(archeryutils.__file__).with_name("round_data_files")
    found = {
        (shot["scoring"], shot["diameter"], "inch" if shot.get("diameter_unit") == "inches" else "cm")
        for file in folder.glob("*.json")
        for each in json.loads(file.read_text(encoding="utf-8"))
        for shot in each["passes"]
    }
    yield from sorted(found)


@pytest.mark.parametrize("used", list(targets_of_rounds()), ids=str)
def test_catalogue_has_the_targets_of_all_rounds(used: tuple[str, float, str]) -> None:
    wanted = rings(*used)
    assert [face.code for face in load_catalogue().values() if wanted in possible_rings(face.code)] != []


def possible_rings(code: str) -> list[dict[float, int]]:
    """The rings of a face, without its X and with it."""
    face = load_catalogue()[code]
    zones = dict(zip(face.radii_mm, face.points, strict=True))
    return [zones, *([{face.x_radius_mm: X_POINTS, **zones}] if face.x_radius_mm else [])]


def test_codes_of_earlier_versions_stay() -> None:
    """Sessions store them."""
    first = "wa_122 wa_80 wa_80_6 wa_80_5 wa_60 wa_60_triple wa_60_triple_compound wa_40 wa_40_compound wa_40_triple"
    assert {*first.split(), "wa_40_triple_compound"} <= load_catalogue().keys()
    assert {code: (rules.version, rules.x_points) for code, rules in load_rules().items()} == {
        USUAL_RULES: (1, None),
        "wa_x11": (1, X_POINTS),
    }


def test_the_newest_version_counts_and_all_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    first, rules = load_all_faces()["wa_40_triple", 1], load_all_rules()["wa", 1]
    later = {("wa_40_triple", version): replace(first, version=version) for version in (2, 10, 1)}
    monkeypatch.setattr("edge.shots.faces.load_all_faces", lambda: later)
    assert load_catalogue.__wrapped__() == {"wa_40_triple": later["wa_40_triple", 10]}
    others = {("wa", version): replace(rules, version=version) for version in (1, 2)}
    monkeypatch.setattr("edge.shots.rules.load_all_rules", lambda: others)
    assert load_rules.__wrapped__() == {"wa": others["wa", 2]}


def test_versions_have_no_gap_and_keep_their_number_of_spots() -> None:
    """A session that is rescored takes the spots of the new version."""
    for numbers in (load_all_faces(), load_all_rules()):
        for code in {code for code, _ in numbers}:
            versions = sorted(version for one, version in numbers if one == code)
            assert versions == list(range(1, len(versions) + 1)), code
    for (code, _), face in load_all_faces().items():
        assert len(face.spots) == len(load_catalogue()[code].spots), code


def test_spots_of_a_face_do_not_overlap() -> None:
    for face in load_catalogue().values():
        for one, other in combinations(face.spots, 2):
            assert math.dist(one, other) > 2 * face.radii_mm[-1], face.code


def test_the_centre_follows_from_the_spots() -> None:
    for face in load_catalogue().values():
        places = [(spot.x_mm, spot.y_mm) for spot in face.placed(612.5, 633.25)]
        assert face.centre_of(places) == pytest.approx((612.5, 633.25))


def test_radii_ascend_and_points_descend() -> None:
    for face in load_catalogue().values():
        assert list(face.radii_mm) == sorted(set(face.radii_mm))
        assert list(face.points) == sorted(set(face.points), reverse=True)
        assert len(face.radii_mm) == len(face.points)


def test_triple_face_is_placed_as_three_spots_from_the_top() -> None:
    spots = load_catalogue()["wa_40_triple"].placed(600.0, 700.0)
    assert [(s.human_identifier, s.x_mm, s.y_mm) for s in spots] == [
        ("A", 600.0, 920.0),
        ("B", 600.0, 700.0),
        ("C", 600.0, 480.0),
    ]
