"""Text from outside (devices, people, the system): cleaned where it enters, and printable wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

LONGEST_TEXT: Final = 300
"""Longest text in characters that is taken from outside: a firmware's name, an error message, a reason."""
_ELLIPSIS: Final = "..."
_PADDING: Final = "\0 \t\r\n"
_SPACES: Final = frozenset("\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))))
"""The spaces of Unicode (category Zs) besides the usual one. Python does not call them printable, but they are harmless."""


def printable(text: str) -> str:
    r"""The text with every character that does not print as an escape: ``\x1b``, ``\u202e``.

    These are control characters, line and paragraph separators, characters that change the direction of text or have no
    width, lone surrogates, and code points without a character: a terminal, a log file or a page that gets them shows
    another text than it holds. Spaces stay.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    r"""A text from outside as the database, logs and pages take it: printable, without padding, of bounded length.

    Zeros and blanks at its end are padding, for example of a C array; a zero within it becomes ``\x00``.
    """
    shown = printable(text.rstrip(_PADDING)[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - len(_ELLIPSIS)] + _ELLIPSIS


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like a mistyped one; None when none is."""
    import difflib  # imported here: a daemon needs no advice

    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)


def _shown(character: str) -> str:
    if character.isprintable() or character in _SPACES:
        return character
    return character.encode("unicode_escape").decode("ascii")
