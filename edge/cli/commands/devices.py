"""``archstats-sensor devices``: list the devices, and show and change the settings inside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from edge.cli.commands.device_commands import ShownProgress
from edge.cli.commands.options import DatabaseDir, Json, Lane, Who, command_group, operator_name
from edge.cli.operator_connection import on_database
from edge.common.console import as_json as json_object
from edge.common.console import complain, local, say
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind
from edge.operator.calibration.records import find_calibrated_device
from edge.operator.calibration.settings import calibration_left
from edge.operator.commands import Value
from edge.operator.device_settings import change_settings, parse_changes, read_settings
from edge.operator.devices import DeviceSummary, list_devices

app = command_group("Devices: list them, show and change their settings.")

HEADERS = ("DEVICE", "KIND", "DRIVER", "LANE", "STATE")


@app.command("list")
def list_command(lane: Lane = None, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """List the devices with their lanes and states."""

    async def run(connection: Connection) -> None:
        devices = await list_devices(connection, lane)
        if as_json:
            for device in devices:
                say(json_object(asdict(device)))
        elif devices:
            say("\n".join(table(devices)))
        else:
            say("No device yet. A device registers itself when its daemon runs.")

    on_database(run, database_dir)


@app.command("config")
def config_command(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Name of the device, such as bow-1.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Settings to change; without any they are shown."),
    ] = None,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Show the settings inside a device, or change some of them. Its daemon does it, so it must run."""
    wanted = parse_changes(changes or [])

    async def run(connection: Connection) -> None:
        name = operator_name(who)
        if not wanted:
            values = await read_settings(connection, device, name, ShownProgress())
            if as_json:
                say(json_object({"device_id": device, "values": dict(values)}))
            else:
                _show(values)
            return
        change = await change_settings(connection, device, wanted, name, ShownProgress())
        if as_json:
            facts = {"device_id": device, "command_id": change.command_id}
            say(json_object({**facts, "before": dict(change.before), "values": dict(change.after)}))
        else:
            _show(change.after, change.before)
        changed = {name: value for name, value in change.after.items() if name in wanted}
        await _warn_of_calibration(connection, device, changed)

    on_database(run, database_dir)


async def _warn_of_calibration(connection: Connection, device: str, changed: Mapping[str, Value]) -> None:
    """Name the active calibration of a device that has other settings from now on, and how to return to them."""
    kind = (await find_calibrated_device(connection, device)).kind
    left = await calibration_left(connection, device, kind, changed)
    if left is None:
        return
    calibration, settings = left
    named = " and ".join(f"the {name} {_text(value)}" for name, value in settings.items())
    words = " ".join(f"{name}={_text(value)}" for name, value in settings.items())
    returns = " It gets that again when its daemon opens it." if kind is CalibrationKind.ARROW else ""
    complain(
        f"Warning: the active calibration {calibration.name} has {named}, and {device} no longer has it.{returns} "
        f"To return to it: `archstats-sensor devices config {device} {words}`."
    )


def table(devices: list[DeviceSummary]) -> list[str]:
    """The devices as lines for people, with headers. A fault of a device follows its state."""
    cells = [HEADERS, *(_cells(device) for device in devices)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADERS))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cells(device: DeviceSummary) -> tuple[str, ...]:
    state = str(device.state)
    if device.since is not None:
        state += f" since {local(device.since)}"
    if device.error:
        state += f": {device.error}"
    return device.id, device.kind, device.driver, "-" if device.lane is None else str(device.lane), state


def _show(values: Mapping[str, Value], before: Mapping[str, Value] | None = None) -> None:
    """The settings for people; with ``before`` also what changed."""
    width = max(map(len, values), default=0)
    for name, value in values.items():
        line = f"{name:<{width}}  {_text(value)}"
        if before is not None and name in before and before[name] != value:
            line += f"  (was {_text(before[name])})"
        say(line)
    if not values:
        say("The device has no settings.")


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
