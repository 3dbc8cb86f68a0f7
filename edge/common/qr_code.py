"""QR codes on a terminal: a phone opens the page without typing its address."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final, TextIO

QUIET_ZONE: Final = 2
"""Light modules around the code. The standard asks for four; two are enough for phones, and save lines of the terminal."""
_BLACK_ON_WHITE: Final = "\x1b[30;107m"
_RESET: Final = "\x1b[0m"
_HALVES: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
"""The character of two modules, the upper and the lower one, which are true where dark."""


def qr_code(text: str) -> str:
    """Return a QR code of half blocks, two modules a character, black on white whatever the colours of the terminal."""
    import segno  # here: most processes show no code

    code = segno.make_qr(text)
    rows: list[Sequence[int]] = [list(row) for row in code.matrix_iter(border=QUIET_ZONE)]
    lines = []
    for upper, lower in zip_longest(rows[::2], rows[1::2], fillvalue=[0] * len(rows[0])):
        halves = "".join(_HALVES[bool(above), bool(below)] for above, below in zip(upper, lower, strict=True))
        lines.append(f"{_BLACK_ON_WHITE}{halves}{_RESET}")
    return "\n".join(lines)


def shows_qr_code(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that can show a code: never a pipe, a file or the journal."""
    try:
        "▀▄█".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return stream.isatty()


def show_qr_code(text: str, stream: TextIO | None = None) -> None:
    """Write the code of a text to a stream, standard output by default, if that shows it."""
    stream = sys.stdout if stream is None else stream
    if shows_qr_code(stream):
        stream.write(qr_code(text) + "\n")
        stream.flush()
