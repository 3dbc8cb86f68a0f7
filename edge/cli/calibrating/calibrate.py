"""``archstats-sensor calibrate``: guided calibrations. Each kind of device has its command in a file of its own."""

from __future__ import annotations

from edge.cli.calibrating.calibrate_bow import bow_command
from edge.cli.calibrating.calibrate_target import target_command
from edge.cli.commands.options import command_group

app = command_group("Calibrate a target or a bow, beside its running daemon.")


@app.callback()
def calibrate() -> None:
    """Calibrate a target or a bow, beside its running daemon."""


app.command("target")(target_command)
app.command("bow")(bow_command)
