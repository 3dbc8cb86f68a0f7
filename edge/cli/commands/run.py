"""Help of ``archstats-sensor run``; ``main`` parses the arguments without typer, so that a daemon starts fast."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.commands.options import DatabaseDir, Fault, FaultSeed
from edge.cli.daemons.sensor import RunOptions, run_device


def run_command(
    device: Annotated[str, typer.Argument(help="Name of the device, for example bow-1.")],
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Use the device's simulator in place of the hardware.")
    ] = False,
    database_dir: DatabaseDir = None,
    fault: Fault = None,
    fault_seed: FaultSeed = None,
    variant: Annotated[
        str | None,
        typer.Option(help="Variant of the simulated device, such as its firmware; the usual one by default."),
    ] = None,
) -> None:
    """Read one device and store its readings; systemd starts this."""
    options = RunOptions(device, simulate, database_dir, fault, fault_seed, variant)
    raise typer.Exit(run_device(options))
