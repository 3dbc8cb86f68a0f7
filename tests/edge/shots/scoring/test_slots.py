"""Shots of several archers at one butt, and values by the rules of a session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from edge.common.frames import ButtPoint
from edge.common.vocabulary import Flag, Result
from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.context import Parameters, SessionContext
from edge.shots.assembly.explain import explain
from edge.shots.assembly.incremental import IncrementalAssembly
from edge.shots.assembly.model import Correction, Face, Slot, Target
from edge.shots.assembly.scoring import score_landing
from tests.edge.shots.assembly.lane_readings import (
    ARROW,
    CONTEXT,
    OTHER,
    TWO_BOWS,
    LaneReadings,
    corrected,
    only_shot,
    shots,
)

LEFT = Face(uuid4(), 1, 300.0, 640.0, (20.0, 40.0, 60.0), (10, 9, 8), 10.0)
RIGHT = replace(LEFT, id=uuid4(), x=900.0)
BUTT = Target(1280.0, 1280.0, 18.0, (LEFT, RIGHT))
A = Slot(uuid4(), "bow-1", frozenset({LEFT.id}))
B = Slot(uuid4(), "bow-2", frozenset({RIGHT.id}))
WITH_BOWS = replace(TWO_BOWS, target=BUTT, slots=(A, B))
WITHOUT_BOWS = replace(
    CONTEXT, target=BUTT, bows=frozenset(), slots=(replace(A, bow=None), replace(B, bow=None)),
    watermarks={"target-1": 20.0},
)  # fmt: skip


def test_a_bow_belongs_to_its_slot() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4, x=300.0).shot(10.0, OTHER, "bow-2").landing(10.4, OTHER, x=900.0)
    assert [(s.slot_id, s.points, s.face_id, s.flags) for s in shots(lane, WITH_BOWS)] == [
        (A.id, 10, LEFT.id, ()),
        (B.id, 10, RIGHT.id, ()),
    ]


def test_a_hit_on_the_face_of_another_scores_nothing() -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(5.4, x=900.0), WITH_BOWS)
    assert (shot.slot_id, shot.result, shot.points, shot.is_x) == (A.id, Result.OFF_FACE, 0, False)
    assert (shot.flags, shot.face_id) == ((Flag.WRONG_FACE,), None)
    beside = only_shot(LaneReadings().shot(5.0).landing(5.4, x=600.0), WITH_BOWS)
    assert (beside.slot_id, beside.result, beside.flags) == (A.id, Result.OFF_FACE, ())


def test_beside_faces_of_two_sizes_the_nearest_line_counts() -> None:
    """Its middle is nearer to that of the smaller face."""
    large, small = (
        replace(LEFT, radii=(100.0, 400.0), points=(10, 9)),
        replace(RIGHT, radii=(50.0, 100.0), points=(10, 9)),
    )
    target = replace(BUTT, faces=(large, small))
    score = score_landing(ButtPoint(703.5, 640.0), 6.0, target, Parameters())
    assert (score.result, score.line_call) == (Result.OFF_FACE, True)
    assert score.line_margin_mm == pytest.approx(-0.5)
    lane = LaneReadings().landing(5.0, None, x=710.0)
    shot = only_shot(lane, replace(WITHOUT_BOWS, target=target, slots=()))
    explained = explain(lane.readings, replace(WITHOUT_BOWS, target=target, slots=()), shot.id)
    assert explained is not None
    assert explained.ring is not None
    assert (explained.ring.face_id, explained.ring.from_centre_mm) == (large.id, 410.0)


def test_a_judge_decides_about_a_wrong_face() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4, x=900.0)
    release = lane.readings[1].key
    shot = only_shot(lane, corrected(WITH_BOWS, Correction(release, Result.HIT, 8)))
    assert (shot.points, shot.flags) == (8, (Flag.CORRECTED, Flag.WRONG_FACE))


def test_an_x_of_a_judge_is_one_of_the_archers_face() -> None:
    """Also where the arrow hit the face of another, on which an X is worth more."""
    lane = LaneReadings().shot(5.0).landing(5.4, x=900.0)
    face = replace(LEFT, points=(5, 4, 3), x_points=6)
    context = replace(WITH_BOWS, target=replace(BUTT, faces=(face, RIGHT)))
    shot = only_shot(lane, corrected(context, Correction(lane.readings[1].key, Result.HIT, 5, is_x=True)))
    assert (shot.points, shot.is_x, shot.slot_id) == (6, True, A.id)


def test_an_arrow_in_the_nock_of_another_archers_scores_nothing() -> None:
    lane = LaneReadings().shot(5.0, OTHER, "bow-2").landing(5.4, OTHER, x=900.0).shot(10.0).landing(10.4, x=902.0)
    assert [(s.points, s.flags) for s in shots(lane, WITH_BOWS)] == [(10, ()), (0, ("contact", "wrong_face"))]
    lane = LaneReadings().shot(5.0).landing(5.4, x=900.0).shot(10.0, OTHER, "bow-2").landing(10.4, OTHER, x=902.0)
    assert [(s.points, s.line_call) for s in shots(lane, WITH_BOWS)] == [(0, False), (10, True)]


def test_without_bows_the_face_shows_the_slot() -> None:
    lane = LaneReadings().landing(5.0, None, x=300.0).landing(8.0, None, x=900.0).landing(11.0, None, x=600.0)
    assert [s.slot_id for s in shots(lane, WITHOUT_BOWS)] == [A.id, B.id, None]
    shared = (replace(A, bow=None), replace(B, bow=None, faces=A.faces))
    assert [s.slot_id for s in shots(lane, replace(WITHOUT_BOWS, slots=shared))] == [None, None, None]


@pytest.mark.parametrize(("bow", "of_other"), [(None, A.id), ("bow-1", None)])
def test_a_sole_archer_owns_misses_too(bow: str | None, of_other: UUID | None) -> None:
    """On its face, on another one, beside both, beside the butt, nowhere, and not yet known; bow-2 is of no slot."""
    context = replace(WITH_BOWS, slots=(replace(A, bow=bow),))
    lane = LaneReadings()
    for n, x in enumerate((300.0, 900.0, 600.0, -20.0)):
        lane.shot(2.0 + 2 * n).landing(2.4 + 2 * n, x=x)
    lane.shot(10.0).shot(14.0, OTHER, "bow-2")
    found = shots(lane, context.at(30.0, {"bow-1": 18.0, "bow-2": 18.0, "target-1": 14.0}))
    assert [s.result for s in found][-3:] == [Result.OFF_VIEW, Result.MISS, Result.UNKNOWN]
    assert [s.slot_id for s in found] == [A.id] * 5 + [of_other]
    pending = shots(LaneReadings().shot(5.0), context.at(5.5, {"bow-1": 5.5, "bow-2": 5.5, "target-1": 5.5}))
    assert [(s.result, s.slot_id) for s in pending] == [(Result.PENDING, A.id)]


def test_a_sole_archer_without_any_bow_owns_misses_too() -> None:
    lane = LaneReadings().landing(5.0, None, x=300.0).landing(8.0, None, x=600.0).landing(11.0, None, x=-20.0)
    for slot in (replace(A, bow=None), A):
        found = shots(lane, replace(WITHOUT_BOWS, slots=(slot,)))
        assert [(s.slot_id, s.points) for s in found] == [(A.id, 10), (A.id, 0), (A.id, 0)]


def test_a_sole_archer_keeps_a_hit_on_another_face() -> None:
    """It is scored and explained on the face that was hit, also by a judge: no other archer shoots at it."""
    right = replace(RIGHT, points=(5, 4, 3), x_points=6)
    context = replace(CONTEXT, target=replace(BUTT, faces=(LEFT, right)), slots=(replace(A, bow=None),))
    lane = LaneReadings().shot(5.0).landing(5.4, x=930.0)
    shot = only_shot(lane, context)
    assert (shot.slot_id, shot.points, shot.face_id, shot.flags) == (A.id, 4, right.id, ())
    explained = explain(lane.readings, context, shot.id)
    assert explained is not None
    assert explained.ring is not None
    assert explained.ring.face_id == right.id
    of_judge = corrected(context, Correction(lane.readings[1].key, Result.HIT, 5, is_x=True))
    assert only_shot(lane, of_judge).points == 6


def test_several_bows_own_misses_too() -> None:
    lane = (
        LaneReadings().shot(3.0).landing(3.4, x=600.0).shot(6.0, OTHER, "bow-2").shot(9.0).shot(14.0, uuid4(), "bow-2")
    )
    found = shots(lane, WITH_BOWS.at(30.0, {"bow-1": 18.0, "bow-2": 18.0, "target-1": 14.0}))
    assert [(s.slot_id, s.result) for s in found] == [
        (A.id, Result.OFF_FACE), (B.id, Result.MISS), (A.id, Result.MISS), (B.id, Result.UNKNOWN),
    ]  # fmt: skip


def test_without_own_bows_a_miss_is_of_no_slot() -> None:
    context = replace(CONTEXT, target=BUTT, slots=(replace(A, bow=None), replace(B, bow=None)))
    found = shots(LaneReadings().shot(3.0).landing(3.4, x=300.0).shot(9.0), context)
    assert [(s.slot_id, s.result) for s in found] == [(A.id, Result.HIT), (None, Result.MISS)]


def beside_a_bow(**changes: Any) -> SessionContext:
    """A has a device on the bow, B has none."""
    slots = (A, replace(B, bow=None))
    return replace(CONTEXT, target=BUTT, slots=slots, watermarks={"bow-1": 20.0, "target-1": 20.0}, **changes)


def test_beside_a_bow_a_landing_on_the_face_of_a_slot_counts() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4, x=300.0).landing(9.0, None, x=900.0).landing(12.0, None, x=600.0)
    found = assemble(lane.readings, beside_a_bow())
    assert [(s.slot_id, s.points, s.release is None) for s in found.shots] == [(A.id, 10, False), (B.id, 10, True)]
    assert [orphan.t for orphan in found.orphans] == [12.0], "beside both faces it may be an arrow of A"


def test_it_waits_for_the_bow_that_may_explain_it() -> None:
    lane = LaneReadings().landing(9.0, None, x=900.0)
    late = beside_a_bow(now=9.5).at(9.5, {"bow-1": 8.0, "target-1": 9.4})
    assert (assemble(lane.readings, late).shots, assemble(lane.readings, late).unsettled) == ([], [9.0])
    (shot,) = assemble(lane.readings, late.at(9.6, {"bow-1": 9.1, "target-1": 9.5})).shots
    assert shot.slot_id == B.id


def test_it_goes_to_no_release_but_by_its_tag() -> None:
    """Though it fits a release by its time: that has a landing of its own, which comes later."""
    lane = LaneReadings().shot(8.6).landing(9.0, None, x=900.0)
    early = assemble(lane.readings, beside_a_bow(now=9.1).at(9.1, {"bow-1": 9.05, "target-1": 9.05}))
    assert ([s.result for s in early.shots], early.orphans) == ([Result.PENDING], [])
    lane.landing(9.1, x=300.0)
    found = shots(lane, beside_a_bow())
    assert [(s.slot_id, s.points, s.flags) for s in found] == [(A.id, 10, ()), (B.id, 10, ())]
    tagged = LaneReadings().shot(8.6).landing(9.0, x=900.0)
    assert [(s.slot_id, s.points, s.flags) for s in shots(tagged, beside_a_bow())] == [(A.id, 0, (Flag.WRONG_FACE,))]


def test_a_release_without_a_landing_may_have_made_it() -> None:
    found = assemble(LaneReadings().shot(8.6).landing(9.0, None, x=900.0).readings, beside_a_bow())
    assert [(s.result, s.flags) for s in found.shots] == [(Result.UNKNOWN, (Flag.UNSORTED,))]
    assert [orphan.t for orphan in found.orphans] == [9.0]


def test_a_bow_of_no_slot_may_be_of_the_archer_without_one() -> None:
    lane = LaneReadings().landing(9.0, None, x=900.0)
    found = assemble(lane.readings, replace(beside_a_bow(), slots=(replace(A, bow=None), replace(B, bow=None))))
    assert (found.shots, len(found.orphans)) == ([], 1)


def test_surplus_arrows_are_counted_for_each_slot() -> None:
    lane = LaneReadings()
    for n, x in enumerate((300.0, 900.0, 345.0, 855.0, 318.0)):
        lane.landing(5.0 + n, None, x=x)
    found = shots(lane, replace(WITHOUT_BOWS, arrows_per_end=2))
    assert [s.flags for s in found] == [(Flag.EXTRA,), (), (), (), ()]


def test_spots_are_counted_for_each_slot() -> None:
    """Two arrows in one spot: the lower counts, though the two archers have as many spots together as arrows."""
    faces = tuple(replace(LEFT, id=uuid4(), x=x, is_spot=True) for x in (300.0, 500.0, 700.0, 900.0))
    first = Slot(uuid4(), None, frozenset(face.id for face in faces[:2]))
    second = Slot(uuid4(), None, frozenset(face.id for face in faces[2:]))
    context = replace(WITHOUT_BOWS, target=replace(BUTT, faces=faces), slots=(first, second), arrows_per_end=2)
    lane = LaneReadings().landing(5.0, None, x=300.0).landing(6.0, None, x=340.0).landing(7.0, None, x=700.0)
    assert [s.flags for s in shots(lane, context)] == [(Flag.SAME_SPOT,), (), ()]
    three = replace(context, arrows_per_end=3)
    assert [s.flags for s in shots(lane, three)] == [(), (), ()]


def by_rules(context: SessionContext, rule_set: str, x_points: int | None) -> SessionContext:
    target = context.target or BUTT
    faces = tuple(replace(face, x_points=x_points) for face in target.faces)
    return replace(context, target=replace(target, faces=faces), rule_set=rule_set)


def test_an_x_is_worth_what_the_rules_say() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4).shot(10.0, OTHER).landing(10.4, OTHER, x=690.0)
    experiment = by_rules(CONTEXT, "wa_x11", 11)
    found = shots(lane, experiment)
    assert [(s.points, s.is_x, s.rule_set, s.rule_set_version) for s in found] == [
        (11, True, "wa_x11", 1),
        (10, False, "wa_x11", 1),
    ]
    of_judge = corrected(experiment, Correction(lane.readings[4].key, Result.HIT, 10, is_x=True))
    assert [(s.points, s.is_x) for s in shots(lane, of_judge)] == [(11, True), (11, True)]


def test_other_rules_and_slots_change_every_end() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4)
    assembly = IncrementalAssembly()
    assembly.update(lane.readings, CONTEXT)
    (shot,) = assembly.update([], by_rules(CONTEXT, "wa_x11", 11)).shots
    assert (shot.points, shot.rule_set) == (11, "wa_x11")
    face = CONTEXT.target.faces[0] if CONTEXT.target else LEFT
    (shot,) = assembly.update([], replace(CONTEXT, slots=(Slot(A.id, "bow-1", frozenset({face.id})),))).shots
    assert (shot.points, shot.slot_id, shot.arrow_id) == (10, A.id, ARROW)
