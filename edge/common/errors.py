"""What is the fault of the settings, and therefore ends a process: trying again cannot help."""

from __future__ import annotations

EX_CONFIG = 78
"""Exit status of a process whose settings are at fault (EX_CONFIG of sysexits.h). systemd does not restart it."""


class ConfigError(Exception):
    """A setting cannot work. ``message`` names it, ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}"
