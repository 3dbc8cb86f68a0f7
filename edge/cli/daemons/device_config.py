"""Check the settings of a device: everything that ``run`` needs, or every fault in them."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from drivers.errors import DriverConfigError
from drivers.registry import DriverClass, load_driver
from edge.cli.daemons.device_plan import DevicePlan
from edge.cli.environment import refuse_mistyped
from edge.common.config.errors import ConfigError
from edge.common.config.load import load_device
from edge.common.config.settings import DEVICE_NAME, DeviceSettings, NoSettings, refuse_unknown, variables_of
from edge.sensor.store import Device

_Found = TypeVar("_Found")


def plan_device(device_id: str, environ: Mapping[str, str]) -> DevicePlan:
    """Check a device's name and settings, each by itself. Raises ConfigError with every fault in its ``parts``.

    The driver's own settings are checked when its name is valid.
    """
    faults: list[ConfigError] = []

    def attempt(check: Callable[[], _Found]) -> _Found | None:
        try:
            return check()
        except ConfigError as fault:
            faults.append(fault)
            return None

    attempt(lambda: _check_name(device_id))
    attempt(lambda: _check_variables(environ))
    driver = attempt(lambda: _driver(device_id, environ))
    known = {**environ, "ARCH_STATS_DRIVER": environ.get("ARCH_STATS_DRIVER") or "none"}  # already reported
    settings = attempt(lambda: load_device(known, driver.info.settings if driver else NoSettings))
    attempt(lambda: _check_lights(device_id, settings))
    attempt(lambda: _check_port(device_id, environ.get("ARCH_STATS_PORT", "")))
    if driver is None or settings is None or faults:
        raise ConfigError.merge(faults)
    info = driver.info
    device = Device(
        device_id,
        info.kind,
        settings.driver,
        settings.lane,
        info.heartbeat_s,
        settings.port,
        info.origin,
        info.dead_time_s,
    )
    return DevicePlan(device, driver, settings)


def _check_name(device_id: str) -> None:
    if not DEVICE_NAME.fullmatch(device_id):
        raise ConfigError(
            f"'{device_id}' cannot be the name of a device",
            hint="Use lower-case letters, digits and dashes, at most 40, for example bow-1.",
        )


def _check_variables(environ: Mapping[str, str]) -> None:
    try:
        own = load_driver(environ.get("ARCH_STATS_DRIVER", "")).info.settings
    except DriverConfigError:
        refuse_mistyped(environ)
    else:
        refuse_unknown(environ, variables_of(own).values())


def _driver(device_id: str, environ: Mapping[str, str]) -> DriverClass:
    name = environ.get("ARCH_STATS_DRIVER", "")
    if not name:
        raise ConfigError(
            f"{device_id}: no driver is set",
            hint=f"Set ARCH_STATS_DRIVER, for example to bow.link; on a hub in /etc/archstats/{device_id}.env.",
        )
    try:
        return load_driver(name)
    except DriverConfigError as fault:
        raise ConfigError(f"{device_id}: {fault.message}", hint=fault.hint) from fault


def _check_lights(device_id: str, settings: DeviceSettings | None) -> None:
    """Refuse a light on a pin that the other light or the driver needs: it would cost the driver its readings."""
    if settings is None:
        return
    used: dict[object, str] = {}
    own = settings.driver_settings
    fields = variables_of(type(own))
    pins = {variable: getattr(own, name) for name, variable in fields.items() if name.endswith("_pin")}
    pins |= {"ARCH_STATS_LIGHT_GREEN": settings.light_green, "ARCH_STATS_LIGHT_RED": settings.light_red}
    for variable, number in pins.items():
        if number is None:
            continue
        if number in used and "LIGHT" in variable:
            raise ConfigError(
                f"{device_id}: {variable} and {used[number]} are both GPIO{number}", hint="Give each a pin of its own."
            )
        used[number] = variable


def _check_port(device_id: str, port: str) -> None:
    """Refuse a value that can never be a port; whether a port exists and can be opened shows later."""
    remedy = "Set it to a path such as /dev/serial/by-id/..., or to socket://HOST:PORT for a serial server."
    scheme, is_url, _ = port.partition("://")
    if not is_url:
        if _is_something_else(port):
            raise ConfigError(f"{device_id}: ARCH_STATS_PORT is '{port}', which is not a serial port", hint=remedy)
    elif scheme != "socket":
        raise ConfigError(
            f"{device_id}: ARCH_STATS_PORT is '{port}', and '{scheme}' is not a kind of port", hint=remedy
        )
    elif not _names_a_server(port):
        raise ConfigError(f"{device_id}: ARCH_STATS_PORT is '{port}', which lacks a host or a port", hint=remedy)


def _is_something_else(path: str) -> bool:
    try:
        return path != "" and not stat.S_ISCHR(Path(path).stat().st_mode)
    except OSError:  # it does not exist, or may not be read
        return False


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port is not None
    except ValueError:  # the port is not a number, or too large
        return False
