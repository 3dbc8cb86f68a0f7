"""The face catalogue equals archeryutils' tables, and faces are placed at the given point."""

from __future__ import annotations

from edge.shots.faces import load_catalogue
from tests.edge.shots.face_generator import PATH, generate


def test_checked_in_catalogue_equals_the_generated_one() -> None:
    assert PATH.read_text(encoding="utf-8") == generate()


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
