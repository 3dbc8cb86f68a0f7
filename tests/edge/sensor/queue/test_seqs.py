"""Runs of numbers against a plain set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.sensor.queue.seqs import SeqRuns

_runs = st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda run: (run[0], run[0] + run[1]))


@given(added=st.lists(_runs, max_size=20))
def test_it_holds_what_a_set_would(added: list[tuple[int, int]]) -> None:
    runs, model = SeqRuns(), set[int]()
    for first, last in added:
        runs.add(first, last)
        model |= set(range(first, last + 1))
        assert {seq for seq in range(60) if seq in runs} == model
        assert runs.whole == next(n for n in range(60) if n + 1 not in model)
        assert runs.whole_past(7) == next(n for n in range(7, 60) if n + 1 not in model)


def test_a_long_prefix_without_a_hole_is_one_run() -> None:
    runs = SeqRuns()
    for seq in range(1, 100_001):
        runs.add(seq)
    assert runs.whole == 100_000
    assert len(runs._firsts) == 1
