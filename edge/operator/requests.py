"""Requests of commands by name, as clients of the HTTP API make them: only those that the driver of the device knows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from drivers.errors import DriverConfigError
from drivers.registry import load_driver
from edge.common.bounds import is_storable
from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.text import LONGEST_TEXT, clean, nearest
from edge.common.vocabulary import ErrorCode
from edge.operator.arrows.program import PROGRAM
from edge.operator.commands import DeviceCommand, Value, request_command
from edge.operator.device_settings import MOST_DIGITS
from edge.operator.devices import find_device

MOST_ARGUMENTS: Final = 40
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,39}")


async def request_known(
    connection: Connection, device_id: str, kind: str, arguments: Mapping[str, Value], who: str
) -> DeviceCommand:
    """Request a command that the driver of a device knows, and do not wait for it.

    Raises CommandError for another one, UsageError for arguments that no command takes. The driver checks their meaning: a
    command with a wrong one ends as failed.
    """
    known = sorted(await _commands_of(connection, device_id))
    if kind not in known:
        near = nearest(kind, known)
        meant = f"Did you mean {near}? " if near else ""
        raise UsageError(
            f"{device_id} has no command {clean(kind, 40)}",
            hint=f"{meant}It has: {', '.join(known) or 'none'}.",
            field="kind",
        )
    if kind == PROGRAM:
        raise CommandError(
            "a tag is programmed for an arrow, which is checked before",
            hint="Program it by the arrow: /arrow/{id}/program.",
        )
    if fault := _argument_fault(arguments):
        raise UsageError(fault, hint="Nothing was requested.", field="arguments")
    return await request_command(connection, device_id, kind, arguments, who)


async def _commands_of(connection: Connection, device_id: str) -> frozenset[str]:
    """The commands of a device's driver. Raises CommandError for a driver that is not installed here."""
    driver = (await find_device(connection, device_id)).driver
    try:
        return load_driver(driver).info.commands
    except DriverConfigError as fault:
        raise CommandError(
            f"the commands of {device_id} are not known: its driver {driver} is not installed here",
            hint="Install the package with the driver, and restart archstats-push.",
            code=ErrorCode.DEVICE_FAILED,
        ) from fault


def _argument_fault(arguments: Mapping[str, Value]) -> str | None:
    """The fault of arguments, as a sentence without its full stop; None for possible ones. Pure."""
    if len(arguments) > MOST_ARGUMENTS:
        return f"there are {len(arguments)} arguments, and a command takes at most {MOST_ARGUMENTS}"
    for name, value in arguments.items():
        if not _NAME.fullmatch(name):
            return f"'{clean(name, 40)}' is no name of an argument"
        if isinstance(value, str) and (len(value) > LONGEST_TEXT or not is_storable(value)):
            return f"{name} is a text of more than {LONGEST_TEXT} characters, or has one that cannot be stored"
        if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
            return f"{name} has more than {MOST_DIGITS} digits"
        if isinstance(value, float) and not math.isfinite(value):
            return f"{name} is no finite number"
    return None
