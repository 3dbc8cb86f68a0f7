"""A loop that goes on is not hung, however slow the clock or the process."""

from __future__ import annotations

import pytest

from edge.common.process.progress import LONGEST_STEP_S, Progress


def test_a_loop_that_comes_round_in_its_time_is_not_hung() -> None:
    progress = Progress()
    tick = progress.loop("writer", 3.0)
    for second in range(20):
        if second % 3 == 0:
            tick()
        assert progress.hung(float(second)) == []


def test_only_the_loop_that_hangs_is_named_and_it_recovers() -> None:
    progress = Progress()
    reader, _ = progress.loop("reader", 3.0), progress.loop("writer", 3.0)
    for second in range(5):
        reader()
        hung = progress.hung(float(second))
    assert hung == ["writer"]
    progress = Progress()
    tick = progress.loop("writer", 1.0)
    assert [progress.hung(float(second)) for second in range(4)][-1] == ["writer"]
    tick()
    assert progress.hung(4.0) == []


def test_each_loop_has_its_own_deadline() -> None:
    progress = Progress()
    progress.loop("slow", 10.0)
    progress.loop("fast", 2.0)
    seen = [progress.hung(float(second)) for second in range(14)]
    assert seen[2] == []
    assert seen[4] == ["fast"]
    assert seen[12] == ["slow", "fast"]


def test_a_process_that_was_stopped_for_an_hour_is_not_hung() -> None:
    progress = Progress()
    progress.loop("reader", LONGEST_STEP_S + 1)
    assert progress.hung(0.0) == []
    assert progress.hung(3600.0) == []


def test_two_loops_of_one_name_are_a_mistake() -> None:
    progress = Progress()
    progress.loop("reader", 1.0)
    with pytest.raises(ValueError, match="already"):
        progress.loop("reader", 1.0)
