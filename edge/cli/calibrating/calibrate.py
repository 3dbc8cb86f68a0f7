"""``archstats-sensor calibrate``: guided calibrations. Each kind of device has its command in a file of its own."""

from __future__ import annotations

from edge.cli.calibrating.calibrate_arrow import arrow_command
from edge.cli.calibrating.calibrate_bow import bow_command
from edge.cli.calibrating.calibrate_target import target_command
from edge.cli.commands.options import command_group

app = command_group("Calibrate a target, a bow or a scanner beside its daemon.")


@app.callback()
def calibrate() -> None:
    """Calibrate a target, a bow or a scanner beside its daemon."""


app.command("target")(target_command)
app.command("bow")(bow_command)
app.command("arrow")(arrow_command)
