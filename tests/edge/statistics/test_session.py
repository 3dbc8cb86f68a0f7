"""The statistics of a whole session: shots that count, their places, their arrows."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from uuid import UUID

import pytest

from edge.common.vocabulary import Flag, Result
from edge.statistics import FaceFacts, Point, located, session_statistics
from tests.edge.statistics.session_rows import FACE, arrow_id, session, shot

OTHER = FaceFacts(UUID(int=2), 200.0, 300.0, 10)


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


def test_one_archer_in_a_slot_has_the_group_of_the_session() -> None:
    found = session_statistics(session(shot(1, dx=5.0, slot="B"), shot(2, dx=7.0)))
    assert found.group is not None
    assert (found.group.n, [slot.letter for slot in found.slots]) == (2, ["B"])


def test_a_place_needs_a_face() -> None:
    assert located(shot(1, dx=5.0), ()) is None
    assert located(shot(1, dx=5.0, face=None), (OTHER, FACE)) == Point(5.0, 0.0)
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
