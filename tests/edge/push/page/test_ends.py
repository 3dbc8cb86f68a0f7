"""Ends: what counts in them, sighters, arrows too many, sums."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge.push.page.opening import Call
from tests.edge.push.page.shots import shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Shots = list[dict[str, Any]]


async def ordered(call: Call, shots: Shots, *, sighters: int = 0, arrows: int = 3, faces: int = 1) -> Shots:
    rules = {"sighterEnds": sighters, "arrowsPerEnd": arrows, "faces": faces}
    found: Shots = await call("ends.js", "inOrder", shots, rules)
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
    first, second = await call("ends.js", "ends", in_order)
    assert [(one["points"], one["is_x"]) for one in first["shots"]] == [(10, True), (10, False), (7, False)]
    assert (first["sum"], first["hits"], first["xs"], first["running"]) == (27, 3, 1, 27)
    assert (second["sum"], second["arrows"], second["misses"], second["running"]) == (6, 3, 1, 33)


async def test_sighters_are_shown_apart_and_count_nowhere(call: Call) -> None:
    shots = [shot(1, 9), shot(2, 8), shot(3, 5, end_number=2), shot(4, 4, end_number=3)]
    in_order = await ordered(call, shots, sighters=2)
    found = await call("ends.js", "ends", in_order)
    told = [(end["name"], end["sighter"], end["sum"], end["running"]) for end in found]
    assert told == [("S1", True, 17, None), ("S2", True, 5, None), ("1", False, 4, 4)]
    totals = await call("scoring.js", "totals", in_order)
    assert (totals["arrows"], totals["sum"], totals["average"]) == (1, 4, 4)


async def test_of_too_many_arrows_the_lowest_count(call: Call) -> None:
    in_order = await ordered(call, [shot(1, 9), shot(2, 3), shot(3, 10), shot(4, 7)])
    assert [one["points"] for one in in_order if one["extra"]] == [10]
    (end,) = await call("ends.js", "ends", in_order)
    assert (end["sum"], end["arrows"], len(end["shots"])) == (19, 3, 4)


async def test_each_bow_of_a_lane_has_its_own_number_of_arrows(call: Call) -> None:
    both = [shot(i, 9, release_device_id=("bow-1", "bow-2")[i % 2]) for i in range(1, 7)]
    assert not any(one["extra"] for one in await ordered(call, both))


async def test_of_two_arrows_in_one_spot_the_lower_counts(call: Call) -> None:
    shots = [
        shot(1, 9, face_id="1"),
        shot(2, 7, face_id="1"),
        shot(3, 8, face_id="2"),
        shot(4, 0, result="off_face", face_id=None),
    ]
    in_order = await ordered(call, shots[:3], faces=3)
    assert [one["points"] for one in in_order if one["extra"]] == [9]
    in_order = await ordered(call, shots, arrows=3, faces=3)
    assert [one["points"] for one in in_order if one["extra"]] == [9]  # not once more for being the fourth arrow
    in_order = await ordered(call, shots, arrows=6, faces=2)  # faces of two archers, not spots
    assert not any(one["extra"] for one in in_order)


async def test_shots_without_an_end_are_never_too_many(call: Call) -> None:
    in_order = await ordered(call, [shot(i, 8, end_number=None) for i in range(1, 6)], sighters=1)
    assert [(one["endName"], one["extra"], one["sighter"]) for one in in_order] == [("", False, False)] * 5
