"""The statistics of a whole session: shots that count, their places, their arrows."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import pytest

from edge.common.frames import FacePoint
from edge.common.vocabulary import Flag, Result
from edge.statistics import located, session_statistics
from tests.edge.statistics.session_rows import FACE, OTHER, arrow_id, session, shot


def test_counting_arrows_form_the_group_relative_to_their_faces() -> None:
    found = session_statistics(
        session(
            shot(1, dx=5.0, dy=7.0, end=2),
            shot(2, dx=-450.0, dy=-330.0, end=2, face=OTHER),  # 10 mm left of the other face, 10 mm high
            shot(3, 0, dx=460.0, result=Result.OFF_FACE, end=2),  # relative to the nearest face
            shot(4, 0, dx=None, result=Result.MISS, end=2),
            shot(5, dx=1.0, result=Result.NOT_SHOT, end=2),
            shot(6, dx=1.0, result=Result.VOID, end=2),
            shot(7, 0, dx=9000.0, result=Result.OFF_VIEW, end=2),
            shot(8, dx=1.0, end=1),
            sighters=1,
            faces=(FACE, OTHER),
        )
    )
    assert found.group is not None
    assert found.group.n == 3
    assert (found.group.dx_mm, found.group.dy_mm) == pytest.approx(((5 - 10 + 460) / 3, (7 + 10 + 0) / 3))
    assert (found.totals.arrows, found.best_points) == (5, 50)


def test_an_arrow_on_another_archers_face_is_in_no_group() -> None:
    stray = shot(2, 0, dx=-440.0, result=Result.OFF_FACE, flags=frozenset((Flag.WRONG_FACE,)))
    found = session_statistics(session(shot(1, dx=5.0), stray, faces=(FACE, OTHER)))
    assert found.group is not None
    assert (found.group.n, found.totals.arrows, found.totals.misses) == (1, 2, 1)


def test_the_best_is_an_x_by_the_rules_of_the_session() -> None:
    face = replace(FACE, best=11)
    assert session_statistics(session(shot(1), shot(2), faces=(face,))).best_points == 22
    assert session_statistics(session(shot(1, 12), shot(2))).best_points == 24  # given by a judge


def test_archers_who_share_a_butt_have_own_groups_and_arrows() -> None:
    chance = random.Random(6)
    shots = [
        shot(number, 8, dx=chance.gauss(300 if number % 2 else -300, 20), arrow=f"A{number % 6}", slot="AB"[number % 2])
        for number in range(36)
    ]
    found = session_statistics(session(*shots, shot(50, 8, dx=0.0)))
    assert (found.group, found.sight, found.totals.arrows) == (None, None, 37)
    first, second = found.slots
    assert (first.letter, first.totals.arrows, second.letter) == ("A", 18, "B")
    assert first.group is not None
    assert second.group is not None
    assert (first.group.dx_mm, second.group.dx_mm) == pytest.approx((-300, 300), abs=25)
    assert first.sight is not None
    assert not any(arrow.bias.is_suspect for arrow in found.arrows)
    assert {arrow.name: arrow.slot for arrow in found.arrows} == {f"A{i}": "AB"[i % 2] for i in range(6)}


def test_an_arrow_beside_is_measured_from_its_archers_face() -> None:
    faces = replace(FACE, slots=frozenset("A")), replace(OTHER, slots=frozenset("B"))
    beside = shot(1, 0, dx=-300.0, dy=-300.0, result=Result.OFF_FACE, slot="A")  # nearer to the face of B
    assert located(beside, session(faces=faces)) == FacePoint(-300.0, -300.0)
    unassigned = replace(beside, slot=None)
    assert located(unassigned, session(faces=faces)) == FacePoint(140.0, 40.0)


def test_the_best_of_each_archer_is_that_of_the_own_face() -> None:
    faces = replace(FACE, slots=frozenset("A")), replace(OTHER, best=5, slots=frozenset("B"))
    shots = [shot(1, slot="A"), shot(2, slot="A"), shot(3, 5, slot="B"), shot(4, 0, result=Result.OFF_FACE)]
    found = session_statistics(session(*shots, faces=faces))
    assert [(one.letter, one.best_points) for one in found.slots] == [("A", 20), ("B", 5)]
    assert found.best_points == 20 + 5 + 10


def test_archers_who_share_a_butt_have_own_ends() -> None:
    shots = [
        shot(1, 9, slot="B"),
        shot(2, 7, slot="A"),
        shot(3, 8, slot="B"),
        shot(4, 6, slot="A", end=2),
        shot(5, 5, end=2),
    ]
    found = [(end.slot, end.number, end.totals.points, end.running) for end in session_statistics(session(*shots)).ends]
    assert found == [("A", 1, 7, 7), ("A", 2, 6, 13), ("B", 1, 17, 17), (None, 2, 5, 5)]
    alone = session_statistics(session(*shots[:1], shots[4])).ends
    assert [(end.slot, end.running) for end in alone] == [(None, 9), (None, 14)]


def test_one_archer_in_a_slot_has_the_group_of_the_session() -> None:
    found = session_statistics(session(shot(1, dx=5.0, slot="B"), shot(2, dx=7.0)))
    assert found.group is not None
    assert (found.group.n, [slot.letter for slot in found.slots]) == (2, ["B"])


def test_a_place_needs_a_face() -> None:
    assert located(shot(1, dx=5.0), session(faces=())) is None
    assert located(shot(1, dx=5.0, face=None), session(faces=(OTHER, FACE))) == FacePoint(5.0, 0.0)
    found = session_statistics(session(shot(1, None, dx=5.0), faces=()))
    assert (found.group, found.sight, found.best_points) == (None, None, None)


def test_misses_count_in_an_arrows_average_and_no_sighters() -> None:
    found = session_statistics(
        session(
            shot(1, 10, tag="3f00a2", end=1),
            shot(2, 9, tag="3f00a2", end=2),
            shot(3, 0, dx=None, result=Result.MISS, tag="3f00a2", end=2),
            shot(4, None, dx=None, result=Result.NOT_SHOT, tag="3f00a2", end=2),
            shot(5, 8, end=2),  # an arrow that was not read
            sighters=1,
        )
    )
    (arrow,) = found.arrows
    assert (arrow.arrow_id, arrow.arrow_tag, arrow.name) == (None, "3f00a2", None)
    assert (arrow.totals.arrows, arrow.bias.placed, arrow.totals.average) == (2, 1, 4.5)


def test_a_bad_arrow_of_a_session_is_suspected_by_name() -> None:
    chance = random.Random(4)
    shots = [
        shot(number, 8, dx=chance.gauss(0, 20), dy=chance.gauss(0, 20) + (90 if number % 6 == 3 else 0), arrow=f"A{number % 6}")
        for number in range(36)
    ]  # fmt: skip
    found = session_statistics(session(*shots))
    assert [(one.name, one.arrow_id, one.bias.placed) for one in found.arrows if one.bias.is_suspect] == [
        ("A3", arrow_id("A3"), 6)
    ]
    assert [one.name for one in found.arrows] == [f"A{i}" for i in range(6)]  # in the order of their first shot


def test_a_session_without_shots_has_zero_sums() -> None:
    found = session_statistics(session())
    assert (found.totals.arrows, found.ends, found.group, found.sight, found.arrows) == (0, (), None, None, ())
    assert (found.spread_from, found.trend_from) == (6, 12)
    assert {field.name for field in fields(found)} >= {"totals", "best_points", "ends", "group", "sight", "arrows"}
