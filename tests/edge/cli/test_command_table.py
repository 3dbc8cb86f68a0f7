"""The table of commands that ``--help`` shows, against the commands themselves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from edge.cli.app import COMMANDS, app
from edge.cli.commands.options import FAULT_HELP
from edge.cli.lazy import LazyCommand
from edge.simulation.fault_options import EXAMPLE
from tests.acceptance.simulated_range import clean_environment
from tests.warm_programs import WarmPrograms

Ask = Callable[..., subprocess.CompletedProcess[str]]
SHORT = 62
"""Length of a help line that click shows in 80 columns without cutting it."""


@pytest.fixture
def ask(programs: WarmPrograms, tmp_path: Path) -> Ask:
    """Runs ``archstats-sensor`` on a terminal of 80 columns."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return programs.run("archstats-sensor", *words, environment=clean_environment(COLUMNS="80"), folder=tmp_path)

    return run


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_help_lines_equal_those_of_the_commands(entry: Any) -> None:
    command = LazyCommand(entry).load()
    assert command.name == entry.name
    assert command.get_short_help_str(200).rstrip(".") == entry.help.rstrip(".")
    for each in (entry, *getattr(command, "commands", {}).values()):
        sentence = each.help if each is entry else each.get_short_help_str(200)
        assert len(sentence) <= SHORT, sentence


def test_top_level_help_lists_every_command(ask: Ask) -> None:
    shown = ask("--help").stdout.partition("Commands:")[2]
    for entry in COMMANDS:
        assert f"  {entry.name} " in shown
    assert "..." not in shown


def test_fault_option_shows_the_example_of_the_errors() -> None:
    assert EXAMPLE in FAULT_HELP


@pytest.mark.parametrize("words", [["session"], ["session", "open"], ["why"], ["run"], ["db", "backup"]], ids=" ".join)
def test_short_help_option_works_at_every_level(words: list[str], ask: Ask) -> None:
    short, long = ask(*words, "-h"), ask(*words, "--help")
    assert (short.returncode, short.stdout) == (0, long.stdout)
    assert short.stdout.startswith(f"Usage: archstats-sensor {' '.join(words)} ")


@pytest.mark.parametrize(("words", "near"), [(["sesion"], "'session'"), (["shots", "corect"], "'correct', 'rescore'")])
def test_unknown_command_suggests_a_near_one(words: list[str], near: str, ask: Ask) -> None:
    done = ask(*words)
    assert (done.returncode, f"Did you mean {near}?" in done.stderr) == (2, True), done.stderr


def test_version_is_the_same_from_every_position(ask: Ask) -> None:
    assert get_command(app).name == "archstats-sensor"
    assert ask("--version").stdout == ask("--seed", "1", "--version").stdout != ""
