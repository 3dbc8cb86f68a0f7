"""What a command cannot do although the settings are not at fault: as asked, as typed (2), or now (69); see the classes."""

from __future__ import annotations

import os

EXIT_REFUSED = 1
EXIT_MISTYPED = 2
"""As for an option that does not exist, of which the parser of the command line tells itself."""
EXIT_UNAVAILABLE = os.EX_UNAVAILABLE
"""69, see sysexits.h. A script may try again later, which it need not after 78."""


class CommandError(Exception):
    """It cannot be done as asked. ``message`` tells what is so, ``hint`` what to do next."""

    status = EXIT_REFUSED

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CommandError):
    """An option or an argument says what cannot be, whatever the settings and the database are like."""

    status = EXIT_MISTYPED


class DatabaseUnavailable(CommandError):
    """It cannot be done now, for the database is away."""

    status = EXIT_UNAVAILABLE
