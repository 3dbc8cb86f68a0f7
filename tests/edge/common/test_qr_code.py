"""QR codes on a terminal: whole, readable with any colours, and only where there is a terminal."""

from __future__ import annotations

import io
import re

import pytest
import segno

from edge.common.qr_code import QUIET_ZONE, qr_code, show_qr_code, shows_qr_code

ADDRESS = "http://192.168.1.20:8000/#operator=" + "x" * 43
DARK = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


class Terminal(io.StringIO):
    """A terminal of some encoding."""

    def __init__(self, encoding: str | None) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str | None:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


def modules(shown: str) -> list[list[int]]:
    """The modules of a code as it is shown, 1 for a dark one, without the quiet zone."""
    rows: list[list[int]] = []
    for line in shown.splitlines():
        found = re.fullmatch("\x1b\\[30;107m([ ▀▄█]+)\x1b\\[0m", line)
        assert found is not None
        rows += [[DARK[one][half] for one in found[1]] for half in (0, 1)]
    size = len(rows[0]) - 2 * QUIET_ZONE
    edge = slice(QUIET_ZONE, QUIET_ZONE + size)
    assert sum(map(sum, rows)) == sum(sum(row[edge]) for row in rows[edge]), "the quiet zone is light"
    return [row[edge] for row in rows[edge]]


@pytest.mark.parametrize("text", ["x", "http://127.0.0.1:8000/", ADDRESS])
def test_the_shown_code_is_the_code_of_the_text(text: str) -> None:
    assert modules(qr_code(text)) == [list(row) for row in segno.make_qr(text).matrix]


def test_a_code_with_a_token_fits_a_usual_terminal() -> None:
    lines = qr_code(ADDRESS).splitlines()
    assert len(lines) <= 24
    assert len(re.sub("\x1b\\[[0-9;]*m", "", lines[0])) <= 80


@pytest.mark.parametrize(
    ("stream", "is_shown"),
    [
        (Terminal("utf-8"), True),
        (Terminal("ascii"), False),
        (Terminal(None), False),
        (Terminal("no-such-encoding"), False),
        (io.StringIO(), False),
    ],
)
def test_a_code_is_shown_only_on_a_terminal_that_can(stream: io.StringIO, is_shown: bool) -> None:
    assert shows_qr_code(stream) == is_shown
    show_qr_code("x", stream)
    assert bool(stream.getvalue()) == is_shown
