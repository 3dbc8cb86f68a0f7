r"""Env files: the one parser and writer, by the rules of systemd's ``EnvironmentFile=``, and ``.env`` in development.

systemd reads the files in ``/etc/archstats`` itself; the installer reads and writes the same files here. See
systemd.exec(5) for the rules: one ``NAME=value`` a line, quotes, ``\`` before a character or at the end of a line, and
comments as lines that begin with ``#`` or ``;``. A ``#`` after a value belongs to the value.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.common.config.errors import ConfigError

DEVELOPMENT_FILE: Final = ".env"
"""Name of the settings file that is read from the working directory in development."""
INSTALLED_PROGRAM: Final = Path("/opt/archstats")
"""Environment of the installed programs of a hub, whose settings are in ``/etc/archstats``."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9_@%+=:,./-]*", re.ASCII)
"""Values that mean the same with and without quotes."""
_WHITESPACE = " \t\n\r"
_NEWLINE = "\n\r"
_ESCAPABLE = '"\\`$'
"""Characters that a backslash escapes within double quotes; before any other it stays."""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The contents of one env file."""

    values: dict[str, str]
    invalid_lines: tuple[int, ...]
    """Numbers of the lines that are no assignment; systemd ignores them."""


def parse_env(text: str) -> EnvFile:
    """Parse the text of an env file. The later of two assignments to one name counts."""
    parser = _Parser()
    for character in text:
        parser.take(character)
    return parser.finish()


def format_assignment(name: str, value: str) -> str:
    """One assignment that :func:`parse_env` and systemd read back exactly. Raises ValueError for what no file can hold."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a variable")
    if "\0" in value:
        raise ValueError(f"the value of {name} holds a NUL character")
    if _BARE.fullmatch(value):
        return f"{name}={value}"
    if "'" not in value:
        return f"{name}='{value}'"
    escaped = "".join(f"\\{character}" if character in _ESCAPABLE else character for character in value)
    return f'{name}="{escaped}"'


def apply_development_file(environ: MutableMapping[str, str], folder: Path) -> None:
    """Add the settings of ``.env`` in ``folder`` to ``environ``; a variable that is set already keeps its value.

    Does nothing for an installed program, in a systemd unit, or in a child of ``--simulate``: these have their settings from
    elsewhere. Raises ConfigError when the file cannot be read or understood.
    """
    if _has_prepared_environment(environ):
        return
    for name, value in read_development_file(folder).items():
        environ.setdefault(name, value)


def read_development_file(folder: Path) -> dict[str, str]:
    """The settings in ``.env`` of ``folder``; empty without that file.

    Only ``ARCH_STATS_*`` and the ``POSTGRES_*`` variables of this project are taken, because other programs may use the file
    too. Raises ConfigError when the file, or a line of it, cannot be understood; the message does not repeat the line, which
    may hold a secret.
    """
    file = folder / DEVELOPMENT_FILE
    try:
        text = file.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigError(
            f"{file.absolute()} cannot be read ({fault})", hint="Correct the file, or move it away."
        ) from fault
    parsed = parse_env(text)
    if parsed.invalid_lines:
        raise ConfigError(
            f"line {parsed.invalid_lines[0]} of {file.absolute()} is not NAME=value",
            hint="Correct the line, or make it a comment with # as its first character.",
        )
    from edge.common.config.settings import PREFIX, known_variables  # without the file no program loads them for it

    known = known_variables()
    return {name: value for name, value in parsed.values.items() if name in known or name.startswith(PREFIX)}


def _has_prepared_environment(environ: Mapping[str, str]) -> bool:
    """Whether systemd, the hub's command or ``--simulate`` has set the environment of this process."""
    is_unit = environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()) or bool(environ.get("NOTIFY_SOCKET"))
    installed = INSTALLED_PROGRAM.resolve()
    return is_unit or bool(environ.get("ARCH_STATS_PARENT")) or Path(sys.prefix).resolve() == installed


class _Parser:
    """The state machine of systemd's ``parse_env_file_internal``, one character at a time."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._invalid: list[int] = []
        self._state: Callable[[str], None] = self._before_name
        self._line = 1
        self._first_line = 1
        """Line on which the present assignment began."""
        self._name = ""
        self._value = ""
        self._kept = 0
        """Length of the value without the whitespace at its end that neither quotes nor a backslash keep."""

    def take(self, character: str) -> None:
        self._state(character)
        self._line += character == "\n"

    def finish(self) -> EnvFile:
        if self._state not in (self._before_name, self._in_comment, self._after_comment_backslash):
            self._end(is_assignment=self._state != self._in_name)
        return EnvFile(self._values, tuple(self._invalid))

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
        if character in _ESCAPABLE:
            self._keep(character)
        elif character != "\n":
            self._keep("\\" + character)

    def _in_comment(self, character: str) -> None:
        if character == "\\":
            self._state = self._after_comment_backslash
        elif character in _NEWLINE:
            self._state = self._before_name

    def _after_comment_backslash(self, character: str) -> None:
        self._state = self._before_name if character in _NEWLINE else self._in_comment

    def _keep(self, text: str) -> None:
        self._value += text
        self._kept = len(self._value)

    def _end(self, *, is_assignment: bool = True) -> None:
        name = self._name.rstrip(_WHITESPACE)
        if is_assignment and _NAME.fullmatch(name):
            self._values[name] = self._value[: self._kept]
        else:
            self._invalid.append(self._first_line)
        self._state = self._before_name
