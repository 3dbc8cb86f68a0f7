"""The shared enums agree with the lists that other parts keep, and SQL and Python type no flag a second time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers import contract
from edge.common import vocabulary
from edge.common.vocabulary import NOT_COUNTED, Flag, Result

EDGE = Path(vocabulary.__file__).parents[1]
PAGE_LISTS = (EDGE / "push" / "static" / "model" / "vocabulary.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["DeviceKind", "ReadingKind", "ReleaseCause", "SensorOrigin"])
def test_kinds_are_those_of_the_driver_contract(name: str) -> None:
    assert [m.value for m in getattr(vocabulary, name)] == [m.value for m in getattr(contract, name)]


@pytest.mark.parametrize(("name", "members"), [("Result", Result), ("Flag", Flag)])
def test_the_page_has_the_same_results_and_flags(name: str, members: type[Result | Flag]) -> None:
    block = re.search(rf"{name} = Object\.freeze\(\{{(.*?)\}}\)", PAGE_LISTS, re.DOTALL)
    assert block is not None
    assert dict(re.findall(r'(\w+): "(\w+)"', block[1])) == {m.name: m.value for m in members}


def test_the_page_leaves_the_same_flags_out_of_totals() -> None:
    block = re.search(r"NOT_COUNTED = Object\.freeze\(\[(.*?)\]\)", PAGE_LISTS)
    assert block is not None
    assert set(re.findall(r"Flag\.(\w+)", block[1])) == {flag.name for flag in NOT_COUNTED}


def test_flags_out_of_totals_are_typed_in_one_file() -> None:
    typed = re.compile("|".join(rf"[\"'{{,]{flag}[\"'}},]" for flag in NOT_COUNTED))
    files = [p for kind in ("*.py", "*.sql") for p in EDGE.rglob(kind) if p.name != "vocabulary.py"]
    assert [str(p.relative_to(EDGE)) for p in files if typed.search(p.read_text(encoding="utf-8"))] == []
