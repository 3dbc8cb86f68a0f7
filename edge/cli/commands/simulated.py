"""``archstats-sensor emulate``, ``press``, ``place`` and ``truth``: one simulated device, and the simulated range."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.commands.options import (
    DEFAULT_SPEED,
    DatabaseDir,
    Fault,
    FaultSeed,
    Json,
    Speed,
    default_tags,
    simulated_drivers,
)
from edge.cli.environment import effective, refuse_mistyped
from edge.common.config.load import load_service
from edge.simulation.emulate import emulate
from edge.simulation.fault_options import wire_faults
from edge.simulation.place import place
from edge.simulation.press import press
from edge.simulation.truth import print_truth
from simulators.world.instants import to_iso
from simulators.world.range import FIXED_START_US

FARTHEST_MM = 10_000.0
"""Farthest place that a probe is pressed at, in millimetres from the corner of the butt."""


def emulate_command(
    driver: Annotated[
        str,
        typer.Argument(
            help="Driver whose device is simulated, for example bow.link.", autocompletion=simulated_drivers
        ),
    ],
    link: Annotated[Path | None, typer.Option(help="Path of the terminal; a new one in /tmp by default.")] = None,
    lane: Annotated[int, typer.Option(min=1, max=999, help="Lane whose arrows the device senses.")] = 1,
    variant: Annotated[
        str, typer.Option(help="Variant of the device, such as its firmware; the usual one by default.")
    ] = "",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the range; as for run --simulate by default.")
    ] = None,
    speed: Annotated[float | None, typer.Option(min=1, max=20, help="Speed of the range; 1 by default.")] = None,
    fault: Fault = None,
    fault_seed: FaultSeed = None,
    as_json: Json = False,
) -> None:
    """Provide a simulated device on a pseudo-terminal. Any software can open it; runs until stopped."""
    faults = wire_faults(fault, fault_seed)
    emulate(
        driver,
        link=link,
        lane=lane,
        variant=variant,
        seed=seed,
        speed=speed,
        faults=faults,
        json=as_json,
        environ=os.environ,
    )


def press_command(
    device: Annotated[str, typer.Argument(help="Name of the simulated target, for example target-1.")],
    x: Annotated[
        float, typer.Option(min=-FARTHEST_MM, max=FARTHEST_MM, help="Millimetres from the left edge of the butt.")
    ],
    y: Annotated[
        float, typer.Option(min=-FARTHEST_MM, max=FARTHEST_MM, help="Millimetres from the lower edge of the butt.")
    ],
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Press the calibration probe of a simulated target. A target without one gets an arrow there.

    The simulated range must run on the same database.
    """
    environ = effective(os.environ, database_dir=database_dir)
    refuse_mistyped(environ)
    press(device, x, y, load_service(environ), as_json=as_json)


def place_command(
    device: Annotated[str, typer.Argument(help="Name of the simulated scanner, for example arrow-1.")],
    tags: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TAG]...",
            help="Tags on the pad: blank, permalocked, password, small, programmed, or the beginning of a TID or EPC.",
            autocompletion=default_tags,
        ),
    ] = None,
    far: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help="Tag 30 cm from the scanner; may be repeated.", autocompletion=default_tags),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Leave the tags as they are, and show them.")] = False,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Place tags on the pad of a simulated scanner. Without a tag the pad becomes empty.

    Every blank is a new tag. The simulated range must run on the same database.
    """
    if show and (tags or far):
        raise typer.BadParameter("--show places no tag: leave out the tags, or --show")
    environ = effective(os.environ, database_dir=database_dir)
    refuse_mistyped(environ)
    place(device, None if show else tags or [], far or [], load_service(environ), as_json=as_json)


def truth_command(
    seed: Annotated[int, typer.Option(min=0, help="Seed that the range printed.")],
    start: Annotated[
        str | None,
        typer.Option(
            help="Start that the range printed, ISO 8601 with offset; that of a device simulated alone by default.",
            show_default=to_iso(FIXED_START_US),
        ),
    ] = None,
    speed: Speed = DEFAULT_SPEED,
    since: Annotated[str | None, typer.Option(help="Instant of the first release; the start by default.")] = None,
    until: Annotated[str | None, typer.Option(help="Instant before which the last release is; now by default.")] = None,
    lanes: Annotated[int, typer.Option(min=1, max=40, help="Number of lanes.")] = 1,
) -> None:
    """Print the shots of a simulated range. One JSON line per release; needs no database."""
    print_truth(seed=seed, start=start, speed=speed, since=since, until=until, lanes=lanes)
