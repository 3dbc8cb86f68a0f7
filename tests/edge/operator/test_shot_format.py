"""A shot as the simulated range prints it."""

from __future__ import annotations

import json

import pytest

from edge.operator.shot_format import json_line, text_line

SHOT = {"lane": 3, "human_identifier": "L3-07", "arrow_disengage_time": "2026-05-02 09:14:03+00:00", "points": 9}


@pytest.mark.usefixtures("_new_york")
@pytest.mark.parametrize(
    ("result", "line"),
    [
        ("hit", "05:14:03 EDT  lane 3  L3-07    9"),
        ("not_shot", "05:14:03 EDT  lane 3  L3-07    -  (let down)"),
        ("unknown", "05:14:03 EDT  lane 3  L3-07    ?  (cannot be decided)"),
    ],
)
def test_result_without_score_is_explained(result: str, line: str) -> None:
    assert text_line("shot", {**SHOT, "result": result}) == line


def test_programs_read_utc_with_a_z() -> None:
    shot = json.loads(json_line("shot", SHOT))
    assert shot["arrow_disengage_time"] == "2026-05-02T09:14:03.000000Z"
    assert shot["arrow_landing_time"] is None
