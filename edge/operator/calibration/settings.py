"""Calibrations that are settings inside a device: a bow's threshold, an arrow scanner's power. The device has them before they are active."""

from __future__ import annotations

from collections.abc import Mapping

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind
from edge.operator.calibration.activation import Activation, activate, calibration_before, refuse_active, rollback
from edge.operator.calibration.records import CalibratedDevice, Calibration, active_calibration
from edge.operator.commands import Value, run_command
from edge.operator.device_settings import WRITE

THRESHOLD = "threshold"
"""Name of the setting of a bow that is calibrated."""
SETTINGS = "settings"
"""Name of the parameter that holds the settings; the daemon sends them to the device after each opening."""
SETTINGS_BEFORE = "settings_before"
"""Name of the parameter that holds the device's settings before the calibration."""

INSIDE = frozenset((CalibrationKind.BOW, CalibrationKind.ARROW))
"""Kinds of calibrations that are settings inside the device."""


def settings_of(calibration: Calibration) -> dict[str, Value]:
    """The settings that a calibration gives its device. Pure."""
    if calibration.kind is CalibrationKind.BOW:
        return {THRESHOLD: int(str(calibration.parameters[THRESHOLD]))}
    return _settings(calibration.parameters.get(SETTINGS))


def settings_before(calibration: Calibration) -> dict[str, Value]:
    """The settings that the device had before a calibration. Pure."""
    if calibration.kind is CalibrationKind.BOW:
        return {THRESHOLD: int(str(calibration.parameters["threshold_before"]))}
    return _settings(calibration.parameters.get(SETTINGS_BEFORE))


async def set_settings(
    connection: Connection, device_id: str, wanted: Mapping[str, Value], who: str, hint: str | None = None
) -> None:
    """Set settings of a device. Raises CommandError when it refuses, or reads back another value."""
    command = await run_command(connection, device_id, WRITE, wanted, who)
    for name, value in wanted.items():
        active = (command.result or {}).get(name)
        if active != value:
            raise CommandError(
                f"{device_id} keeps a {name} of {active} instead of {value}",
                hint=hint or "See the page of its driver for the values that it takes.",
            )


async def activate_settings(connection: Connection, calibration: Calibration, who: str, reason: str) -> Activation:
    """Give the device the settings of a calibration, and make it active.

    Raises CommandError when it is active already, and when the device does not take them; then nothing is changed.
    """
    await refuse_active(connection, calibration)
    await set_settings(connection, calibration.device_id, settings_of(calibration), who)
    return await activate(connection, calibration, who, reason)


async def roll_back_settings(connection: Connection, device: CalibratedDevice, who: str, reason: str) -> Activation:
    """Give the device the settings of the calibration before, and make that active: before the first its earlier settings.

    Raises CommandError when none is active, and when the device does not take them; then nothing is changed.
    """
    before = await calibration_before(connection, device)
    if before is not None:
        wanted = settings_of(before)
    else:
        present = await active_calibration(connection, device.id, device.kind)
        wanted = {} if present is None else settings_before(present)
    if wanted:
        await set_settings(connection, device.id, wanted, who)
    return await rollback(connection, device, who, reason)


async def calibration_left(
    connection: Connection, device_id: str, kind: CalibrationKind, present: Mapping[str, Value]
) -> tuple[Calibration, Mapping[str, Value]] | None:
    """The active calibration of a device with those of its settings that the device no longer has; None where they agree."""
    active = await active_calibration(connection, device_id, kind)
    if active is None:
        return None
    left = {name: value for name, value in settings_of(active).items() if name in present and present[name] != value}
    return (active, left) if left else None


def _settings(parameter: object) -> dict[str, Value]:
    if not isinstance(parameter, dict):
        return {}
    return {str(name): value for name, value in parameter.items() if isinstance(value, str | int | float | bool)}
