"""What an installation is made of. A step is a value: it can be shown before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Write:
    """A file with this content; what was there is replaced, unless ``once``."""

    path: Path
    text: str
    mode: int = 0o644
    once: bool = False

    def __str__(self) -> str:
        return f"write   {self.path}{' (only if it is not there)' if self.once else ''}"


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, which leads to the old or to the new at every instant."""

    path: Path
    target: str

    def __str__(self) -> str:
        return f"link    {self.path} -> {self.target}"


@dataclass(frozen=True, slots=True)
class Remove:
    """A file, or a folder with all that is in it, that is there no more afterwards."""

    path: Path

    def __str__(self) -> str:
        return f"remove  {self.path}"


@dataclass(frozen=True, slots=True)
class RemoveEmpty:
    """A folder that goes when nothing is left in it: what others put there stays."""

    path: Path

    def __str__(self) -> str:
        return f"remove  {self.path} (if it is empty)"


@dataclass(frozen=True, slots=True)
class Run:
    """A command of the system, and what it is for."""

    words: tuple[str, ...]
    purpose: str
    environment: Mapping[str, str] = field(default_factory=dict)
    may_fail: bool = False
    """Its failure is told, and the rest goes on."""
    makes: Path | None = None
    """A folder that goes again when it fails: half of it is of no use."""

    def __str__(self) -> str:
        return f"run     {' '.join(self.words)}  # {self.purpose}"


Step = Write | Link | Remove | RemoveEmpty | Run
