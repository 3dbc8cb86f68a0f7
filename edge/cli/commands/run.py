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
) -> None:
    """Read one device and store its readings; systemd starts this."""
    options = RunOptions(device, simulate=simulate, database_dir=database_dir, fault=fault, fault_seed=fault_seed)
    raise typer.Exit(run_device(options))
