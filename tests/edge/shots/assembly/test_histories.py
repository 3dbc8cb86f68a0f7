"""Properties of every history, and the truth of realistic ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.explain import explain
from edge.shots.assembly.flight import landing_window_s, longest_flight_s
from edge.shots.assembly.model import CorrectionSet, ReadingKey
from edge.shots.assembly.shot import shot_id
from edge.shots.assembly.timeline import PreviousSession
from edge.shots.assembly.window import AFTER_END, BEFORE_START
from tests.edge.shots.assembly.histories import History, Truth, any_history, arrivals, sound_history
from tests.edge.shots.assembly.lane_readings import TARGET

EXAMPLES = 150
MANY = 5000


def no_reading_counts_twice(history: History) -> None:
    """Each reading belongs to at most one shot, in one role, and no orphan belongs to a shot."""
    found = assemble(history.readings, history.context)
    roles: list[ReadingKey] = [o.key for o in found.orphans]
    for shot in found.shots:
        roles += [key for key in (shot.engage, shot.release, shot.landing) if key is not None]
    assert [key for key, count in Counter(roles).items() if count > 1] == []
    assert len({shot.id for shot in found.shots}) == len(found.shots)


def every_release_is_one_shot(history: History) -> None:
    """There are as many shots as releases and landings alone, each with the id of its own first reading."""
    context = history.context
    found = assemble(history.readings, context)
    last = float("inf") if context.closes is None else context.closes
    releases = {
        r.key
        for r in history.readings
        if r.kind == "release"
        and r.cause != "removed"
        and r.key.device_id in context.bows
        and context.starts <= r.t <= last
    }
    assert {shot.release for shot in found.shots if shot.release} == releases
    alone = [shot for shot in found.shots if shot.release is None]
    assert len(found.shots) == len(releases) + len(alone)
    kinds = {r.key: r.kind for r in history.readings}
    for shot in found.shots:
        first = shot.release or shot.landing
        assert first is not None
        assert shot.id == shot_id(first)
        assert shot.landing is None or kinds[shot.landing] == "landing"


def every_miss_was_covered(history: History) -> None:
    """No shot is a miss whose target was blind or silent within the window, unless an operator corrected it."""
    at = {r.key: r.t for r in history.readings}
    context = history.context
    for shot in assemble(history.readings, context).shots:
        if shot.result != "miss" or "corrected" in shot.flags:
            continue
        assert shot.release is not None
        assert shot.landing is None
        assert shot.points == 0
        since = at[shot.release]
        until = since + landing_window_s(context)
        assert context.watermarks["target-1"] > until
        assert not [b for b in context.blind if b.device_id == "target-1" and b.since < until and b.until > since]


def table_accepts_each_shot(history: History) -> None:
    """Each shot satisfies the constraints of the schema."""
    for shot in assemble(history.readings, history.context).shots:
        assert (shot.arrow_landing_time is None) == (shot.x is None) == (shot.y is None)
        assert shot.tof_s is None or shot.tof_s > 0
        assert shot.speed_mps is None or shot.speed_mps > 0
        assert (shot.result == "void") == (shot.void_reason is not None)
        if shot.arrow_engage_time and shot.arrow_disengage_time:
            assert shot.arrow_engage_time <= shot.arrow_disengage_time
        assert list(shot.flags) == sorted(set(shot.flags))


def every_shot_has_an_explanation(history: History) -> None:
    """The explanation has the same shot as the table."""
    for shot in assemble(history.readings, history.context).shots:
        explained = explain(history.readings, history.context, shot.id)
        assert explained is not None
        assert explained.shot == shot


def assert_truth(history: History, truth: list[Truth]) -> None:
    """Every arrow is where it landed. Of two that flew at almost the same time one may be unknown."""
    found = assemble(history.readings, history.context)
    assert found.orphans == []
    by_release = {shot.release: shot for shot in found.shots}
    assert len(by_release) == len(found.shots) == len(truth)
    for true in truth:
        shot = by_release[true.release]
        assert (
            shot.result == true.result
            or (true.result == "miss" and shot.flags == ("dead_time",))
            or (true.result == "hit" and shot.result == "off_face")
        )
        assert (shot.arrow_id, shot.x) == (true.arrow, true.x)
        assert shot.assignment == (None if true.x is None else "id")
        if true.flown_s is not None:
            assert shot.tof_s == pytest.approx(true.flown_s, abs=0.0021)


INVARIANTS = (
    no_reading_counts_twice,
    every_release_is_one_shot,
    every_miss_was_covered,
    table_accepts_each_shot,
    every_shot_has_an_explanation,
)


@given(any_history())
@settings(max_examples=EXAMPLES, deadline=None)
def test_invariants_hold_for_arbitrary_histories(history: History) -> None:
    for check in INVARIANTS:
        check(history)


@given(st.data(), any_history())
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_order_of_arrival_changes_nothing(data: st.DataObject, history: History) -> None:
    arrived = data.draw(arrivals(history.readings))
    assert repr(assemble(arrived, history.context)) == repr(assemble(history.readings, history.context))


@given(sound_history())
@settings(max_examples=EXAMPLES, deadline=None)
def test_realistic_history_gives_exactly_the_truth(sound: tuple[History, list[Truth]]) -> None:
    assert_truth(*sound)


def assert_one_session_each(
    history: History, first_closes: float, pause_s: float, distances: tuple[float, float]
) -> None:
    """A lane's session is closed and the next one begins: each reading is of one of them at most."""
    one, two = (replace(history.context, target=replace(TARGET, distance_m=metres)) for metres in distances)
    starts = first_closes + pause_s
    before = PreviousSession(first_closes, first_closes + longest_flight_s(one))
    one = replace(one, starts=0.0, closes=first_closes)
    two = replace(two, starts=starts, closes=None, previous=before)
    roles: list[ReadingKey] = []
    for readings, context in (
        ([r for r in history.readings if r.t <= first_closes + AFTER_END.total_seconds()], one),
        ([r for r in history.readings if r.t >= starts - BEFORE_START.total_seconds()], two),
    ):
        found = assemble(readings, context)
        roles += [o.key for o in found.orphans]
        roles += [key for shot in found.shots for key in (shot.release, shot.landing) if key is not None]
    assert [key for key, count in Counter(roles).items() if count > 1] == []


BORDERS = {
    "first_closes": st.integers(1000, 8000).map(lambda n: n / 100),
    "pause_s": st.sampled_from((0.0, 0.0, 0.2, 2.0)),
    "distances": st.tuples(st.sampled_from((18.0, 70.0)), st.sampled_from((18.0, 70.0))),
}


@given(history=any_history() | sound_history().map(lambda sound: sound[0]), **BORDERS)
@settings(max_examples=EXAMPLES, deadline=None)
def test_each_reading_belongs_to_one_session(
    history: History, first_closes: float, pause_s: float, distances: tuple[float, float]
) -> None:
    history.context = replace(history.context, corrections=CorrectionSet())  # corrections belong to one session
    assert_one_session_each(history, first_closes, pause_s, distances)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(st.data(), any_history(), sound_history())
@settings(max_examples=MANY, deadline=None)
def test_many_histories(data: st.DataObject, history: History, sound: tuple[History, list[Truth]]) -> None:
    for check in INVARIANTS:
        check(history)
    arrived = data.draw(arrivals(history.readings))
    assert repr(assemble(arrived, history.context)) == repr(assemble(history.readings, history.context))
    assert_truth(*sound)
