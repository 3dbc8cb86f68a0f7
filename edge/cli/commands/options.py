"""Options that several commands share, and the values that the shell completes.

This module is loaded for ``--help``, so functions import everything beyond typer themselves.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def storable(text: str | None) -> str | None:
    """The text of an option, unless the database cannot store it: an argument need not be valid UTF-8."""
    from edge.common.bounds import storable_text

    try:
        return text if text is None else storable_text(text)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from fault


def _operator(name: str | None) -> str | None:
    """A given name of the operator. Raises BadParameter for a blank or an endless one."""
    if name and not name.strip():
        raise typer.BadParameter("give a name, or leave it out")
    if name and len(name) > LONGEST_NAME:
        raise typer.BadParameter(f"a name has at most {LONGEST_NAME} characters")
    return storable(name)


LONGEST_NAME = 200
"""Longest name of an operator, in characters."""
DEFAULT_SPEED = 4.0
"""Speed of the simulated archers unless another is given."""
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
FAULT_HELP = (
    "Faults of the simulated lines, each with its chance per frame, for example drop=0.05,corrupt=0.05,reboot=0.01."
)

DatabaseDir = Annotated[
    Path | None, typer.Option(help="Folder of the embedded PostgreSQL; used when no POSTGRES_* variable is set.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
Lane = Annotated[int | None, typer.Option(min=1, max=999, help="Only this lane.")]
Location = Annotated[str, typer.Option(callback=storable, help="Name of the place.")]
Reason = Annotated[str, typer.Option("--why", callback=storable, help="Reason, kept with the correction.")]
Who = Annotated[
    str | None, typer.Option(callback=_operator, help="Name of the operator; the logged-in user by default.")
]
ShotArgument = Annotated[
    str, typer.Argument(metavar="SHOT", help="Id of the shot, the first characters of it, or 'last' for the newest.")
]
Speed = Annotated[float, typer.Option(min=1, max=20, help="Speed of the simulated archers; 1 is real time.")]
Fault = Annotated[str | None, typer.Option(metavar="NAME=CHANCE,...", help=FAULT_HELP)]


def _simulated_of_kind(kind: str, incomplete: str) -> list[str]:
    from simulators.devices.registry import load_simulator, simulator_names

    return [name for name in simulator_names() if name.startswith(incomplete) and load_simulator(name).kind == kind]


def _simulated_bows(incomplete: str) -> list[str]:
    return _simulated_of_kind("bow", incomplete)


def _simulated_targets(incomplete: str) -> list[str]:
    return _simulated_of_kind("target", incomplete)


RangeBow = Annotated[
    str | None,
    typer.Option(
        metavar="DRIVER[:VARIANT]",
        help="Driver of the simulated bows: bow.link by default.",
        autocompletion=_simulated_bows,
    ),
]
RangeTarget = Annotated[
    str | None,
    typer.Option(
        metavar="DRIVER[:VARIANT]",
        help="Driver of the simulated targets: target.link by default.",
        autocompletion=_simulated_targets,
    ),
]
FaultSeed = Annotated[int | None, typer.Option(min=0, help="Seed of the faults; the seed of the range by default.")]


def operator_name(given: str | None = None) -> str:
    """The name for the record: the given one, else the user's. Raises CommandError for a user without an account."""
    import getpass

    from edge.common.config.errors import CommandError

    try:
        return given or getpass.getuser()
    except (OSError, KeyError) as fault:  # KeyError up to Python 3.12
        raise CommandError(
            f"this user (number {os.geteuid()}) has no account, so its name is not known",
            hint="Give --who where the command has it, or set USER to the operator's name.",
        ) from fault


def command_group(help_text: str) -> typer.Typer:
    """A group of commands without completion options. Its help is plain text: rich would take half a second to load."""
    return typer.Typer(
        help=help_text, no_args_is_help=True, add_completion=False, rich_markup_mode=None, context_settings=HELP_OPTIONS
    )


def faces(incomplete: str) -> list[str]:
    """Codes of the faces that begin like this."""
    from edge.shots.faces import load_catalogue

    named, _, code = incomplete.rpartition("=")
    before = f"{named}=" if named else ""
    return [before + known for known in sorted(load_catalogue()) if known.startswith(code)]


def rule_sets(incomplete: str) -> list[str]:
    """Codes of the rules that begin like this."""
    from edge.shots.rules import load_rules

    return [code for code in load_rules() if code.startswith(incomplete)]


def simulated_drivers(incomplete: str) -> list[str]:
    """Names of the drivers that begin like this and have a simulator."""
    from simulators.devices.registry import simulator_names

    return [name for name in simulator_names() if name.startswith(incomplete)]


def default_tags(incomplete: str) -> list[str]:
    """Names of the simulated scanner's default tags that begin like this."""
    from simulators.devices.tag_pad import DefaultTag

    return [name for name in DefaultTag if name.startswith(incomplete)]
