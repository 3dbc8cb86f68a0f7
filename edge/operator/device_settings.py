"""Settings inside a device, such as a sensor's threshold: read them, and change some of them, through its commands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.errors import DriverConfigError
from drivers.registry import load_driver
from edge.common.bounds import storable_text
from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.text import LONGEST_TEXT, clean, nearest
from edge.operator.commands import Follow, Value, run_command
from edge.operator.devices import find_device

READ = "read_config"
WRITE = "configure"
MOST_DIGITS = 18
"""Digits of a whole number that a command carries."""
LONGEST_SHOWN = 40
"""Characters of a wrong value or name that an error repeats."""
_TRUE = frozenset(("true", "on", "yes", "1"))
_FALSE = frozenset(("false", "off", "no", "0"))


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """The settings of a device before and after a change, as the device read them back."""

    command_id: int
    before: Mapping[str, Value]
    after: Mapping[str, Value]


async def read_settings(
    connection: Connection, device_id: str, who: str, follow: Follow = lambda _: None
) -> Mapping[str, Value]:
    """All settings that are active in the device. Raises CommandError when it has none, or they cannot be read."""
    await _refuse_without_settings(connection, device_id)
    return (await run_command(connection, device_id, READ, {}, who, follow)).result or {}


async def change_settings(
    connection: Connection,
    device_id: str,
    changes: Mapping[str, str | Value],
    who: str,
    follow: Follow = lambda _: None,
) -> SettingsChange:
    """Change some settings of a device; the others stay. Texts are read as the type of the setting's present value.

    Raises CommandError, before anything is changed, for a setting that the device does not have and a value that it cannot
    have; and when the device refuses.
    """
    before = await read_settings(connection, device_id, who, follow)
    wanted = {name: typed_value(device_id, name, value, before) for name, value in changes.items()}
    command = await run_command(connection, device_id, WRITE, wanted, who, follow)
    return SettingsChange(command.id, before, command.result or {})


async def _refuse_without_settings(connection: Connection, device_id: str) -> None:
    """Raise CommandError, before a command is stored, for a device whose driver reads no settings from it.

    A driver that is not installed here, as on the centre of many hubs, is known to the daemon alone, which answers then.
    """
    driver = (await find_device(connection, device_id)).driver
    try:
        commands = load_driver(driver).info.commands
    except DriverConfigError:
        return
    if READ not in commands:
        raise CommandError(
            f"{device_id} has no settings inside it: all settings of a {driver} are those of its service",
            hint=f"On its hub, change /etc/archstats/{device_id}.env and run "
            f"`sudo systemctl restart archstats-sensor@{device_id}`.",
        )


def parse_changes(words: list[str]) -> dict[str, str]:
    """The changes of ``NAME=VALUE`` words. Raises UsageError for another word, and for a setting that is given twice. Pure."""
    changes: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip()
        if not equals or not name or not value.strip():
            raise UsageError(
                f"'{clean(word, LONGEST_SHOWN)}' is no setting", hint="Write NAME=VALUE, such as threshold=300."
            )
        if name in changes:
            raise UsageError(f"{clean(name, LONGEST_SHOWN)} is given twice", hint="Give each setting once.")
        changes[name] = value.strip()
    return changes


def typed_value(device_id: str, name: str, value: str | Value, present: Mapping[str, Value]) -> Value:
    """The value of a setting, of the type that the device reads back. Raises CommandError when it has no such setting. Pure."""
    if name not in present:
        near = next((one for one in present if one.casefold() == name.casefold()), None) or nearest(name, present)
        meant = f"Did you mean {near}? " if near else ""
        raise CommandError(
            f"{device_id} has no setting {clean(name, LONGEST_SHOWN)}, so nothing was changed",
            hint=f"{meant}It has: {', '.join(present) or 'none'}.",
        )
    known = present[name]
    if not isinstance(value, str):
        return value
    try:
        if isinstance(known, bool):
            return _boolean(value)
        if isinstance(known, int):
            return _whole(value)
        return _finite(value) if isinstance(known, float) else _text(value)
    except ValueError:
        raise CommandError(
            f"{name} of {device_id} must be {_kind(known)}, not '{clean(value, LONGEST_SHOWN)}', so nothing was changed",
            hint=f"Its present value is {known}.",
        ) from None


def _kind(known: Value) -> str:
    """The values that a setting takes, in words."""
    if isinstance(known, bool):
        return "true or false"
    if isinstance(known, int):
        return f"a whole number of at most {MOST_DIGITS} digits"
    return "a number" if isinstance(known, float) else f"a text of at most {LONGEST_TEXT} characters"


def _whole(text: str) -> int:
    number = int(text)
    if abs(number) >= 10**MOST_DIGITS:
        raise ValueError(text)
    return number


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(text)
    return storable_text(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError(text)
    return text.lower() in _TRUE
