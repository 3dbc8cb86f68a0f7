"""The score sheet: names of ends, the hub's order and sums, and shots that are newer than those."""

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


def end(
    number: int | None, shots: list[int], points: int, running: int | None, slot: str | None = None
) -> dict[str, Any]:
    """Return an end as the hub sends it."""
    return {
        "slot": slot, "number": number, "is_sighter": running is None, "shots": [f"shot-{one:03}" for one in shots], "running": running,
        "totals": {"points": points, "hits": 90, "xs": 91},
    }  # fmt: skip


async def sheet(call: Call, shots: Shots, *ends: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows: name, numbers of the shots, sum, running total."""
    rows = await call("model/ends.js", "sheet", shots, {"ends": list(ends)})
    return [(row["name"], [int(one["id"][5:]) for one in row["shots"]], row["sum"], row["running"]) for row in rows]


async def test_shots_are_numbered_in_their_ends(call: Call) -> None:
    shots = [shot(3, 10), shot(1, 7), shot(2, None, dx=None, result="not_shot"), shot(4, 6, end_number=2)]
    found = [(one["endName"], one["inEnd"]) for one in await ordered(call, shots)]
    assert found == [("1", 1), ("1", None), ("1", 2), ("2", 1)]
    sighters = await ordered(call, shots, sighters=1)
    assert [(one["endName"], one["sighter"]) for one in sighters][-1] == ("1", False)
    assert {one["endName"] for one in sighters if one["sighter"]} == {"S1"}


async def test_a_row_has_the_hubs_order_and_sums(call: Call) -> None:
    shots = await ordered(call, [shot(1, 7), shot(2, 10), shot(3, 9, end_number=2)], sighters=1)
    found = await sheet(call, shots, end(1, [2, 1], 17, None), end(2, [3], 9, 9))
    assert found == [("S1", [2, 1], 17, None), ("1", [3], 9, 9)]


async def test_archers_who_share_a_butt_have_rows_of_their_own(call: Call) -> None:
    letters = ("B", "A", "B", None)
    given = [shot(n, 10 - n, slot=slot, end_number=1 + (n == 3)) for n, slot in enumerate(letters, start=1)]
    shots = await ordered(call, given, sighters=1)
    ends = end(1, [2], 8, None, "A"), end(1, [1], 9, None, "B"), end(1, [4], 6, None)
    assert [(one["letter"], one["endName"], one["inEnd"]) for one in shots] == [
        ("B", "S1", 1),
        ("A", "S1", 1),
        ("B", "1", 1),
        ("", "S1", 1),
    ]
    assert [await call("model/format.js", "place", one) for one in shots] == ["B S1-1", "A S1-1", "B 1-1", "S1-1"]
    assert await sheet(call, shots, *ends) == [
        ("A S1", [2], 8, None),
        ("B S1", [1], 9, None),
        ("B 1", [3], None, None),  # newer than the statistics
        ("S1", [4], 6, None),
    ]


async def test_a_shot_newer_than_the_statistics_is_shown_at_once(call: Call) -> None:
    shots = await ordered(call, [shot(1, 7), shot(2, 10), shot(3, 9, end_number=2)])
    assert await sheet(call, shots, end(1, [1], 7, 7)) == [("1", [1, 2], 7, 7), ("2", [3], None, None)]
    assert await call("model/ends.js", "sheet", shots, None) != []


async def test_a_shot_that_counts_no_more_leaves_its_row(call: Call) -> None:
    shots = await ordered(call, [shot(1, 7, result="void"), shot(2, 10)])
    assert await sheet(call, shots, end(1, [2, 1], 17, 17)) == [("1", [2], 17, 17)]
    assert await sheet(call, shots[:1], end(1, [1], 7, 7)) == []


@pytest.mark.parametrize("flag", ["extra", "same_spot"])
async def test_surplus_arrows_are_marked(call: Call, flag: str) -> None:
    in_order = await ordered(call, [shot(1, 9), shot(2, 3), shot(3, 10, flags=["line_call", flag]), shot(4, 7)])
    assert [one["points"] for one in in_order if one["extra"]] == [10]


async def test_shots_without_an_end_come_last(call: Call) -> None:
    shots = await ordered(call, [shot(1, 8, end_number=None), shot(2, 8)], sighters=0)
    assert await sheet(call, shots, end(1, [2], 8, 8), end(None, [1], 8, 16)) == [("1", [2], 8, 8), ("", [1], 8, 16)]
    assert [one["sighter"] for one in await ordered(call, shots, sighters=1)] == [False, True]
