"""The scanner's page names every refusal, every phase and every error code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import drivers.r200
from drivers.r200.codec import FailureCode, TagError, TagOperation
from drivers.r200.commands import COMMANDS
from drivers.r200.programming import Phase
from drivers.r200.refusals import Refusal
from drivers.r200.settings import RegionName

SOURCE = Path(drivers.r200.__file__).parent
LONGEST_LINE = 150
PAGE = (Path(__file__).parents[3] / "docs" / "drivers" / "arrow-r200.md").read_text(encoding="utf-8")


def first_cells(title: str) -> list[str]:
    """The first column of the tables of a section, as far as it is in backticks."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    return [
        name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    ]


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("How an arrow is programmed", [*Phase]),
        ("Commands", [*COMMANDS]),
        ("Region and power", ["ARCH_STATS_REGION", *RegionName]),
    ],
)
def test_a_table_names_each_value(title: str, names: list[str]) -> None:
    assert sorted(first_cells(title)) == sorted(names)


def test_every_error_code_is_explained() -> None:
    codes = [f"{code:02X}" for code in FailureCode]
    codes += [f"{operation + last:02X}" for operation in TagOperation for last in (0, 15)]
    assert sorted(first_cells("Error codes of the reader")) == sorted([*codes, *(f"{reason:X}" for reason in TagError)])


def test_each_message_of_a_refusal_is_explained() -> None:
    section = PAGE.split("## What a refusal means\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| .* \|$", section, re.MULTILINE)
    assert {code for _, code in rows} == {*Refusal}
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.glob("*.py"))
    assert [message for message, _ in rows if message not in source] == []


def test_the_page_is_readable_as_text() -> None:
    assert [line for line in PAGE.splitlines() if len(line) > LONGEST_LINE] == []
