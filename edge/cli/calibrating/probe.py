"""The calibration probe of a target, as its driver states it."""

from __future__ import annotations

from drivers.contract import Capability
from drivers.errors import DriverConfigError
from drivers.registry import load_driver
from edge.common.config.errors import CommandError
from edge.common.vocabulary import ReadingKind
from edge.operator.calibration.target_run import TargetRun


def refuse_without_probe(run: TargetRun) -> None:
    """Raise CommandError where a pin is awaited from a target whose driver knows no probe.

    A driver that is not installed on this machine is not judged: the device may belong to another hub.
    """
    if run.plan.kind is not ReadingKind.PIN or not run.pending:
        return
    try:
        info = load_driver(run.device.driver).info
    except DriverConfigError:
        return
    if Capability.CALIBRATION_PROBE in info.capabilities:
        return
    is_of_a_file = not any(point.text for point in run.plan.points)
    words = "Give the file again with --points, and add --arrows" if is_of_a_file else "Add --arrows"
    raise CommandError(
        f"{run.device.id} has no calibration probe: a {run.device.driver} reports no pin",
        hint=f"{words}: arrows are put in at the points, in place of a pin that is pressed.",
    )
