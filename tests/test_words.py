"""The project is written in plain English: the words of its former dialect stay out, and commands keep standard terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.test_project import ROOT, tracked

HERE = Path(__file__).resolve()
TEXTS = (
    "*.py",
    "*.js",
    "*.css",
    "*.html",
    "*.sql",
    "*.md",
    "*.sh",
    "*.service",
    "*.socket",
    "*.rules",
    "*.toml",
    "dev",
)
INSTEAD = {
    r"tells?|told|telling|teller": "record, report, detect, log, store, state",
    r"nobody|somebody|whoever|whomever|anybody": "the role: operator, technician, client, reader",
    r"mends?|mended|mending": "fix, repair",
    r"by hand": "manually",
    r"in force": "active, effective",
    r"the last word": "the latest correction",
    r"it is so|what waits|what comes": "the noun: the waiting rows, the result",
}
BANNED = re.compile(rf"(?<![\w-])(?:{'|'.join(INSTEAD)})(?![\w-])", re.IGNORECASE)
IDENTIFIER = re.compile(r"(?<![a-zA-Z])(?:tells?|told|nobody|somebody|whoever)(?![a-zA-Z])", re.IGNORECASE)
"""The same inside a name, as in ``_told_until``."""

RIDDLE = re.compile(r'"""(?:What|That) ')
"""A docstring that begins with a riddle instead of the name of the thing."""


def offences(path: Path) -> Iterator[str]:
    """The lines of one file with a banned word, as ``file:line: word in line``."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if found := BANNED.search(line) or IDENTIFIER.search(line) or RIDDLE.search(line):
            yield f"{path.relative_to(ROOT)}:{number}: {found[0]!r} in {line.strip()[:90]}"


def test_no_line_uses_a_banned_word() -> None:
    found = [offence for path in tracked(*TEXTS) if path.resolve() != HERE for offence in offences(path)]
    assert found == [], f"write instead: {INSTEAD}"


def test_the_check_finds_banned_words() -> None:
    banned = ["The page is told.", "_told_until = 1", "Nobody waits.", "What waits is listed.", "It mends itself."]
    assert all(BANNED.search(line) or IDENTIFIER.search(line) for line in banned)
    assert RIDDLE.search('"""What a device sends."""')
    allowed = ["The satellites", "amended", "recommend", "untold", "The device reports its clock."]
    assert not any(BANNED.search(line) or IDENTIFIER.search(line) for line in allowed)


def test_names_of_tests_have_at_most_60_characters() -> None:
    names = re.compile(r"def (test_\w{56,})")
    assert [name for path in tracked("tests/*.py") for name in names.findall(path.read_text())] == []
