"""The debounce keeps the first edge of every burst, whatever the contact does within it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from drivers.nock.debounce import LONGEST_BURSTS, Change, Debounce

MS = 1_000_000
SETTLE = 20 * MS
BURST = 15 * MS


@dataclass(frozen=True)
class Seen:
    """An edge as the kernel reports it."""

    at_ns: int
    level: bool


@st.composite
def bursts(draw: st.DrawFn) -> list[list[Seen]]:
    """Bursts of a contact that changes its state with each: pulses of any length, and directions that are read too late."""
    history: list[list[Seen]] = []
    at_ns, level = 0, False
    for _ in range(draw(st.integers(1, 8))):
        at_ns += SETTLE + draw(st.integers(BURST + 1, 500 * MS))
        level = not level
        instants = sorted(draw(st.sets(st.integers(0, BURST), max_size=6)) | {0})
        instants = instants if len(instants) % 2 else instants[:-1]
        true_levels = [level if number % 2 == 0 else not level for number in range(len(instants))]
        seen = [
            # All but the last may be read after the next edge: the contact is at rest only after the last one.
            Seen(at_ns + instant, true_level if number == len(instants) - 1 or draw(st.booleans()) else not true_level)
            for number, (instant, true_level) in enumerate(zip(instants, true_levels, strict=True))
        ]
        history.append(seen)
    return history


def changes_of(switch: Debounce, edges: list[Seen], until_ns: int) -> list[Change]:
    found = [switch.on_edge(edge.at_ns, edge.level) for edge in edges]
    found.append(switch.on_time(until_ns))
    return [change for change in found if change is not None]


@given(history=bursts())
def test_each_burst_is_one_change_at_its_first_edge(history: list[list[Seen]]) -> None:
    switch = Debounce(SETTLE, False, 0)
    edges = [edge for burst in history for edge in burst]
    found = changes_of(switch, edges, edges[-1].at_ns + SETTLE)
    assert found == [Change(number % 2 == 0, burst[0].at_ns) for number, burst in enumerate(history)]
    assert switch.counters.glitches == 0
    assert switch.due_ns is None


@given(history=bursts(), lost=st.data())
def test_lost_edges_cost_accuracy_and_no_change(history: list[list[Seen]], lost: st.DataObject) -> None:
    """The kernel drops the oldest edges; a look at the level decides, and the interval holds the true instant."""
    switch = Debounce(SETTLE, False, 0)
    found: list[tuple[Change, int]] = []
    for burst in history:
        count = lost.draw(st.integers(0, len(burst) - 1))
        for number, edge in enumerate(burst[count:]):
            assert switch.on_edge(edge.at_ns, edge.level, count if number == 0 else 0) is None
        quiet_ns = burst[-1].at_ns + SETTLE
        if count:
            assert switch.on_time(quiet_ns) is None
            assert switch.look_due_ns == quiet_ns
            change = switch.on_look(quiet_ns, burst[-1].level)
        else:
            change = switch.on_time(quiet_ns)
        assert change is not None
        found.append((change, burst[0].at_ns))
        assert change.engaged is burst[-1].level
    for change, true_ns in found:
        assert abs(change.at_ns - true_ns) <= change.half_width_ns + 1
    assert [change.engaged for change, _ in found] == [number % 2 == 0 for number in range(len(history))]


def test_pulse_without_a_lasting_change_is_a_glitch() -> None:
    switch = Debounce(SETTLE, False, 0)
    assert changes_of(switch, [Seen(100 * MS, True), Seen(100 * MS + 30_000, False)], 200 * MS) == []
    assert (switch.counters.glitches, switch.counters.same_direction) == (1, 0)


def test_same_direction_twice_is_counted() -> None:
    switch = Debounce(SETTLE, False, 0)
    edges = [Seen(100 * MS, True), Seen(101 * MS, True), Seen(101 * MS + 20_000, True)]
    assert changes_of(switch, edges, 200 * MS) == [Change(True, 100 * MS)]
    assert switch.counters.same_direction == 2


def test_a_change_is_not_reported_while_the_contact_may_bounce() -> None:
    switch = Debounce(SETTLE, False, 0)
    assert switch.on_edge(100 * MS, True) is None
    assert (switch.due_ns, switch.open_since_ns) == (120 * MS, 100 * MS)
    assert switch.on_time(120 * MS - 1) is None
    assert switch.on_time(120 * MS) == Change(True, 100 * MS)
    assert switch.open_since_ns is None


def test_an_edge_after_the_quiet_ends_the_burst_before() -> None:
    """Edges that waited for a slow event loop are assigned by their stamps."""
    switch = Debounce(SETTLE, False, 0)
    assert switch.on_edge(100 * MS, True) is None
    assert switch.on_edge(300 * MS, False) == Change(True, 100 * MS)
    assert switch.on_time(320 * MS) == Change(False, 300 * MS)


def test_two_looks_outweigh_a_switch_without_edges() -> None:
    switch = Debounce(SETTLE, False, 0)
    assert switch.on_look(1000 * MS, False) is None
    assert switch.on_look(2000 * MS, True) is None
    assert (switch.look_due_ns, switch.open_since_ns) == (2020 * MS, 1000 * MS)
    assert switch.on_look(2010 * MS, True) is None
    change = switch.on_look(2020 * MS, True)
    assert change == Change(True, 1500 * MS, 500 * MS)
    assert switch.counters.by_level == 1


def test_an_edge_explains_a_look_that_came_before_it() -> None:
    switch = Debounce(SETTLE, False, 0)
    assert switch.on_look(1000 * MS, True) is None
    assert switch.on_edge(999 * MS, True) is None
    assert switch.on_time(1019 * MS) == Change(True, 999 * MS)
    assert switch.counters.by_level == 0


def test_a_contact_that_never_rests_is_divided() -> None:
    switch = Debounce(SETTLE, False, 0)
    found = [switch.on_edge(number * MS, number % 2 == 0) for number in range(100, 1100)]
    assert switch.counters.divided == 1000 * MS // (LONGEST_BURSTS * SETTLE) - 1
    assert len([change for change in found if change is not None]) <= switch.counters.divided
