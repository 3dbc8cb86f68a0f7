"""The explanation of a shot's value."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge.push.page.fixture_types import Call
from tests.edge.push.page.shots import FACE, shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def why(call: Call, **of: Any) -> dict[str, str]:
    terms = await call("model/why.js", "reasons", shot(1, **of), [FACE])
    return {term: text.replace("\u00a0", " ") for term, text in terms}


async def test_a_hit_is_explained_by_distance_ring_line_and_shaft(call: Call) -> None:
    terms = await why(
        call,
        points=9,
        dx=100.0,
        dy=75.0,
        line_margin_mm=0.0,
        line_call=True,
        tof_s=1.25,
        speed_mps=56.0,
        launch_mps=57.25,
    )
    assert terms["Centre"] == "125 mm from the centre of face A"
    assert terms["Ring"] == "Inner edge at 122 mm; the 9 ends at 122 mm"
    assert terms["Line"] == "0 mm inside the line of the 9: too close for the sensor, a judge decides"
    assert terms["Shaft"] == "6 mm thick"
    assert terms["Flight"] == "1.25 s, 56.0 m/s on average, 57.3 m/s at the bow"


async def test_a_line_outside_the_shaft_is_named(call: Call) -> None:
    terms = await why(call, points=8, dx=127.0, line_margin_mm=-2.0, diameter_assumed=True)
    assert terms["Line"] == "2 mm outside the line of the 9"
    assert terms["Shaft"] == "6 mm thick, assumed"


async def test_a_hit_on_another_archers_face_is_explained(call: Call) -> None:
    terms = await why(call, points=0, dx=50.0, result="off_face", flags=["wrong_face"], slot="B", line_margin_mm=-300.0)
    assert terms["Ring"] == "On the face of another archer: it scores nothing"
    assert "Line" not in terms
    assert (terms["Archer"], terms["Note"]) == ("Place B", "on another archer's face")


async def test_an_x_is_spoken_with_its_points(call: Call) -> None:
    spoken = [await call("model/score.js", "spoken", shot(1, points, is_x=True)) for points in (10, 11)]
    assert spoken == ["X, ten", "X, 11"]


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ("miss", "Miss: the target was working and saw nothing"),
        ("unknown", "The target was not working then"),
        ("pending", "In flight, or waiting for the target"),
        ("not_shot", "taken off the string"),
        ("off_view", "outside the butt"),
    ],
)
async def test_a_shot_without_a_hit_has_a_reason(call: Call, result: str, says: str) -> None:
    terms = await why(call, points=None, dx=None, result=result)
    assert says in terms["Result"]
    assert "Centre" not in terms


async def test_corrections_inferences_and_notes_are_listed(call: Call) -> None:
    terms = await why(
        call,
        previous_value="M",
        corrected_at="2026-01-01T10:05:00Z",
        assignment="inferred",
        flags=["tag_mismatch", "late"],
    )
    assert terms["Corrected"].startswith("it was M until ")
    assert terms["Arrow"] == "?, inferred: no other arrow was possible"
    assert terms["Note"] == "check arrow; arrived late; corrected"
