"""The points of a calibration: of faces with one and with several spots, and from files."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from edge.common.config.errors import CommandError, UsageError
from edge.common.frames import ButtPoint, SensorMap, SensorPoint
from edge.common.vocabulary import CalibrationKind, CalibrationModel, ReadingKind
from edge.operator.calibration.plan import TargetPlan, face_of, points_of_face
from edge.operator.calibration.points_file import MOST_POINTS, read_points
from edge.operator.calibration.records import CalibratedDevice
from edge.operator.calibration.target_run import TargetRun, require_enough, require_points
from edge.shots.faces import load_catalogue
from edge.statistics.alignment import PointPair, align

MIDDLE = ButtPoint(620.0, 620.0)


def test_one_face_has_its_centre_and_four_points_of_a_ring() -> None:
    found = points_of_face(face_of("wa_40"), MIDDLE)
    assert [(point.name, point.place.x, point.place.y) for point in found] == [
        ("centre", 620, 620), ("12 o'clock", 620, 820), ("3 o'clock", 820, 620), ("6 o'clock", 620, 420),
        ("9 o'clock", 420, 620),
    ]  # fmt: skip
    inner = points_of_face(face_of("wa_40"), MIDDLE, ring=9)
    assert inner[1].place == ButtPoint(620, 660)
    with pytest.raises(UsageError, match="face wa_40 has no ring 12"):
        points_of_face(face_of("wa_40"), MIDDLE, ring=12)
    with pytest.raises(UsageError, match="there is no face 'wa40'") as unknown:
        face_of("wa40")
    assert unknown.value.hint.startswith("Did you mean wa_40?")


@pytest.mark.parametrize("code", sorted(load_catalogue()))
def test_the_points_of_every_face_give_a_calibration(code: str) -> None:
    plan = TargetPlan(points_of_face(face_of(code), MIDDLE), ReadingKind.PIN, code, MIDDLE)
    assert len({point.name for point in plan.points}) == len(plan.points) >= 5
    pairs = [PointPair(p.name, p.place, SensorPoint(p.place.x, p.place.y)) for p in plan.points]
    assert align(pairs).scale == pytest.approx(1.0)
    assert plan.largest_sigma_mm in (0.5, 0.8, 1.2)
    assert TargetPlan.of_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(("code", "limit"), [("wa_40", 0.5), ("wa_60", 0.5), ("wa_80", 0.8), ("wa_122", 1.2)])
def test_the_limit_is_that_of_the_face(code: str, limit: float) -> None:
    assert TargetPlan(points_of_face(face_of(code), MIDDLE), ReadingKind.PIN, code).largest_sigma_mm == limit


def test_files_in_csv_and_json_give_the_same_points(tmp_path: Path) -> None:
    table, objects = tmp_path / "points.csv", tmp_path / "points.json"
    table.write_text("name, x_mm, y_mm, sensed_x_mm, sensed_y_mm\ncentre, 620, 620.5, 1e1, -2\n,1,2,,\n")
    objects.write_text(
        '[{"name": "centre", "x_mm": 620, "y_mm": 620.5, "sensed_x_mm": 10, "sensed_y_mm": -2}, {"x_mm": 1, "y_mm": 2}]'
    )
    found = read_points(table)
    assert found == read_points(objects)
    assert [(point.name, point.place, point.sensed) for point in found] == [
        ("centre", ButtPoint(620, 620.5), SensorPoint(10, -2)), ("point 2", ButtPoint(1, 2), None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 points"),
        ("x_mm,y_mm\n", "has 0 points"),
        ("x_mm,y_mm\n" + "1,2\n" * (MOST_POINTS + 1), f"has {MOST_POINTS + 1} points"),
        ("x_mm,y_mm\n1,two\n", "point 1: y_mm is 'two', which is no length"),
        ("x_mm,y_mm\n1,nan\n", "y_mm is 'nan', which is no length"),
        ("x_mm,y_mm\n1,1e300\n", "y_mm is '1e300', which is no length"),
        ("x_mm,y_mm\n1\n", "point 1: y_mm is missing"),
        ("x_mm,y_mm\n1,2,3\n", "there is no column 'None'"),
        ("x,y\n1,2\n", "there is no column 'x'"),
        ("x_mm,y_mm,sensed_x_mm,sensed_y_mm\n1,2,3,\n", "has one sensed value of two"),
        ("name,x_mm,y_mm\nA,1,2\nA,3,4\n", "two points named 'A'"),
        ('x_mm,y_mm\n"1,2\n', "is no CSV file"),
        ("[1, 2]", "is no list of points"),
        ('[{"x_mm": true, "y_mm": 2}]', "x_mm is 'True', which is no length"),
        ("[" * 100_000, "is no JSON"),
        ("{}", "is no list of points"),
    ],
)
def test_a_file_of_something_else_is_explained(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "points"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_points(file)
    assert message in caught.value.message


def test_the_hint_about_a_wrong_number_fits_the_kind_of_file(tmp_path: Path) -> None:
    for name, text, hint in (
        ("c.json", '[{"x_mm": 1, "y_mm": "two"}]', "A JSON file is a list of objects"),
        ("c.csv", "x_mm,y_mm\n1,two\n", "A CSV file begins with the line"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError, match="y_mm is 'two', which is no length") as caught:
            read_points(tmp_path / name)
        assert caught.value.hint.startswith(hint)


def test_a_file_that_cannot_be_read_is_explained(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        read_points(tmp_path / "none.csv")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        read_points(tmp_path / "binary")


def test_points_that_cannot_be_are_refused_before_they_are_taken() -> None:
    plan = TargetPlan(points_of_face(face_of("wa_40"), MIDDLE), ReadingKind.PIN, "wa_40", MIDDLE)
    device = CalibratedDevice("target-1", CalibrationKind.TARGET, 1, "target.link")
    run = TargetRun(uuid4(), device, plan, SensorMap(1, 0, 0, 1, 0, 0))
    names = [point.name for point in plan.points]
    require_points(run, redo=names, skip=())
    with pytest.raises(UsageError, match="every point would be left out"):
        require_points(run, redo=(), skip=names)
    with pytest.raises(UsageError, match="there is no point 'top'"):
        require_points(run, redo=["top"], skip=())
    require_enough(run, CalibrationModel.SIMILARITY, ())
    with pytest.raises(UsageError, match="an affine map needs 6 points, and there are 4"):
        require_enough(run, CalibrationModel.AFFINE, names[:1])
