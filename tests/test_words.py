"""The project is written in plain English: the words of its former dialect stay out, and commands keep standard terms."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    "*.target",
    "*.conf",
    "*.rules",
    "*.toml",
    "*.yaml",
    "*.yml",
    "*Dockerfile*",
    ".ci/*",
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

SENTENCES = re.compile(r"(?:.*_)?hint$|remedy$|RUN_AGAIN$|START_SHOTS$")
"""Names of keywords and variables that hold a hint."""


def hints(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions of all hints in a module: keyword arguments, and values assigned to a variable or an attribute."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg=str(name), value=value) if SENTENCES.match(name):
                yield value
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value) if SENTENCES.match(
                name
            ):
                yield value


def endings(text: ast.expr) -> Iterator[str]:
    """The last literal part of each text that an expression can give; empty when a f-string ends in a value."""
    match text:
        case ast.Constant(value=str(literal)):
            yield literal
        case ast.JoinedStr(values=[*_, last]):
            yield from endings(last)
        case ast.FormattedValue():
            yield ""
        case ast.BinOp(right=right):
            yield from endings(right)
        case ast.IfExp(body=body, orelse=other):
            yield from endings(body)
            yield from endings(other)
        case ast.BoolOp(values=values):
            for value in values:
                yield from endings(value)


def offences(path: Path) -> Iterator[str]:
    """The lines of one file with a banned word, as ``file:line: word in line``."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if found := BANNED.search(line) or IDENTIFIER.search(line) or RIDDLE.search(line):
            yield f"{path.relative_to(ROOT)}:{number}: {found[0]!r} in {line.strip()[:90]}"


def test_no_line_uses_a_banned_word() -> None:
    found = [offence for path in tracked(*TEXTS) if path.resolve() != HERE for offence in offences(path)]
    assert found == [], f"write instead: {INSTEAD}"


def test_every_hint_is_a_sentence_with_its_full_stop() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{hint.lineno}: {ast.unparse(hint)}"
        for path in tracked("edge/*.py", "drivers/*.py", "simulators/*.py")
        for hint in hints(ast.parse(path.read_text(encoding="utf-8")))
        if not all(text.endswith((".", "?")) for text in endings(hint))
    ]
    assert found == [], "write each hint as a full sentence; a command in it is in backticks"


@pytest.mark.parametrize("end", ["", "."])
def test_the_check_finds_hints_of_each_form(end: str) -> None:
    forms = [
        f'f(hint="Run it{end}")',
        f'f(hint=f"Run {{it}}{end}")',
        f'f(hint="Run " "it{end}")',
        f'f(hint="Run " + f"it{end}")',
        f'f(hint="Run it{end}" if it else "Stop it.")',
        f'f(hint=it or "Run it{end}")',
        f'hint = "Run it{end}"',
        f'self.gap_hint = "Run it{end}"',
    ]
    for form in forms:
        (hint,) = hints(ast.parse(form))
        assert all(text.endswith(".") for text in endings(hint)) is bool(end), form


def test_the_check_finds_banned_words() -> None:
    banned = ["The page is told.", "_told_until = 1", "Nobody waits.", "What waits is listed.", "It mends itself."]
    assert all(BANNED.search(line) or IDENTIFIER.search(line) for line in banned)
    assert RIDDLE.search('"""What a device sends."""')
    allowed = ["The satellites", "amended", "recommend", "untold", "The device reports its clock."]
    assert not any(BANNED.search(line) or IDENTIFIER.search(line) for line in allowed)


def test_names_of_tests_have_at_most_60_characters() -> None:
    names = re.compile(r"def (test_\w{56,})")
    assert [name for path in tracked("tests/*.py") for name in names.findall(path.read_text())] == []
