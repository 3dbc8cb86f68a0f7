"""What is the fault of the settings, and therefore ends a process: trying again cannot help."""

from __future__ import annotations

from collections.abc import Sequence

EX_CONFIG = 78
"""Exit status of a process whose settings are at fault (EX_CONFIG of sysexits.h). systemd does not restart it."""


class ConfigError(Exception):
    """A setting cannot work. ``message`` names it, ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str, parts: Sequence[ConfigError] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self._parts = parts

    @property
    def parts(self) -> Sequence[ConfigError]:
        """Each fault by itself, with its own remedy."""
        return self._parts or (self,)

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}"


def together(faults: Sequence[ConfigError]) -> ConfigError:
    """Several faults as one: it names all, and says of the first what to do."""
    parts = [part for fault in faults for part in fault.parts]
    return ConfigError("; ".join(part.message for part in parts), hint=parts[0].hint, parts=parts)
