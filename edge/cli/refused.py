"""What a command cannot do as asked: exit status 1, where the settings are not at fault."""

from __future__ import annotations

EXIT_REFUSED = 1


class Refused(Exception):
    """The database says no. ``message`` tells what is so, ``hint`` what to do next."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
