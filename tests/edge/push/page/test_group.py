"""The group in words: the page formats the hub's statistics and computes none."""

from __future__ import annotations

from typing import Any

import pytest

from edge.operator.statistics import StatisticsState, statistics_facts
from edge.operator.statistics.lines import statistics_lines
from edge.statistics import SessionFacts, session_statistics
from tests.edge.push.page.fixture_types import Call
from tests.edge.statistics.session_rows import NAMESPACE, session, shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SPOTS = [(100, 40), (-100, -40), (40, 100), (-40, -100), (80, -80), (-80, 80)]


def answer(facts: SessionFacts) -> dict[str, Any]:
    """Return the hub's answer for a session."""
    state = StatisticsState(NAMESPACE, 1, facts.sighter_ends, facts.distance_m, "[]", len(facts.shots), 0, ())
    return statistics_facts(state, session_statistics(facts))


def moved(dx: float, dy: float, times: int = 1, first: int = 1) -> list[Any]:
    return [shot(first + i, 8, dx=x * times + dx, dy=y * times + dy) for i, (x, y) in enumerate(SPOTS)]


async def found_of(call: Call, facts: SessionFacts) -> dict[str, dict[str, str]]:
    """Return the terms of the only group: those that are shown first, and those behind "More"."""
    (one,) = await call("model/group.js", "groups", answer(facts))
    assert one["title"] == ""
    return {level: {term: text.replace("\u00a0", " ") for term, text in one[level]} for level in ("first", "more")}


async def test_a_group_of_six_is_described_with_its_uncertainty(call: Call) -> None:
    assert await found_of(call, session(*moved(200, -30))) == {
        "first": {
            "Group centre": "200 mm right, 30 mm low",
            "Group size": "226 mm (6 arrows)",
            "Sight": "right 2.4 mm",
        },
        "more": {
            "Centre known": "to ± 36 mm",
            "Spread (1 sigma)": "87 mm (95 %: 59-149)",
            "Half the arrows": "within 102 mm",
            "95 of 100": "within 213 mm",
            "Mean radius": "110 mm",
            "Sight for": "0.85 m from the eye to the sight",
        },
    }


async def test_page_and_command_use_the_same_words(call: Call) -> None:
    facts = session(*moved(200, -30), *moved(0, -700, 3, 7))
    found = await found_of(call, facts)
    lines = [line.strip() for line in statistics_lines(facts, session_statistics(facts))]
    for term, text in (found["first"] | found["more"]).items():
        if term in ("Centre known", "95 of 100", "Sight for"):  # parts of other lines there
            assert any(text.removeprefix("to ") in line for line in lines)
        else:
            assert any(line.startswith(f"{term} ") and text in line for line in lines), term


async def test_fewer_arrows_have_no_spread(call: Call) -> None:
    found = await found_of(call, session(*moved(200, -30)[:2]))
    assert found["first"]["Group centre"] == "200 mm right, 30 mm low"
    assert found["first"]["Sight"] == "No change: too few arrows to be sure"
    assert found["more"] == {"Spread (1 sigma)": "needs 6 arrows", "Mean radius": found["more"]["Mean radius"]}
    one = await found_of(call, session(shot(1)))
    assert one["first"]["Group size"] == "\N{EN DASH}"
    none = await found_of(call, session(shot(1, 0, dx=None)))
    assert set(none["first"].values()) == {"\N{EN DASH}"}


async def test_a_group_in_the_middle_leaves_the_sight(call: Call) -> None:
    found = await found_of(call, session(*moved(3, -3)))
    assert found["first"]["Sight"] == "No change: too few arrows to be sure"
    assert found["more"]["Centre known"] == "to ± 36 mm"
    many = session(*(one for i in range(4) for one in moved(3, -3, 1, 6 * i + 1)))
    assert (await found_of(call, many))["first"]["Sight"] == "No change: the group is centred"
    lines = list(statistics_lines(many, session_statistics(many)))
    assert "  Sight             No change: the group is centred" in lines


async def test_archers_who_share_a_butt_are_described_each(call: Call) -> None:
    facts = session(*(shot(i, dx=10.0 * i, slot="AB"[i % 2]) for i in range(1, 5)), shot(5, dx=None, slot="C"))
    found = await call("model/group.js", "groups", answer(facts))
    assert [one["title"] for one in found] == [
        "Place A: 2 arrows, 20 points of 20",
        "Place B: 2 arrows, 20 points of 20",
        "Place C: 1 arrow, 10 points of 10",
    ]
    assert [len(one["first"]) for one in found] == [3, 3, 0]


async def test_a_trend_is_described(call: Call) -> None:
    found = await found_of(call, session(*moved(0, 0), *moved(0, -700, 3, 7)))
    assert (
        found["more"]["Later half"]
        == "700 mm lower, wider (± 112 mm; spread 87 mm (95 %: 59-149), then 261 mm (95 %: 178-447))"
    )
    same = await found_of(call, session(*moved(0, 0), *moved(0, 0, 1, 7)))
    assert same["more"]["Later half"].startswith("same as the earlier half (")
