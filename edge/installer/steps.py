"""Steps of an installation. A step is a value, so that it can be shown before it is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Write:
    """Write a file; an existing one is replaced unless ``once`` is set."""

    path: Path
    text: str
    mode: int = 0o644
    once: bool = False

    def __str__(self) -> str:
        return f"write   {self.path}{' (unless it exists)' if self.once else ''}"


@dataclass(frozen=True, slots=True)
class MakeSecret:
    """Write a new random secret, unless the file exists, and make it readable for root alone. The plan does not hold it."""

    path: Path

    def __str__(self) -> str:
        return f"secret  {self.path} (kept if it exists, with mode 0600)"


@dataclass(frozen=True, slots=True)
class Link:
    """Set a symbolic link atomically: it points to the old or the new target at every instant."""

    path: Path
    target: str

    def __str__(self) -> str:
        return f"link    {self.path} -> {self.target}"


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a file, or a folder with its contents."""

    path: Path

    def __str__(self) -> str:
        return f"remove  {self.path}"


@dataclass(frozen=True, slots=True)
class RemoveEmpty:
    """Remove a folder if it is empty: files of others stay."""

    path: Path

    def __str__(self) -> str:
        return f"remove  {self.path} (if it is empty)"


@dataclass(frozen=True, slots=True)
class Run:
    """Run a command of the system for a stated purpose."""

    words: tuple[str, ...]
    purpose: str
    environment: Mapping[str, str] = field(default_factory=dict)
    may_fail: bool = False
    """A failure is reported, and the plan continues."""
    makes: Path | None = None
    """Folder to remove when the command fails: half of it is useless."""

    def __str__(self) -> str:
        return f"run     {' '.join(self.words)}  # {self.purpose}"


Step = Write | MakeSecret | Link | Remove | RemoveEmpty | Run
