"""The technician's command line: ``archstats-sensor``, its table of commands, and ``--simulate``.

Loaded for ``--help``: imports neither a command nor anything that runs one.
"""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from edge.cli.commands.options import (
    DEFAULT_SPEED,
    HELP_OPTIONS,
    DatabaseDir,
    Fault,
    FaultSeed,
    RangeBow,
    RangeTarget,
    Speed,
)
from edge.cli.lazy import Entry, LazyGroup
from edge.cli.programs import version_text

RANGE_ONLY = {
    "seed": "--seed", "speed": "--speed", "shots": "--shots", "duration": "--duration", "lanes": "--lanes",
    "assemblers": "--assemblers", "bow": "--bow", "target": "--target", "no_scanner": "--no-scanner", "miscalibrate": "--miscalibrate", "fault": "--fault", "fault_seed": "--fault-seed", "as_json": "--json", "database_dir": "--database-dir",
    "force": "--force",
}  # fmt: skip
"""Options that mean nothing without --simulate."""
MOST_SECONDS = 31_622_400.0
"""Longest simulated range: a year, so that every instant of it lies in the calendar."""
MOST_SHOTS = 10_000
"""Most releases of a simulated range: the last one is computed before the range starts, which takes a second for so many."""


def _entry(name: str, module: str, help_line: str, attribute: str = "app", folder: str = "commands") -> Entry:
    return Entry(name, help_line, f"edge.cli.{folder}.{module}", attribute)


COMMANDS = (
    _entry("run", "run", "Read one device and store its readings; systemd starts this.", "run_command"),
    _entry("session", "session", "Sessions: the shooting on a lane, from open to close."),
    _entry("faces", "faces", "Target faces: list the catalogue."),
    _entry("arrow", "arrow", "Arrows: register them, and program their tags."),
    _entry("shots", "shots", "Shots: list, correct, rebuild and rescore them."),
    _entry("why", "why", "Explain a shot: readings, clocks, flight, ring, corrections.", "why_command"),
    _entry("orphan", "orphan", "Landings that no release explains: list and assign them."),
    _entry("quarantine", "quarantine", "Reports that the database refused: list and settle them."),
    _entry("devices", "devices", "Devices: list them, show and change their settings."),
    _entry("commands", "device_commands", "Commands to devices: list, show and cancel them."),
    _entry("calibrate", "calibrate", "Calibrate a target, a bow or a scanner beside its daemon.", folder="calibrating"),
    _entry(
        "calibration",
        "calibration",
        "Stored calibrations: list, show, activate and roll back.",
        folder="calibrating",
    ),
    _entry("db", "db", "The database: create, migrate, describe and back it up."),
    _entry("config", "config", "The settings: check and show them."),
    _entry("address", "address", "Show the address of the live page, with a QR code for phones.", "address_command"),
    _entry("emulate", "simulated", "Provide a simulated device on a pseudo-terminal.", "emulate_command"),
    _entry("press", "simulated", "Press the calibration probe of a simulated target.", "press_command"),
    _entry("place", "simulated", "Place tags on the pad of a simulated scanner.", "place_command"),
    _entry("truth", "simulated", "Print the shots of a simulated range.", "truth_command"),
    _entry("install", "install", "Install the services, or bring them up to this version.", "install_command"),
    _entry("uninstall", "install", "Stop the services and remove them.", "uninstall_command"),
)
"""Every command with its help line, in the order of ``--help``."""


class SensorGroup(LazyGroup):
    """The commands of ``archstats-sensor``."""

    entries = COMMANDS


app = typer.Typer(
    name="archstats-sensor",
    cls=SensorGroup,
    help="Sensors of an archery range: run devices, manage sessions, or simulate a whole range.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP_OPTIONS,
)


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version_text())
        raise typer.Exit


@app.callback(invoke_without_command=True)
def archstats_sensor(
    context: typer.Context,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Run a simulated range: devices, sensors, shots and live page.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the range: the same seed gives the same shots.")
    ] = None,
    speed: Speed = DEFAULT_SPEED,
    shots: Annotated[
        int | None, typer.Option(min=1, max=MOST_SHOTS, help="End when this many releases are decided.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(min=0.1, max=MOST_SECONDS, help="End after this many seconds.")
    ] = None,
    lanes: Annotated[int, typer.Option(min=1, max=40, help="Number of simulated lanes.")] = 1,
    assemblers: Annotated[
        int, typer.Option(min=1, max=16, help="Number of archstats-shots, which divide the lanes among them.")
    ] = 1,
    bow: RangeBow = None,
    target: RangeTarget = None,
    no_scanner: Annotated[
        bool, typer.Option("--no-scanner", help="Leave out the simulated arrow scanner of lane 1.")
    ] = False,
    miscalibrate: Annotated[
        bool, typer.Option("--miscalibrate", help="Mount the simulated targets askew, to practise calibrating them.")
    ] = False,
    fault: Fault = None,
    fault_seed: FaultSeed = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")] = False,
    database_dir: DatabaseDir = None,
    force: Annotated[
        bool, typer.Option("--force", help="Simulate into a database that holds readings of real devices.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run a simulated range with --simulate, or one of the commands below."""
    misplaced = next((option for name, option in RANGE_ONLY.items() if _was_given(context, name)), None)
    if context.invoked_subcommand is not None:
        if simulate:
            raise typer.BadParameter(
                "--simulate takes no command; to simulate one device: archstats-sensor run DEVICE --simulate"
            )
        if misplaced is not None:
            raise typer.BadParameter(f"{misplaced} is placed before '{context.invoked_subcommand}': move it to the end")
        return
    if not simulate:
        if misplaced is not None:
            raise typer.BadParameter(f"{misplaced} is an option of the simulated range: add --simulate")
        typer.echo(context.get_help())
        raise typer.Exit(0)
    from edge.cli.environment import effective, refuse_mistyped
    from edge.common.config.load import load_push, load_service
    from edge.common.process.run import run_service
    from edge.simulation.access import with_every_address
    from edge.simulation.fault_options import wire_faults
    from edge.simulation.simulate import SimulateOptions, new_seed
    from edge.simulation.simulate import simulate as simulate_range

    environ = effective(os.environ, database_dir=database_dir)
    refuse_mistyped(environ)
    environ = with_every_address(environ)
    service, push = load_service(environ), load_push(environ)
    faults = wire_faults(fault, fault_seed)
    options = SimulateOptions(
        new_seed() if seed is None else seed,
        speed,
        shots,
        duration,
        lanes,
        assemblers,
        faults,
        as_json,
        force,
        bow=bow,
        target=target,
        is_miscalibrated=miscalibrate,
        has_scanner=not no_scanner,
    )
    outcome = 0

    async def serve(stop: asyncio.Event) -> None:
        nonlocal outcome
        outcome = await simulate_range(options, service, push, environ, stop)

    status = run_service(serve, name="archstats-sensor", dev_mode=service.dev_mode)
    raise typer.Exit(status or outcome)
