"""Figures: ratios of each round, median and range, and the verdict on a budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.figures import HEADER, Bound, Budget, Figure, Scale, percentile, show

AT_MOST_TWICE = Budget(Bound.AT_MOST, 2.0)


def test_ratio_is_taken_within_each_round() -> None:
    figure = Figure("write", "ms", [2.0, 30.0, 4.0], [1.0, 10.0, 4.0])
    assert figure.ratios == [2.0, 3.0, 1.0]
    assert figure.line() == "| write | 4 [2-30] ms | 4 [1-10] | 2 [1-3] | - |"


def test_median_of_the_ratios_decides_on_a_budget() -> None:
    met = Figure("write", "ms", [2.0, 30.0, 4.0], [1.0, 10.0, 4.0], AT_MOST_TWICE)
    missed = Figure("write", "ms", [2.1, 30.0, 4.0], [1.0, 10.0, 4.0], AT_MOST_TWICE)
    assert met.line().endswith("| at most 2 of the floor: met |")
    assert missed.line().endswith("| at most 2 of the floor: missed |")


@pytest.mark.parametrize(("bound", "limit", "is_met"), [(Bound.AT_LEAST, 5, True), (Bound.AT_LEAST, 7, False),
                                                        (Bound.AT_MOST, 5, False), (Bound.AT_MOST, 7, True)])  # fmt: skip
def test_budget_may_limit_the_value_itself(bound: Bound, limit: float, *, is_met: bool) -> None:
    figure = Figure("memory", "MB", [6.0], [1.0], Budget(bound, limit, Scale.VALUE))
    assert figure.is_met is is_met
    assert f"{bound} {limit} MB" in figure.line()


def test_one_round_shows_no_range() -> None:
    assert Figure("memory", "kB", [1234.5]).line() == "| memory | 1,234 kB | - | - | - |"


def test_budget_without_floor_is_undecided() -> None:
    assert Figure("write", "ms", [1.0], budget=AT_MOST_TWICE).line().endswith("at most 2 of the floor: no floor |")


@pytest.mark.parametrize(("values", "floors"), [([], []), ([1.0, 2.0], [1.0])])
def test_each_round_needs_a_value_and_a_floor(values: list[float], floors: list[float]) -> None:
    with pytest.raises(ValueError, match="write"):
        Figure("write", "ms", values, floors)


def test_every_round_is_saved_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = Figure("write", "ms", [2.0, 3.0], [1.0, 2.0], AT_MOST_TWICE)
    show([figure], tmp_path / "figures.json")
    assert capsys.readouterr().out == f"{HEADER}\n{figure.line()}\n"
    saved = json.loads((tmp_path / "figures.json").read_text())["figures"][0]
    assert (saved["values"], saved["floors"], saved["ratios"], saved["met"]) == (
        [2.0, 3.0],
        [1.0, 2.0],
        [2.0, 1.5],
        True,
    )


def test_percentile_is_one_of_the_values() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 3.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.99) == 4.0
