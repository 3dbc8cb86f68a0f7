"""The light gates distinguish a shot from an arrow that is taken off, and never guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import ReleaseCause
from drivers.nock.gates import FASTEST_MPS, SLOWEST_MPS, Gates, Passage

MS = 1_000_000
RELEASED = 10_000 * MS
CLEAR = {"A": False, "B": False}


def gates_after_nocking(distance_mm: float = 50.0) -> Gates:
    """A pair that detected an arrow when it was nocked."""
    gates = Gates(distance_mm, dict(CLEAR))
    for at_ms, blocked in ((100, True), (200, False)):
        gates.on_edge("A", at_ms * MS, blocked)
        gates.on_edge("B", (at_ms + 5) * MS, blocked)
    return gates


def pass_by(gates: Gates, first_ns: int, speed_mps: float, distance_mm: float = 50.0) -> None:
    """The end of an arrow clears A at ``first_ns``, and B after the distance."""
    between_ns = round(distance_mm * 1e6 / speed_mps)
    for at_ns, blocked in ((first_ns - 12 * MS, True), (first_ns, False)):
        gates.on_edge("A", at_ns, blocked)
        gates.on_edge("B", at_ns + between_ns, blocked)


@given(speed_mps=st.floats(SLOWEST_MPS + 0.1, FASTEST_MPS - 0.1), distance_mm=st.sampled_from([20.0, 50.0, 300.0]))
def test_a_shot_is_confirmed_with_its_speed(speed_mps: float, distance_mm: float) -> None:
    gates = gates_after_nocking(distance_mm)
    pass_by(gates, RELEASED + 5 * MS, speed_mps, distance_mm)
    passage = gates.decide(RELEASED)
    assert passage.cause is ReleaseCause.SHOT
    assert passage.launch_mps == pytest.approx(speed_mps, rel=1e-4)


def test_a_shot_is_decided_as_soon_as_the_gates_are_quiet() -> None:
    gates = gates_after_nocking()
    assert gates.decided_at(RELEASED) == RELEASED + 150 * MS
    gates.on_edge("A", RELEASED - 4 * MS, True)
    assert gates.decided_at(RELEASED) == RELEASED + 2000 * MS
    pass_by(gates, RELEASED + 5 * MS, 50.0)
    assert gates.decided_at(RELEASED) == RELEASED + (5 + 1 + 10) * MS


def test_vanes_do_not_end_an_arrow() -> None:
    """The light shines through between two vanes; the last clearing edge is that of the nock."""
    gates = gates_after_nocking()
    for first_ns in (RELEASED + 2 * MS, RELEASED + 5 * MS):
        pass_by(gates, first_ns, 57.0)
    assert gates.decide(RELEASED).launch_mps == pytest.approx(57.0, rel=1e-4)


def test_an_arrow_that_is_taken_off_slowly_was_not_shot() -> None:
    gates = gates_after_nocking()
    gates.on_edge("A", RELEASED + 60 * MS, False)
    gates.on_edge("B", RELEASED + 100 * MS, False)
    assert gates.decide(RELEASED) == Passage(ReleaseCause.REMOVED)


def test_an_arrow_that_is_drawn_back_out_was_not_shot() -> None:
    gates = gates_after_nocking()
    gates.on_edge("B", RELEASED + 5 * MS, False)
    gates.on_edge("A", RELEASED + 6 * MS, False)
    assert gates.decide(RELEASED) == Passage(ReleaseCause.REMOVED)


def test_an_arrow_that_never_reached_the_gates_was_not_shot() -> None:
    assert gates_after_nocking().decide(RELEASED) == Passage(ReleaseCause.REMOVED)


@pytest.mark.parametrize(
    ("reason", "edges"),
    [
        ("light gate B is blocked", [("B", 1, True), ("A", 5, False)]),
        ("light gate A alone", [("A", 5, False)]),
        ("impossible 500 m/s", [("A", 5.0, False), ("B", 5.1, False)]),
    ],
)
def test_doubtful_gates_give_no_cause(reason: str, edges: list[tuple[str, float, bool]]) -> None:
    gates = gates_after_nocking()
    for name, at_ms, blocked in edges:
        gates.on_edge(name, RELEASED + round(at_ms * MS), blocked)
    passage = gates.decide(RELEASED)
    assert (passage.cause, passage.launch_mps) == (None, None)
    assert reason in (passage.reason or "")


def test_lost_edges_of_a_gate_give_no_cause() -> None:
    gates = gates_after_nocking()
    pass_by(gates, RELEASED + 5 * MS, 57.0)
    gates.on_edge("A", RELEASED + 7 * MS, False, missed=3)
    assert "were lost" in (gates.decide(RELEASED).reason or "")


def test_gates_that_never_worked_prove_nothing() -> None:
    """Otherwise every shot beside an unplugged pair of gates would count as let down."""
    assert Gates(50.0, dict(CLEAR)).decide(RELEASED) == Passage(
        None, reason="light gate A and B has not detected an arrow yet"
    )


def test_edges_of_one_release_do_not_confirm_the_next() -> None:
    gates = gates_after_nocking()
    pass_by(gates, RELEASED + 5 * MS, 57.0)
    assert gates.decide(RELEASED).cause is ReleaseCause.SHOT
    assert gates.decide(RELEASED + 20 * MS).cause is ReleaseCause.REMOVED


def test_a_look_corrects_the_state_of_a_gate() -> None:
    gates = gates_after_nocking()
    gates.on_edge("A", RELEASED - 500 * MS, True)
    gates.on_look(RELEASED + 1000 * MS, CLEAR)
    assert gates.decide(RELEASED) == Passage(ReleaseCause.REMOVED)
