"""Why a shot has its value, in words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge.push.page.opening import Call
from tests.edge.push.page.shots import FACE, shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def why(call: Call, **of: Any) -> dict[str, str]:
    told = await call("why.js", "reasons", shot(1, **of), [FACE])
    return {term: text.replace("\u00a0", " ") for term, text in told}


async def test_a_hit_tells_distance_ring_line_and_shaft(call: Call) -> None:
    told = await why(call, points=9, dx=100.0, dy=75.0, line_margin_mm=0.0, line_call=True, tof_s=1.25, speed_mps=56.0)
    assert told["Middle"] == "125.0 mm from the middle of face A"
    assert told["Ring"] == "the shaft reaches in to 122.0 mm, the 9 out to 122.0 mm"
    assert told["Line"] == "0.0 mm inside the line of the 9: too close for the sensor, a person decides"
    assert told["Shaft"] == "6.0 mm thick"
    assert told["Flight"] == "1.25 s, 56.0 m/s on average"


async def test_a_line_on_the_other_side_is_named_too(call: Call) -> None:
    told = await why(call, points=8, dx=127.0, line_margin_mm=-2.0, diameter_assumed=True)
    assert told["Line"] == "2.0 mm outside the line of the 9"
    assert told["Shaft"] == "6.0 mm thick, assumed"


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ("miss", "No landing came while the target sensor was provably listening."),
        ("unknown", "The target sensor was deaf or blind"),
        ("pending", "in flight"),
        ("not_shot", "taken off the string"),
        ("off_view", "outside the butt"),
    ],
)
async def test_what_did_not_hit_has_a_reason_too(call: Call, result: str, says: str) -> None:
    told = await why(call, points=None, dx=None, result=result)
    assert says in told["Result"]
    assert "Middle" not in told


async def test_a_correction_an_inference_and_notes_are_told(call: Call) -> None:
    told = await why(
        call,
        previous_value="M",
        corrected_at="2026-01-01T10:05:00Z",
        assignment="inferred",
        flags=["tag_mismatch", "late"],
    )
    assert told["Corrected"].startswith("it was M until ")
    assert told["Arrow"] == "?, inferred: no other arrow was possible"
    assert told["Note"] == "check arrow; came late; corrected"
