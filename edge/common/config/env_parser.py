r"""The parser of env files, by the rules of systemd's ``EnvironmentFile=``. Pure.

See systemd.exec(5) for the rules: one ``NAME=value`` a line, quotes, ``\`` before a character or at the end of a line, and
comments as lines that begin with ``#`` or ``;``. A ``#`` after a value belongs to the value. Where systemd ignores a line
or the whole file, or where its versions differ, the line is a fault here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
"""Name of a variable."""
ESCAPABLE: Final = '"\\`$'
"""Characters that a backslash escapes within double quotes; before any other it stays."""
_WHITESPACE = " \t\n\r"
_NEWLINE = "\n\r"


class LineCause(StrEnum):
    """Why a line cannot be used; the text ends a sentence that begins with the line's number."""

    NO_ASSIGNMENT = "is not NAME=value"
    BYTE_ORDER_MARK = "begins with a byte order mark, which belongs to the name for systemd"
    OPEN_QUOTE = "has a quote that is never closed"
    NOT_TEXT = "holds bytes that are not UTF-8 text, for which systemd refuses the whole file"
    CONTINUED_COMMENT = "is a comment that ends with a backslash, after which older versions of systemd skip a line"


@dataclass(frozen=True, slots=True)
class LineFault:
    """One line that cannot be used."""

    line: int
    cause: LineCause


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The contents of one env file."""

    values: dict[str, str]
    faults: tuple[LineFault, ...]
    """In the order of the lines. Without a fault every version of systemd reads the same values."""


def is_text(character: str) -> bool:
    """Whether systemd takes a character: no NUL, no byte that is not UTF-8, none of Unicode's noncharacters."""
    code = ord(character)
    return not (code == 0 or 0xD800 <= code <= 0xDFFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE)


def parse_env(content: bytes) -> EnvFile:
    """Parse the bytes of an env file. The later of two assignments to one name counts."""
    parser = _Parser()
    for character in content.decode(errors="surrogateescape"):
        parser.take(character)
    return parser.finish()


class _Parser:
    """The state machine of systemd's ``parse_env_file_internal``, one character at a time."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._faults: dict[int, LineCause] = {}
        self._state: Callable[[str], None] = self._before_name
        self._line = 1
        self._first_line = 1
        """Line on which the present assignment began."""
        self._name = ""
        self._value = ""
        self._kept = 0
        """Length of the value without the whitespace at its end that neither quotes nor a backslash keep."""

    def take(self, character: str) -> None:
        is_comment = self._state in (self._in_comment, self._after_comment_backslash)
        if not is_text(character) and (character == "\0" or not is_comment):
            self._faults.setdefault(self._line, LineCause.NOT_TEXT)
        self._state(character)
        self._line += character == "\n"

    def finish(self) -> EnvFile:
        if self._state in (self._single_quoted, self._double_quoted, self._after_quoted_backslash):
            self._faults.setdefault(self._first_line, LineCause.OPEN_QUOTE)
        if self._state not in (self._before_name, self._in_comment, self._after_comment_backslash):
            self._end(is_assignment=self._state != self._in_name)
        return EnvFile(self._values, tuple(LineFault(line, cause) for line, cause in sorted(self._faults.items())))

    def _before_name(self, character: str) -> None:
        if character in "#;":
            self._state = self._in_comment
        elif character not in _WHITESPACE:
            self._state, self._first_line, self._name = self._in_name, self._line, character

    def _in_name(self, character: str) -> None:
        if character in _NEWLINE:
            self._end(is_assignment=False)
        elif character == "=":
            self._state, self._value, self._kept = self._before_value, "", 0
        else:
            self._name += character

    def _before_value(self, character: str) -> None:
        if character in _NEWLINE:
            self._end()
        elif character == "'":
            self._state = self._single_quoted
        elif character == '"':
            self._state = self._double_quoted
        elif character == "\\":
            self._state = self._after_backslash
        elif character not in _WHITESPACE:
            self._state = self._in_value
            self._keep(character)

    def _in_value(self, character: str) -> None:
        if character in _NEWLINE:
            self._end()
        elif character == "\\":
            self._state = self._after_backslash
            self._keep("")
        elif character in _WHITESPACE:
            self._value += character
        else:
            self._keep(character)

    def _after_backslash(self, character: str) -> None:
        self._state = self._in_value
        if character not in _NEWLINE:
            self._keep(character)

    def _single_quoted(self, character: str) -> None:
        if character == "'":
            self._state = self._before_value
        else:
            self._keep(character)

    def _double_quoted(self, character: str) -> None:
        if character == '"':
            self._state = self._before_value
        elif character == "\\":
            self._state = self._after_quoted_backslash
        else:
            self._keep(character)

    def _after_quoted_backslash(self, character: str) -> None:
        self._state = self._double_quoted
        if character in ESCAPABLE:
            self._keep(character)
        elif character != "\n":
            self._keep("\\" + character)

    def _in_comment(self, character: str) -> None:
        if character == "\\":
            self._state = self._after_comment_backslash
        elif character in _NEWLINE:
            self._state = self._before_name

    def _after_comment_backslash(self, character: str) -> None:
        if character in _NEWLINE:
            self._faults.setdefault(self._line, LineCause.CONTINUED_COMMENT)
        self._state = self._before_name if character in _NEWLINE else self._in_comment

    def _keep(self, text: str) -> None:
        self._value += text
        self._kept = len(self._value)

    def _end(self, *, is_assignment: bool = True) -> None:
        name = self._name.rstrip(_WHITESPACE)
        if is_assignment and NAME.fullmatch(name):
            self._values[name] = self._value[: self._kept]
        else:
            cause = LineCause.BYTE_ORDER_MARK if name.startswith("\ufeff") else LineCause.NO_ASSIGNMENT
            self._faults.setdefault(self._first_line, cause)
        self._state = self._before_name
