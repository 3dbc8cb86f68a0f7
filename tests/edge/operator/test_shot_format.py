"""A shot as the simulated range prints it."""

from __future__ import annotations

import pytest

from edge.operator.shot_format import text_line

SHOT = {"lane": 3, "human_identifier": "L3-07", "arrow_disengage_time": "2026-05-02 09:14:03+00:00", "points": 9}


@pytest.mark.parametrize(
    ("result", "line"),
    [
        ("hit", "09:14:03  lane 3  L3-07    9"),
        ("not_shot", "09:14:03  lane 3  L3-07    -  (let down)"),
        ("unknown", "09:14:03  lane 3  L3-07    ?  (cannot be decided)"),
    ],
)
def test_result_without_score_is_explained(result: str, line: str) -> None:
    assert text_line("shot", {**SHOT, "result": result}) == line
