"""``docs/shots.md`` explains every result and every flag."""

from __future__ import annotations

import re
from pathlib import Path

from edge.common.vocabulary import Flag, Result

TEXT = (Path(__file__).parents[3] / "docs" / "shots.md").read_text(encoding="utf-8")


def first_column(header: str) -> list[str]:
    """The names in the first column of the table under a header, each once, in order."""
    table = TEXT.split(f"| {header} |", 1)[1].split("\n\n", 1)[0]
    return list(dict.fromkeys(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)))


def test_the_table_of_results_is_the_enum() -> None:
    assert first_column("Result") == [result.value for result in Result]


def test_the_table_of_flags_is_the_enum() -> None:
    assert first_column("Flag") == [flag.value for flag in Flag]
