"""A group of commands whose modules are imported only when a command is called.

``--help`` and completion need only the names and the help lines, which a table holds.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from edge.cli.commands.options import HELP_OPTIONS


@dataclass(frozen=True, slots=True)
class Entry:
    """One command of the table."""

    name: str
    help: str
    """First sentence of the command's own help; a test compares both."""
    module: str
    attribute: str = "app"
    """A group (``typer.Typer``), or the function of a single command."""


@functools.cache
def _build(entry: Entry) -> Any:
    """Import the command's module and build the command; typer does not export the class that all commands have."""
    target = getattr(importlib.import_module(entry.module), entry.attribute)
    if not isinstance(target, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(entry.name, context_settings=HELP_OPTIONS)(target)
        target = single
    command = get_command(target)
    command.name = entry.name
    return command


class LazyCommand(TyperCommand):
    """Stands for a command in listings, and imports it to run it."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, help=entry.help, rich_markup_mode=None)
        self._entry = entry

    def load(self) -> Any:
        """The real command, which this process builds once."""
        return _build(self._entry)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the real command: running, help and completion go on with that."""
        return self.load().make_context(info_name, args, parent=parent, **extra)


class LazyGroup(TyperGroup):
    """A group that lists the entries of its class after its own commands."""

    entries: Sequence[Entry] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for entry in self.entries:
            self.add_command(LazyCommand(entry))
