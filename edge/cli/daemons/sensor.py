"""``archstats-sensor run DEVICE``: the daemon of one device, as systemd starts it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.contract import ClockModel, Driver
from edge.cli.environment import effective
from edge.common.config.errors import ConfigError, UsageError
from edge.common.config.settings import DeviceSettings, ServiceSettings
from edge.common.process.child import in_child

if TYPE_CHECKING:
    from edge.cli.daemons.device_plan import DevicePlan
    from edge.sensor.lights import LightPins


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Arguments of ``run``."""

    device_id: str
    simulate: bool = False
    """Start the device's simulator: on the other side of a pty, or at the pins of this process."""
    database_dir: Path | None = None
    fault: str | None = None
    fault_seed: int | None = None
    variant: str | None = None
    """Variant of the simulated device; None for the usual one."""


def run_from_words(words: Sequence[str]) -> int:
    """Parse ``DEVICE [--simulate [--variant NAME] [--fault TEXT] [--fault-seed N]] [--database-dir DIR]`` and serve until stopped."""
    if len(words) == 1 and not words[0].startswith("-"):  # as systemd starts it
        return run_device(RunOptions(words[0]))
    import argparse

    parser = argparse.ArgumentParser(prog="archstats-sensor run")
    parser.add_argument("device_id", metavar="device")
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--database-dir", type=Path)
    parser.add_argument("--fault")
    parser.add_argument("--fault-seed", type=int)
    parser.add_argument("--variant")
    options = parser.parse_args(list(words))
    return run_device(RunOptions(**vars(options)))


def run_device(options: RunOptions) -> int:
    """Serve one device. Returns the exit status.

    Raises ConfigError when the settings are wrong, UsageError when the options are.
    """
    environ = effective(os.environ, database_dir=options.database_dir)
    device_id = options.device_id
    if options.simulate:
        from edge.simulation.device import simulated_device
        from edge.simulation.fault_options import wire_faults

        faults = wire_faults(options.fault, options.fault_seed)
        with simulated_device(device_id, environ, faults, options.variant or "") as simulated:
            return _serve(device_id, simulated.environ, simulated.pins)
    if options.fault is not None or options.fault_seed is not None:
        raise UsageError(f"{device_id}: --fault needs a simulated device", hint="Add --simulate, or leave out --fault.")
    if options.variant is not None:
        raise UsageError(
            f"{device_id}: --variant needs a simulated device", hint="Add --simulate, or leave out --variant."
        )
    return _serve(device_id, environ, nullcontext())


def spool_folder(settings: DeviceSettings, environ: Mapping[str, str]) -> Path:
    """Folder of the device's spool. Raises ConfigError when none is set and there is no home folder."""
    if settings.spool_dir is not None:
        return settings.spool_dir.absolute()
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given.startswith("/"):
        return Path(given)
    state = environ.get("XDG_STATE_HOME", "")
    if state.startswith("/"):
        return Path(state) / "archstats" / "spool"
    try:
        return Path.home() / ".local" / "state" / "archstats" / "spool"
    except RuntimeError as fault:
        raise ConfigError(
            "there is no home folder to spool readings in while the database is away",
            hint="Set ARCH_STATS_SPOOL_DIR.",
        ) from fault


def _serve(device_id: str, environ: Mapping[str, str], pins: AbstractContextManager[object]) -> int:
    checked = in_child(lambda: _check(device_id, environ))
    # Imported while the child validates the settings.
    from edge.common.postgres.database import open_database
    from edge.common.postgres.roles import Role
    from edge.common.process.run import run_service
    from edge.common.process.supervision import Supervision
    from edge.common.process.systemd import Notifier
    from edge.sensor.daemon import run_sensor
    from edge.sensor.queue.spool import Spool

    plan, service = checked()

    async def serve(stop: asyncio.Event) -> None:
        async with open_database(service, application=f"archstats-sensor {device_id}", role=Role.SENSOR) as database:
            supervision = Supervision(Notifier.of(os.environ, os.getpid()))
            spool = Spool(spool_folder(plan.settings, environ), device_id, plan.settings.spool_max_mb << 20)
            build = partial(_build, plan)
            await run_sensor(database, plan.device, build, spool, stop, supervision, _lights(plan.settings))

    with pins:  # after the fork: its thread would not be in the child
        return run_service(serve, name=f"archstats-sensor {device_id}", dev_mode=service.dev_mode, is_small=True)


def _lights(settings: DeviceSettings) -> LightPins | None:
    if settings.light_green is None and settings.light_red is None:
        return None
    from edge.sensor.lights import LightPins

    return LightPins(settings.light_green, settings.light_red, settings.gpio_chip)


def _check(device_id: str, environ: Mapping[str, str]) -> tuple[DevicePlan, ServiceSettings]:
    """Validate all settings. Raises ConfigError."""
    from edge.cli.daemons.device_config import plan_device
    from edge.common.config.load import load_service

    return plan_device(device_id, environ), load_service(environ)


def _build(plan: DevicePlan, clocks: Sequence[ClockModel]) -> Driver:
    return plan.driver(plan.device.id, plan.settings.driver_settings, clocks=clocks)
