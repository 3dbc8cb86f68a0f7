"""The calibrations that apply on lanes, and the butt that they belong to: a session there has the same one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, DeviceKind
from edge.operator.calibration.records import Calibration, active_calibration

SAME_MM: Final = 0.5
"""Difference of two sides up to which a butt is the same."""


async def active_on_lanes(connection: Connection, lanes: Sequence[int]) -> list[Calibration]:
    """The active calibrations of the targets on some lanes."""
    rows = await connection.fetch(
        "select id from devices where kind = $1 and lane = any($2) order by id", DeviceKind.TARGET, lanes
    )
    found = [await active_calibration(connection, row["id"], CalibrationKind.TARGET) for row in rows]
    return [calibration for calibration in found if calibration is not None]


def calibrated_butt(
    active: Iterable[Calibration], width_mm: float | None, height_mm: float | None
) -> tuple[float | None, float | None]:
    """Width and height of the butt: as given, else as when the targets were calibrated; None where neither says it.

    A calibration counts from the lower left corner of its butt, so on another butt every shot would be in the wrong place.
    Raises CommandError where a side is another than that of a calibration.
    """
    sides = {"width": width_mm, "height": height_mm}
    for calibration in active:
        for side, given in sides.items():
            own = calibration.parameters.get(f"butt_{side}_mm")
            if not calibration.fits or not isinstance(own, int | float):
                continue
            if given is not None and abs(given - own) > SAME_MM:
                raise CommandError(
                    f"{calibration.name} was taken on a butt with a {side} of {own:g} mm, and not {given:g} mm: all shots "
                    f"of {calibration.device_id} would be in the wrong place",
                    hint=f"Leave out --butt-{side}. If the target is on another butt now, take its calibration back and calibrate "
                    f"it again: `archstats-sensor calibration rollback {calibration.device_id}`.",
                )
            sides[side] = float(own)
    return sides["width"], sides["height"]


def misfits(active: Iterable[Calibration]) -> list[str]:
    """A warning for each calibration that is not applied, because its target has had another driver since."""
    return [
        f"{calibration.name} is not applied: the present driver of {calibration.device_id} counts positions from another point. "
        f"Calibrate it again: `archstats-sensor calibrate target {calibration.device_id}`."
        for calibration in active
        if not calibration.fits
    ]
