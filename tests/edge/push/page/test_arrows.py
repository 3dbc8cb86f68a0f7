"""Each arrow relative to the group, against numbers computed here."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tests.edge.push.page.fixture_types import Call
from tests.edge.push.page.shots import FACE, shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def flown(arrows: int, rounds: int, bad: dict[int, float]) -> list[dict[str, Any]]:
    """Return shots of every arrow once per round; those in ``bad`` fly that many mm higher."""
    chance = random.Random(3)
    return [
        shot(turn * arrows + arrow + 1, 8, dx=chance.gauss(0, 20), dy=chance.gauss(0, 20) + bad.get(arrow, 0.0),
             arrow_id=f"a{arrow}", human_identifier=f"A{arrow}")
        for turn in range(rounds)
        for arrow in range(arrows)
    ]  # fmt: skip


def mean(of: list[dict[str, Any]], axis: str) -> float:
    return float(sum(one[axis] - 640.0 for one in of) / len(of))


async def test_arrow_offsets_have_their_standard_error(call: Call) -> None:
    shots = [*flown(6, 4, {}), shot(99, 7, dx=40.0)]  # the last arrow is unknown and part of the group
    rows = await call("model/arrows.js", "arrowReport", shots, [FACE])
    assert [row["name"] for row in rows] == [f"A{i}" for i in range(6)]
    squares = 0.0
    for row in rows:
        mine = [one for one in shots if one["human_identifier"] == row["name"]]
        assert (row["n"], row["placed"], row["average"]) == (4, 4, 8)
        assert row["dx"] == pytest.approx(mean(mine, "x") - mean(shots, "x"))
        assert row["dy"] == pytest.approx(mean(mine, "y") - mean(shots, "y"))
        squares += sum((one[axis] - 640 - mean(mine, axis)) ** 2 for one in mine for axis in ("x", "y"))
        assert not row["beyond"]
    freedom = 2 * (24 - 6)
    c4 = math.sqrt(2 / freedom) * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    sigma = math.sqrt(squares / freedom) / c4
    assert rows[0]["error"] == pytest.approx(sigma * math.sqrt(1 / 4 - 1 / 25))


async def test_only_the_arrow_that_flies_elsewhere_is_marked(call: Call) -> None:
    rows = await call("model/arrows.js", "arrowReport", flown(12, 3, {4: 90.0}), [FACE])
    assert [row["name"] for row in rows if row["beyond"]] == ["A4"]


async def test_no_arrow_is_judged_from_too_few_shots(call: Call) -> None:
    once = await call("model/arrows.js", "arrowReport", flown(12, 1, {4: 900.0}), [FACE])
    assert all(row["error"] is None and not row["beyond"] for row in once)
    flyer = [*flown(6, 3, {}), shot(50, 1, dx=500.0, arrow_id="new", human_identifier="new")]
    (row,) = [row for row in await call("model/arrows.js", "arrowReport", flyer, [FACE]) if row["name"] == "new"]
    assert row["error"] > 0
    assert not row["beyond"]


async def test_misses_count_in_an_average_but_no_let_down_or_sighter(call: Call) -> None:
    mine: dict[str, Any] = {"arrow_tag": "3f00a2", "arrow_id": None}
    shots = [
        shot(1, 9, **mine), shot(2, 0, dx=None, result="miss", **mine), shot(3, None, dx=None, result="not_shot", **mine),
        shot(4, 10, sighter=True, **mine),
    ]  # fmt: skip
    (row,) = await call("model/arrows.js", "arrowReport", shots, [FACE])
    assert (row["name"], row["n"], row["placed"], row["average"]) == ("unknown 3F..A2", 2, 1, 4.5)
