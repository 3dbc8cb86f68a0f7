"""Numbers, durations, instants and directions as the page writes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge.push.page.fixture_types import Call

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SPACE = "\u00a0"
"""Space at which no line breaks."""
DASH = "\u2013"
"""Stands for a value that is not known."""

CASES: list[tuple[str, list[Any], str]] = [
    ("fixed", [1.25, 1], "1.3"),
    ("fixed", [12345.6, 0], "12346"),
    ("fixed", [2, 2], "2.00"),
    ("fixed", [None, 2], DASH),
    ("whole", [7.4], "7"),
    ("whole", [None], DASH),
    ("short", [18], "18"),
    ("short", [18.20], "18.2"),
    ("short", [18.288], "18.29"),
    ("upTo", [122.0, 1], "122"),
    ("upTo", [69.25, 1], "69.3"),
    ("distance", [70], f"70{SPACE}m"),
    ("speed", [56.04], f"56.0{SPACE}m/s"),
    ("speed", [None], f"{DASH}{SPACE}m/s"),
    ("age", [0], "0 s"),
    ("age", [-3], "0 s"),
    ("age", [59.9], "59 s"),
    ("age", [60], "1 min"),
    ("age", [3599], "59 min"),
    ("age", [3600], "1 h"),
    ("age", [86399], "23 h"),
    ("age", [86400], "1 d"),
    ("age", [None], ""),
    ("clock", ["2026-01-01T00:05:09Z"], "00:05:09"),
    ("clock", ["2026-01-01T23:05:09+02:00"], "21:05:09"),
    ("measured", [1.5, 2, "m/s"], f"1.50{SPACE}m/s"),
    ("measured", [None, 2, "m/s"], f"{DASH}{SPACE}m/s"),
    ("millimetres", [9.94], f"9.9{SPACE}mm"),
    ("millimetres", [9.96], f"10{SPACE}mm"),
    ("millimetres", [-12.4], f"-12{SPACE}mm"),
    ("offset", [-34, 12], f"34{SPACE}mm left, 12{SPACE}mm high"),
    ("offset", [3, -4], f"3.0{SPACE}mm right, 4.0{SPACE}mm low"),
    ("bareOffset", [-34, -0.5], "34 left, 0.5 low"),
]


@pytest.mark.parametrize(("function", "arguments", "text"), CASES)
async def test_value_is_written_as(call: Call, function: str, arguments: list[Any], text: str) -> None:
    assert await call("model/format.js", function, *arguments) == text


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
async def test_age_without_a_number_is_empty(call: Call, value: float) -> None:
    assert await call("model/format.js", "age", value) == ""


@pytest.mark.parametrize(
    ("shot", "text"),
    [
        ({"inEnd": 2, "endName": "3"}, "3-2"),
        ({"inEnd": 2, "endName": "S1"}, "S1-2"),
        ({"inEnd": 2, "endName": None}, "2"),
        ({"inEnd": None, "endName": "3"}, DASH),
    ],
)
async def test_place_of_a_shot_is_end_and_arrow(call: Call, shot: dict[str, Any], text: str) -> None:
    assert await call("model/format.js", "place", shot) == text


@pytest.mark.parametrize(
    ("name", "tag", "text"),
    [("L1-01", "e280f3", "L1-01"), (None, "e28011f3", "tag 11F3"), (None, None, "?")],
)
async def test_arrow_is_its_name_or_the_end_of_its_tag(
    call: Call, name: str | None, tag: str | None, text: str
) -> None:
    assert await call("model/format.js", "arrow", {"human_identifier": name, "arrow_tag": tag}) == text
