"""The face catalogue equals archeryutils' tables and has all its targets; faces are placed at the given point."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import archeryutils  # type: ignore[import-untyped]
import pytest

from edge.shots.faces import load_catalogue
from edge.shots.rules import USUAL_RULES, load_rules
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
