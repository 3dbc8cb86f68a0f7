"""The table of arrows: the page sorts and formats what the hub computed."""

from __future__ import annotations

import random

import pytest

from edge.common.vocabulary import Result
from tests.edge.push.page.fixture_types import Call
from tests.edge.push.page.test_group import answer
from tests.edge.statistics.session_rows import session, shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_arrows_are_listed_by_name_with_the_hubs_numbers(call: Call) -> None:
    chance = random.Random(4)
    shots = [
        shot(
            number,
            8,
            dx=chance.gauss(0, 20),
            dy=chance.gauss(0, 20) + (90 if number % 12 == 3 else 0),
            arrow=f"L1-{number % 12}",
        )
        for number in range(36)
    ]
    found = answer(session(*shots))
    rows = await call("model/arrows.js", "arrowRows", found)
    assert [row["name"] for row in rows] == [f"L1-{i}" for i in range(12)]  # L1-10 after L1-9
    by_name = {one["name"]: one for one in found["arrows"]}
    for row in rows:
        known = by_name[row["name"]]["bias"]
        assert (row["dx"], row["dy"], row["error"]) == (known["dx_mm"], known["dy_mm"], known["error_mm"])
        assert (row["n"], row["average"]) == (3, 8)
    advice = {row["name"]: row["advice"] for row in rows if row["advice"]}
    bias = by_name["L1-3"]["bias"]["bias_mm"]
    assert advice == {"L1-3": f"check arrow L1-3: {bias:.0f}\u00a0mm off in 3 shots"}


async def test_an_unknown_arrow_has_the_end_of_its_tag_and_no_bias(call: Call) -> None:
    shots = [shot(1, 9, tag="3f00a2"), shot(2, 0, dx=None, result=Result.MISS, tag="3f00a2")]
    (row,) = await call("model/arrows.js", "arrowRows", answer(session(*shots)))
    assert row == {
        "name": "tag 00A2", "n": 2, "average": 4.5, "dx": None, "dy": None, "error": None, "advice": None
    }  # fmt: skip
