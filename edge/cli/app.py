"""The technician's command line: ``archstats-sensor`` and its commands."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.commands import config as config_commands
from edge.cli.commands import db as db_commands
from edge.cli.commands import install as install_commands
from edge.cli.commands import orphan as orphan_commands
from edge.cli.commands import quarantine as quarantine_commands
from edge.cli.commands import session as session_commands
from edge.cli.commands import shots as shots_commands
from edge.cli.commands.options import simulated_drivers
from edge.cli.daemons.sensor import RunOptions, run_device
from edge.cli.environment import effective, refuse_mistyped
from edge.cli.version import version_text
from edge.common.config.errors import EX_CONFIG
from edge.common.config.settings import load_push, load_service
from edge.common.process.run import run_service
from edge.simulation.fault_options import FAULT_HELP, FAULT_SEED_HELP, wire_faults
from edge.simulation.truth import print_truth
from simulators.world.instants import to_iso
from simulators.world.range import FIXED_START_US

DEFAULT_SPEED = 4.0
FIXED_START = to_iso(FIXED_START_US)
RANGE_ONLY = {
    "seed": "--seed", "speed": "--speed", "shots": "--shots", "duration": "--duration", "lanes": "--lanes",
    "fault": "--fault", "fault_seed": "--fault-seed", "as_json": "--json", "database_dir": "--database-dir",
    "force": "--force",
}  # fmt: skip
"""Options that mean nothing without --simulate."""

app = typer.Typer(
    name="archstats-sensor",
    help="Sensors of an archery range: run devices, look after sessions, or simulate a whole range.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(session_commands.app, name="session")
app.add_typer(shots_commands.app, name="shots")
app.add_typer(orphan_commands.app, name="orphan")
app.add_typer(quarantine_commands.app, name="quarantine")
app.add_typer(db_commands.app, name="db")
app.add_typer(config_commands.app, name="config")
app.command("install")(install_commands.install_command)
app.command("uninstall")(install_commands.uninstall_command)

DatabaseDir = Annotated[
    Path | None, typer.Option(help="Folder of the embedded PostgreSQL; used when no POSTGRES_* variable is set.")
]
Speed = Annotated[float, typer.Option(min=1, max=20, help="How many times faster than a real archer the waiting goes.")]
Fault = Annotated[str | None, typer.Option(metavar="NAME=CHANCE,...", help=FAULT_HELP)]
FaultSeed = Annotated[int | None, typer.Option(min=0, help=FAULT_SEED_HELP)]


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
        bool, typer.Option("--simulate", help="Run a simulated range: devices, sensors, shots, page.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the simulated range; the same seed shoots the same.")
    ] = None,
    speed: Speed = DEFAULT_SPEED,
    shots: Annotated[int | None, typer.Option(min=1, help="End when this many releases are decided.")] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="End after this many seconds.")] = None,
    lanes: Annotated[int, typer.Option(min=1, max=40, help="How many lanes to simulate.")] = 1,
    fault: Fault = None,
    fault_seed: FaultSeed = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    database_dir: DatabaseDir = None,
    force: Annotated[bool, typer.Option("--force", help="Simulate into a database that holds real readings.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Run a simulated range with --simulate, or one of the commands below."""
    misplaced = next((option for name, option in RANGE_ONLY.items() if _was_given(context, name)), None)
    if context.invoked_subcommand is not None:
        if simulate:
            raise typer.BadParameter(
                "--simulate stands alone; to simulate one device: archstats-sensor run DEVICE --simulate"
            )
        if misplaced is not None:
            raise typer.BadParameter(f"{misplaced} stands before '{context.invoked_subcommand}': write it at the end")
        return
    if not simulate:
        if misplaced is not None:
            raise typer.BadParameter(f"{misplaced} is an option of the simulated range: add --simulate")
        typer.echo(context.get_help())
        raise typer.Exit(0)
    from edge.simulation.simulate import SimulateOptions, new_seed
    from edge.simulation.simulate import simulate as simulate_range

    environ = effective(os.environ, database_dir=database_dir)
    refuse_mistyped(environ)
    service, push = load_service(environ), load_push(environ)
    faults = wire_faults(fault, fault_seed)
    options = SimulateOptions(
        new_seed() if seed is None else seed, speed, shots, duration, lanes, faults, as_json, force
    )
    outcome = 0

    async def serve(stop: asyncio.Event) -> None:
        nonlocal outcome
        outcome = await simulate_range(options, service, push, environ, stop)

    status = run_service(serve, name="archstats-sensor", dev_mode=service.dev_mode)
    raise typer.Exit(status or outcome)


@app.command("run")
def run_command(
    device: Annotated[str, typer.Argument(help="Name of the device, for example bow-1.")],
    simulate: Annotated[bool, typer.Option("--simulate", help="With its simulator in place of the hardware.")] = False,
    database_dir: DatabaseDir = None,
    fault: Fault = None,
    fault_seed: FaultSeed = None,
) -> None:
    """Read one device and store what it senses, until told to stop. This is what systemd starts."""
    options = RunOptions(device, simulate=simulate, database_dir=database_dir, fault=fault, fault_seed=fault_seed)
    raise typer.Exit(run_device(options))


@app.command("emulate")
def emulate_command(
    driver: Annotated[
        str,
        typer.Argument(help="Whose device to stand in for: bow.link or target.link.", autocompletion=simulated_drivers),
    ],
    link: Annotated[Path | None, typer.Option(help="Name of the terminal; a new one in /tmp when not given.")] = None,
    lane: Annotated[int, typer.Option(min=1, max=999, help="The lane whose arrows it senses.")] = 1,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the range; as with run --simulate when not given.")
    ] = None,
    speed: Annotated[float | None, typer.Option(min=1, max=20, help="Of the range; 1 when not given.")] = None,
    fault: Fault = None,
    fault_seed: FaultSeed = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Hold a simulated device behind a pseudo-terminal that any software can open, until told to stop."""
    from edge.simulation.emulate import emulate

    faults = wire_faults(fault, fault_seed)
    emulate(driver, link=link, lane=lane, seed=seed, speed=speed, faults=faults, json=as_json, environ=os.environ)


@app.command("truth")
def truth_command(
    seed: Annotated[int, typer.Option(min=0, help="The seed the range printed.")],
    start: Annotated[
        str | None,
        typer.Option(
            help="The start the range printed, ISO 8601 with offset; that of a device simulated alone when not given.",
            show_default=FIXED_START,
        ),
    ] = None,
    speed: Speed = DEFAULT_SPEED,
    since: Annotated[
        str | None, typer.Option(help="First instant of release to tell; the start when not given.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Tell releases before this instant; now when not given.")] = None,
    lanes: Annotated[int, typer.Option(min=1, max=40, help="How many lanes.")] = 1,
) -> None:
    """Print what a simulated range shot, one JSON line a release. Needs no database."""
    print_truth(seed=seed, start=start, speed=speed, since=since, until=until, lanes=lanes)


@app.command("why")
def why_command(
    shot: shots_commands.ShotArgument,
    lane: shots_commands.Lane = None,
    as_json: shots_commands.Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Why a shot is what it is: its readings, clocks, flight, who watched, margin and ring, and what persons decided.

    The id of an orphan tells which releases it might belong to.
    """
    from edge.cli.commands.why import print_why
    from edge.cli.operator_connection import on_database

    on_database(lambda connection: print_why(connection, shot, lane, as_json=as_json), database_dir)


__all__ = ["EX_CONFIG", "app"]
