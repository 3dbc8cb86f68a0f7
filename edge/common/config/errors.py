"""Errors that end a process or a command with one line for people: what happened, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, Self

from edge.common.vocabulary import ErrorCode

EX_CONFIG: Final = 78
"""Exit status of a process with wrong settings (EX_CONFIG of sysexits.h). systemd does not restart it."""
EXIT_REFUSED: Final = 1
"""Exit status of a command that cannot do what was asked."""
EXIT_USAGE: Final = 2
"""Exit status of a command with wrong arguments, the same as for an unknown option."""
EXIT_UNAVAILABLE: Final = os.EX_UNAVAILABLE
"""Exit status of a command without its database: 69 (EX_UNAVAILABLE of sysexits.h). A script may try again later."""


class ConfigError(Exception):
    """A setting that cannot work, so that trying again does not help. ``message`` names it, ``hint`` gives the remedy."""

    def __init__(self, message: str, *, hint: str, parts: Sequence[Self] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self._parts = parts

    @classmethod
    def merge(cls, faults: Sequence[Self]) -> Self:
        """One error for several: it names all of them, and gives the remedy of the first."""
        parts = [part for fault in faults for part in fault.parts]
        return cls("; ".join(part.message for part in parts), hint=parts[0].hint, parts=parts)

    @property
    def parts(self) -> Sequence[Self]:
        """The merged errors, each with its own remedy; the error itself when it is a single one."""
        return self._parts or (self,)

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}"


class CommandError(Exception):
    """A command that cannot be done as asked, although the settings are right. ``hint`` gives the remedy."""

    status = EXIT_REFUSED
    usual_code = ErrorCode.REFUSED

    def __init__(self, message: str, *, hint: str, code: ErrorCode | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.usual_code
        """Code for programs."""
        self.field = field
        """Name of the value that is wrong, where it is one."""


class UsageError(CommandError):
    """An option or argument that is wrong whatever the settings and the database hold."""

    status = EXIT_USAGE
    usual_code = ErrorCode.INVALID_VALUE


class DatabaseUnavailable(CommandError):
    """The database does not answer, so the command cannot be done now."""

    status = EXIT_UNAVAILABLE
    usual_code = ErrorCode.DATABASE_AWAY
