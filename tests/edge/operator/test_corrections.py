"""Scores are completed and checked; public names of the package resolve."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

import edge.operator
from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import Result, TimeSource
from edge.operator.corrections import FaceValues, Score, ScoreCorrection, complete_score, face_values
from edge.operator.lookup import exactly_one, id_pattern, nothing_found
from edge.operator.shots import ShotSummary
from edge.shots.assembly.model import ReadingKey
from tests.edge.lane_rows import build_lane, started_ago

STREAM = UUID(int=1)
VALUES = FaceValues((10, 9, 1))
MISS = ShotSummary(
    id=UUID(int=2), session_id=UUID(int=3), lane=1, end_number=1, arrow_id=None, arrow_tag=None, human_identifier=None,
    arrow_engage_time=None, arrow_disengage_time=datetime(2026, 5, 2, 9, 14, tzinfo=UTC), arrow_landing_time=None, x=None,
    y=None, face=None, slot=None, result=Result.MISS, points=0, is_x=False, tof_s=None, speed_mps=None, launch_mps=None, line_margin_mm=None,
    line_call=False, diameter_mm=None, diameter_assumed=True, rule_set="wa", rule_set_version=1, assignment=None, time_source=TimeSource.BOW, flags=(), void_reason=None, revision=1,
    release=ReadingKey("bow-1", STREAM, 7), landing=None,
)  # fmt: skip
LANDED = replace(MISS, result=Result.HIT, points=9, landing=ReadingKey("target-1", STREAM, 4))


@pytest.mark.parametrize(
    ("shot", "given", "complete"),
    [
        (MISS, ScoreCorrection(None, 9), Score(Result.HIT, 9, is_x=False)),
        (MISS, ScoreCorrection(None, 0), Score(Result.MISS, 0, is_x=False)),
        (LANDED, ScoreCorrection(None, 0), Score(Result.OFF_FACE, 0, is_x=False)),
        (LANDED, ScoreCorrection(Result.HIT, None), Score(Result.HIT, 9, is_x=False)),
        (MISS, ScoreCorrection(None, None, is_x=True), Score(Result.HIT, 10, is_x=True)),
        (MISS, ScoreCorrection(Result.UNKNOWN, None), Score(Result.UNKNOWN, None, is_x=False)),
        (MISS, ScoreCorrection(Result.VOID, None), Score(Result.VOID, None, is_x=False)),
    ],
)
def test_missing_parts_of_a_score_are_derived(shot: ShotSummary, given: ScoreCorrection, complete: Score) -> None:
    assert complete_score(given, shot, VALUES) == complete


@pytest.mark.parametrize(
    ("shot", "given"),
    [
        (MISS, ScoreCorrection(None, None, is_x=True)),
        (MISS, ScoreCorrection(None, 11)),
        (MISS, ScoreCorrection(None, 11, is_x=True)),
        (replace(LANDED, points=11, is_x=True), ScoreCorrection(Result.HIT, None)),
    ],
)
def test_an_x_is_worth_what_the_rules_say(shot: ShotSummary, given: ScoreCorrection) -> None:
    assert complete_score(given, shot, replace(VALUES, x_points=11)) == Score(Result.HIT, 11, is_x=True)
    assert complete_score(ScoreCorrection(None, 10), shot, replace(VALUES, x_points=11)) == Score(
        Result.HIT, 10, is_x=False
    )
    with pytest.raises(CommandError, match="an X is worth 11"):
        complete_score(ScoreCorrection(None, 10, is_x=True), shot, replace(VALUES, x_points=11))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (ScoreCorrection(None, None), "nothing to correct: neither a result nor points nor an X was given"),
        (ScoreCorrection(Result.PENDING, None), "'pending' is not a result"),
        (ScoreCorrection(Result.MISS, 3), "a shot with the result miss has no points"),
        (ScoreCorrection(Result.HIT, None), "a hit needs points"),
        (ScoreCorrection(None, 7), "no ring of this face is worth 7"),
        (ScoreCorrection(None, 9, is_x=True), "an X is worth 10"),
    ],
)
def test_contradictory_score_is_refused_with_remedy(given: ScoreCorrection, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        complete_score(given, MISS, VALUES)
    assert caught.value.message == message
    assert caught.value.hint


async def test_a_shot_can_have_the_values_of_its_archers_face(connection: Connection) -> None:
    lane = await build_lane(connection, started_ago(60.0))
    await connection.execute("update targets set max_x = 3000")
    await connection.execute(
        "insert into faces (target_id, human_identifier, name, code, version, x, y, radii, points) "
        "select target_id, 'r', 'r', 'worcester_spot', 1, 2000, y, '{40,80}', '{5,4}' from faces"
    )
    await connection.execute("update sessions set x_points = 11")
    for letter, face in (("A", "1"), ("B", "r")):
        await connection.execute(
            "insert into slots (session_id, letter, face) values ($1, $2, $3)", lane.session_id, letter, face
        )
    found = [
        await face_values(connection, replace(MISS, session_id=lane.session_id, slot=slot)) for slot in ("A", "B", None)
    ]
    assert found == [
        FaceValues([10, 9, 1], has_x=True, x_points=11),
        FaceValues([5, 4], has_x=False),
        FaceValues([10, 9, 5, 4, 1], has_x=True, x_points=11),
    ]


def test_a_face_without_an_x_has_none() -> None:
    with pytest.raises(CommandError, match="this face has no X"):
        complete_score(ScoreCorrection(None, None, is_x=True), MISS, replace(VALUES, has_x=False))
    assert complete_score(ScoreCorrection(None, None, is_x=True), MISS, FaceValues(())).is_x


def test_correction_refers_to_release_or_landing() -> None:
    assert MISS.reading.device_id == "bow-1"
    assert replace(LANDED, release=None).reading.device_id == "target-1"
    with pytest.raises(ValueError, match="made of no reading"):
        _ = replace(MISS, release=None).reading


def test_reference_must_name_exactly_one_row() -> None:
    assert id_pattern("4B2C", "shots list") == "4b2c%"
    assert exactly_one(["row"], "shot", "4b2c", "shots list") == "row"
    for found, message in ([], "there is no shot"), (["a", "b"], "more than one shot"):
        with pytest.raises(CommandError, match=message):
            exactly_one(found, "shot", "4b2c", "shots list")
    for text in ("4b2", "last one", "4b2c%"):
        with pytest.raises(CommandError, match="is not an id"):
            id_pattern(text, "shots list")
    assert nothing_found("there is no session yet", "session list").hint == "See `archstats-sensor session list`."


def test_public_names_resolve() -> None:
    assert sorted(edge.operator.__all__) == sorted(edge.operator._HOMES)
    for name in edge.operator.__all__:
        assert getattr(edge.operator, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = edge.operator.nothing
