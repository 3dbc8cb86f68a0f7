"""``archstats-sensor calibration``: the stored calibrations of devices, and which of them is active."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.calibrating.arrow_words import arrow_lines, power_text
from edge.cli.calibrating.bow_words import bow_lines
from edge.cli.commands.options import DatabaseDir, Json, Who, command_group, operator_name, storable
from edge.cli.operator_connection import on_database
from edge.common.config.errors import CommandError
from edge.common.console import as_json as json_object
from edge.common.console import local, say
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationAction, CalibrationKind
from edge.operator.calibration.activation import Activation, activate, list_activations, rollback
from edge.operator.calibration.records import (
    WORDS,
    Calibration,
    find_calibrated_device,
    find_calibration,
    list_calibrations,
)
from edge.operator.calibration.report import report_html
from edge.operator.calibration.settings import INSIDE, activate_settings, roll_back_settings

app = command_group("Stored calibrations: list, show, activate and roll back.")


def _written(text: str | None) -> str | None:
    """The text of an option. Raises BadParameter for one that the database cannot store, or a blank one."""
    if text is not None and not text.strip():
        raise typer.BadParameter("it is blank")
    return storable(text)


Note = Annotated[str | None, typer.Option(callback=_written, help="Remark, kept with the calibration.")]
CalibrationArgument = Annotated[
    str,
    typer.Argument(
        metavar="CALIBRATION",
        help="A device with a version, such as target-1@3, the first characters of an id, or a device.",
    ),
]
DeviceArgument = Annotated[str, typer.Argument(metavar="DEVICE", help="Name of the device.")]
Why = Annotated[str, typer.Option("--why", callback=_written, help="Reason, kept with the activation.")]


@app.command("history")
def history_command(
    device: Annotated[str | None, typer.Argument(metavar="[DEVICE]", help="Only this device.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of calibrations, the newest.")] = 50,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List calibrations and their activations, the newest first."""

    async def run(connection: Connection) -> None:
        kind = CalibrationKind.TARGET if device is None else (await find_calibrated_device(connection, device)).kind
        calibrations = await list_calibrations(connection, device, limit)
        activations = await list_activations(connection, device, limit)
        for calibration in calibrations:
            say(json_object(calibration_facts(calibration)) if as_json else calibration_line(calibration))
        for activation in activations:
            say(json_object(activation_facts(activation)) if as_json else activation_line(activation))
        if not calibrations and not as_json:
            say(
                f"No calibration yet. Calibrate {WORDS[kind]}: `archstats-sensor calibrate {kind} {device or 'DEVICE'}`."
            )

    on_database(run, database_dir)


@app.command("show")
def show_command(
    calibration: CalibrationArgument,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a printable report of a target's calibration to this HTML file."),
    ] = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Show a calibration with its points and residuals. Of a device the active one, else the newest."""
    written = ""

    async def run(connection: Connection) -> None:
        nonlocal written
        found = await find_calibration(connection, calibration)
        if report is not None:
            if found.kind is not CalibrationKind.TARGET:
                raise CommandError(
                    f"{found.name} is the calibration of {WORDS[found.kind]}, which has no picture",
                    hint="Leave out --report.",
                )
            written = report_html(found, await list_activations(connection, found.device_id))
        for line in [json_object(calibration_facts(found))] if as_json else show_lines(found):
            say(line)

    on_database(run, database_dir)
    if report is not None:
        _write_report(report, written)
        if not as_json:
            say(f"The report is in {report}.")


@app.command("activate")
def activate_command(
    calibration: CalibrationArgument,
    why: Why = "activated",
    force: Annotated[
        bool, typer.Option("--force", help="Activate it although its sigma is above the limit of its face.")
    ] = False,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Activate a calibration from now on. Shots that landed before keep theirs."""

    async def run(connection: Connection) -> None:
        found = await find_calibration(connection, calibration)
        if not found.is_accepted and not force:
            raise CommandError(
                f"calibration {found.name} is not accepted: its sigma is above the limit of its face",
                hint="Calibrate again, or add --force.",
            )
        change = activate_settings if found.kind in INSIDE else activate
        _say_activation(await change(connection, found, operator_name(who), why), as_json=as_json)

    on_database(run, database_dir)


