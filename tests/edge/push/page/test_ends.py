"""Ends: counted arrows, sighters, surplus arrows, sums."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge.push.page.fixture_types import Call
from tests.edge.push.page.shots import shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Shots = list[dict[str, Any]]


async def ordered(call: Call, shots: Shots, *, sighters: int = 0) -> Shots:
    found: Shots = await call("model/ends.js", "inOrder", shots, sighters)
    return found


async def test_ends_are_summed_highest_first_with_a_running_total(call: Call) -> None:
    shots = [
        shot(4, 6, end_number=2), shot(1, 7), shot(2, 10, is_x=True), shot(3, 10), shot(5, 0, dx=None, end_number=2, result="miss"),
        shot(6, None, dx=None, end_number=2, result="unknown"), shot(7, None, dx=None, end_number=2, result="not_shot"),
    ]  # fmt: skip
    in_order = await ordered(call, shots)
    assert [(one["endName"], one["inEnd"]) for one in in_order] == [
        ("1", 1), ("1", 2), ("1", 3), ("2", 1), ("2", 2), ("2", 3), ("2", None)
    ]  # fmt: skip
    first, second = await call("model/ends.js", "ends", in_order)
    assert [(one["points"], one["is_x"]) for one in first["shots"]] == [(10, True), (10, False), (7, False)]
    assert (first["sum"], first["hits"], first["xs"], first["running"]) == (27, 3, 1, 27)
    assert (second["sum"], second["arrows"], second["misses"], second["running"]) == (6, 3, 1, 33)


async def test_sighters_have_own_ends_and_count_in_no_total(call: Call) -> None:
    shots = [shot(1, 9), shot(2, 8), shot(3, 5, end_number=2), shot(4, 4, end_number=3)]
    in_order = await ordered(call, shots, sighters=2)
    found = await call("model/ends.js", "ends", in_order)
    rows = [(end["name"], end["sighter"], end["sum"], end["running"]) for end in found]
    assert rows == [("S1", True, 17, None), ("S2", True, 5, None), ("1", False, 4, 4)]
    totals = await call("model/score.js", "totals", in_order)
    assert (totals["arrows"], totals["sum"], totals["average"]) == (1, 4, 4)


@pytest.mark.parametrize("flag", ["extra", "same_spot"])
async def test_surplus_arrows_count_in_no_sum(call: Call, flag: str) -> None:
    in_order = await ordered(call, [shot(1, 9), shot(2, 3), shot(3, 10, flags=["line_call", flag]), shot(4, 7)])
    assert [one["points"] for one in in_order if one["extra"]] == [10]
    (end,) = await call("model/ends.js", "ends", in_order)
    assert (end["sum"], end["arrows"], len(end["shots"])) == (19, 3, 4)


async def test_the_page_excludes_no_arrow_itself(call: Call) -> None:
    shots = [*(shot(i, 9) for i in range(1, 6)), shot(6, None, dx=None, result="unknown")]
    (end,) = await call("model/ends.js", "ends", await ordered(call, shots))
    assert (end["sum"], end["arrows"]) == (45, 6)


async def test_shots_without_an_end_are_no_sighters(call: Call) -> None:
    in_order = await ordered(call, [shot(i, 8, end_number=None) for i in range(1, 6)], sighters=1)
    assert [(one["endName"], one["extra"], one["sighter"]) for one in in_order] == [("", False, False)] * 5
