"""``archstats-sensor press DEVICE``: presses the calibration probe of a simulated target of the running range."""

from __future__ import annotations

from edge.common.config.errors import CommandError
from edge.common.config.settings import ServiceSettings
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.simulation.processes import CONTROL, log_folder
from simulators.control import Answer, Press, Refused, Request, ask
from simulators.world.range import EventKind


def press(device: str, x_mm: float, y_mm: float, service: ServiceSettings, *, as_json: bool) -> None:
    """Press the probe at a point of the butt, in millimetres from its lower left corner, and print what the target senses.

    Raises CommandError when no simulated range runs on this database, or when it has no such target.
    """
    kind = EventKind(str(ask_range(service, Press(device, x_mm, y_mm))["kind"]))
    if as_json:
        say(json_object({"device": device, "x": x_mm, "y": y_mm, "kind": kind}))
    elif kind is EventKind.PIN:
        say(f"Pressed the probe of {device} at {x_mm:g} {y_mm:g} mm.")
    else:
        say(f"An arrow landed on {device} at {x_mm:g} {y_mm:g} mm: it has no probe.")


def ask_range(service: ServiceSettings, request: Request) -> Answer:
    """Send a request to the simulated range that runs on this database, and return the answer. Raises CommandError."""
    try:
        return ask((log_folder(service) / CONTROL).readlink(), request)
    except Refused as refused:
        raise CommandError(refused.message, hint=refused.hint) from refused
    except PermissionError as error:
        raise CommandError(
            "the simulated range on this database belongs to another user", hint="Run this command as that user."
        ) from error
    except (OSError, ValueError) as error:
        raise CommandError(
            "no simulated range runs on this database",
            hint="Start it with `archstats-sensor --simulate`, or name the folder of its database with --database-dir DIR.",
        ) from error