@app.command("rollback")
def rollback_command(
    device: DeviceArgument,
    why: Why = "rolled back",
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Activate the calibration before the present one again. Before the first one there is none."""

    async def run(connection: Connection) -> None:
        found = await find_calibrated_device(connection, device)
        change = roll_back_settings if found.kind in INSIDE else rollback
        _say_activation(await change(connection, found, operator_name(who), why), as_json=as_json)

    on_database(run, database_dir)


def _write_report(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise CommandError(
            f"the report cannot be written to {path} ({fault.strerror or os.strerror(fault.errno or 0)})",
            hint="Give another --report.",
        ) from fault


def _say_activation(activation: Activation, *, as_json: bool) -> None:
    if as_json:
        say(json_object(activation_facts(activation)))
    elif activation.version is None:
        say(f"{activation.device_id}: no calibration is active from now on; {_WITHOUT[activation.kind]} applies")
    else:
        shots = "no shot changes" if activation.kind is CalibrationKind.ARROW else "earlier shots keep theirs"
        say(f"{activation.device_id}: calibration {activation.version} is active from now on; {shots}")


_WITHOUT = {
    CalibrationKind.TARGET: "the nominal place of its sensor",
    CalibrationKind.BOW: "its earlier threshold",
    CalibrationKind.ARROW: "its earlier power",
}
"""The value that applies without a calibration."""


def calibration_facts(calibration: Calibration) -> dict[str, object]:
    """A calibration for programs."""
    return {"type": "calibration", "name": calibration.name, **asdict(calibration)}


def activation_facts(activation: Activation) -> dict[str, object]:
    """An activation for programs."""
    return {"type": "activation", **asdict(activation)}


def calibration_line(calibration: Calibration) -> str:
    """A calibration for people: name, state, time, operator and accuracy."""
    state = (
        "not active" if not calibration.is_active else "active" if calibration.fits else "not applied: another driver"
    )
    words = [f"{calibration.name:<14}", f"{state:<10}", local(calibration.at), f"by {calibration.who}"]
    if calibration.sigma_mm is not None:
        accepted = "" if calibration.is_accepted else " (not accepted)"
        words.append(f"sigma {calibration.sigma_mm:.2f} mm{accepted}, {len(calibration.points)} points")
        words.append(f"face {calibration.face_code or '-'}")
    elif calibration.kind is CalibrationKind.ARROW:
        words.append(f"{power_text(calibration)}, {len(calibration.points)} powers measured")
    else:
        words.append(f"threshold {calibration.parameters['threshold']}, {len(calibration.points)} trials")
    if calibration.note:
        words.append(f"note: {calibration.note}")
    return "  ".join(words)


def activation_line(activation: Activation) -> str:
    """An activation for people."""
    now = "none" if activation.version is None else f"{activation.device_id}@{activation.version}"
    what = "rolled back to" if activation.action is CalibrationAction.ROLLBACK else "activated"
    return (
        f"{local(activation.at)}  {activation.device_id}: {what} {now} by {activation.who}, reason: {activation.reason}"
    )


def show_lines(calibration: Calibration) -> list[str]:
    """A calibration with its points, map and accuracy for people."""
    first = calibration_line(calibration)
    if calibration.kind is not CalibrationKind.TARGET:
        lines_of = arrow_lines if calibration.kind is CalibrationKind.ARROW else bow_lines
        return [first, *lines_of(calibration), f"  id {calibration.id}"]
    found = calibration.parameters
    lines = [
        f"  {point['name']!s:<14} known {point['x_mm']:8.1f} {point['y_mm']:8.1f}  sensed {point['sensed_x_mm']:8.2f} "
        f"{point['sensed_y_mm']:8.2f}  residual {point['residual_mm']:.2f} mm"
        for point in calibration.points
    ]
    return [
        first,
        *lines,
        f"  model {calibration.model}: rotation {found['rotation_deg']:+.3f} degrees, scale {found['scale']:.5f}",
        (
            f"  sigma {calibration.sigma_mm:.2f} mm in one direction, limit {found.get('limit_mm', 0):g} mm; "
            f"standard error of the centre {calibration.centre_error_mm:.2f} mm"
        ),
        f"  id {calibration.id}",
    ]
