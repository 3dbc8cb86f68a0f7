"""The group in words: the page formats the hub's statistics and computes none."""

from __future__ import annotations

from typing import Any

import pytest

from edge.operator.statistics import StatisticsState, statistics_facts
from edge.statistics import SessionFacts, session_statistics
from tests.edge.push.page.fixture_types import Call
from tests.edge.statistics.session_rows import NAMESPACE, session, shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SPOTS = [(100, 40), (-100, -40), (40, 100), (-40, -100), (80, -80), (-80, 80)]
SIGMA = "\N{GREEK SMALL LETTER SIGMA}"


def answer(facts: SessionFacts) -> dict[str, Any]:
    """Return the hub's answer for a session."""
    state = StatisticsState(NAMESPACE, 1, facts.sighter_ends, facts.distance_m, "[]", len(facts.shots), 0, ())
    return statistics_facts(state, session_statistics(facts))


def moved(dx: float, dy: float, times: int = 1, first: int = 1) -> list[Any]:
    return [shot(first + i, 8, dx=x * times + dx, dy=y * times + dy) for i, (x, y) in enumerate(SPOTS)]


async def terms(call: Call, facts: SessionFacts) -> dict[str, str]:
    found = await call("model/group.js", "groupTerms", answer(facts))
    return {term: text.replace("\u00a0", " ") for term, text in found}


async def test_a_group_of_six_is_described_with_its_uncertainty(call: Call) -> None:
    assert await terms(call, session(*moved(200, -30))) == {
        "Middle": "200 mm right, 30 mm low of the centre (± 36 mm)",
        f"Spread {SIGMA}": "87 mm per axis, 95 % interval 59 to 149 mm",
        "Half within": "102 mm of the middle, 95 of 100 within 213 mm",
        "Mean radius": "110 mm",
        "Widest pair": "226 mm, of 6 arrows",
        "Sight": "move it 2.43 mm right (0.85 m from the eye)",
    }


async def test_fewer_arrows_have_no_spread(call: Call) -> None:
    found = await terms(call, session(*moved(200, -30)[:2]))
    assert found["Middle"] == "200 mm right, 30 mm low of the centre"
    assert found[f"Spread {SIGMA}"] == "needs 6 arrows"
    assert "Sight" not in found
    assert set(await terms(call, session(shot(1)))) == {"Middle", f"Spread {SIGMA}"}


async def test_a_group_in_the_middle_leaves_the_sight(call: Call) -> None:
    assert (await terms(call, session(*moved(3, -3))))["Sight"] == "leave it: the middle is known to ± 71 mm only"


async def test_archers_who_share_a_butt_are_described_each(call: Call) -> None:
    found = await call(
        "model/group.js",
        "groupTerms",
        answer(session(*(shot(i, dx=10.0 * i, slot="AB"[i % 2]) for i in range(1, 5)), shot(5, dx=None, slot="C"))),
    )
    assert [pair for pair in found if pair[0].startswith("Slot")] == [
        ["Slot A", "2 arrows, 20 points of 20"],
        ["Slot B", "2 arrows, 20 points of 20"],
        ["Slot C", "1 arrow, 10 points of 10"],
    ]
    assert await call("model/group.js", "groupTerms", answer(session(shot(1, dx=None, slot="C")))) == []


async def test_a_trend_is_described(call: Call) -> None:
    found = await terms(call, session(*moved(0, 0), *moved(0, -700, 3, 7)))
    assert (
        found["Later half"]
        == f"700 mm lower, wider (± 112 mm; {SIGMA} 87 mm (59 to 149 mm), then 261 mm (178 to 447 mm))"
    )
    same = await terms(call, session(*moved(0, 0), *moved(0, 0, 1, 7)))
    assert same["Later half"].startswith("same as the earlier half (")
