"""The parts of a session in which a device is proven to have worked, against the coverage that decides misses."""

from __future__ import annotations

import itertools
import math
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from edge.common.vocabulary import UnwatchedCause
from edge.shots.assembly.context import Parameters, SessionContext
from edge.shots.assembly.coverage import Coverage, Watch, device_watch, landing_coverage
from edge.shots.assembly.timeline import BlindInterval, LaneAssignment

GAP, OFF_LANE, NOT_STORED = UnwatchedCause.GAP, UnwatchedCause.OFF_LANE, UnwatchedCause.NOT_STORED
ENDS = 60


def context(
    *blind: tuple[float, float], stored: float = 100.0, assigned: tuple[tuple[float, float], ...] = ()
) -> SessionContext:
    return SessionContext(
        session_id=UUID(int=1),
        lane=1,
        starts=0.0,
        closes=float(ENDS),
        is_indoor=False,
        end_timeout_s=60.0,
        target=None,
        bows=frozenset(),
        targets=frozenset(("target-1",)),
        now=1000.0,
        watermarks={"target-1": stored},
        blind=[BlindInterval("target-1", *interval) for interval in blind],
        assignments={"target-1": [LaneAssignment(*interval) for interval in assigned]} if assigned else {},
    )


def watch(seen: SessionContext) -> list[tuple[float, float, set[UnwatchedCause]]]:
    return [(one.since, one.until, set(one.causes)) for one in device_watch("target-1", 0.0, ENDS, seen)]


def test_an_undisturbed_device_watched_the_whole_session() -> None:
    assert watch(context()) == [(0.0, ENDS, set())]


def test_each_cause_is_named() -> None:
    seen = context((-math.inf, 5.0), (20.0, 25.0), (25.0, 30.0), stored=50.0, assigned=((-math.inf, 40.0),))
    assert watch(seen) == [
        (0.0, 5.0, {GAP}),
        (5.0, 20.0, set()),
        (20.0, 30.0, {GAP}),
        (30.0, 40.0, set()),
        (40.0, 50.0, {OFF_LANE}),
        (50.0, ENDS, {OFF_LANE, NOT_STORED}),
    ]


def test_blindness_of_an_instant_divides_what_is_proven() -> None:
    assert watch(context((30.0, 30.0))) == [(0.0, 30.0, set()), (30.0, ENDS, set())]


def test_a_device_without_a_watermark_proves_nothing() -> None:
    seen = context(stored=-math.inf)
    assert device_watch("target-1", 0.0, ENDS, seen) == [Watch(0.0, ENDS, frozenset((NOT_STORED,)))]


INSTANTS = st.integers(-5, ENDS + 5).map(float)
INTERVALS = st.tuples(INSTANTS, INSTANTS).map(lambda pair: (min(pair), max(pair)))


@given(
    blind=st.lists(INTERVALS, max_size=4),
    stored=INSTANTS,
    cuts=st.lists(INSTANTS, min_size=2, max_size=4, unique=True).map(sorted),
    released=st.integers(0, ENDS - 4).map(lambda t: t + 0.5),
)
def test_misses_are_possible_exactly_where_work_is_proven(
    blind: list[tuple[float, float]], stored: float, cuts: list[float], released: float
) -> None:
    """Assignments follow each other without a pause; the window never ends at an edge, where both are cautious in turn."""
    assigned = tuple(itertools.pairwise(cuts))
    seen = context(*blind, stored=stored, assigned=assigned)
    closes = released + Parameters().landing_window_s(0.0)
    proven = [one for one in device_watch("target-1", 0.0, ENDS, seen) if not one.causes]
    is_inside = any(one.since <= released and closes <= one.until for one in proven)
    assert is_inside == (landing_coverage(released, seen) is Coverage.COMPLETE)
