"""``archstats-sensor emulate DRIVER``: a simulated device behind a pseudo-terminal that any software can open."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from edge.common.config.errors import ConfigError, UsageError
from edge.common.console import as_json, local, say
from edge.simulation.fault_options import WireFaults
from simulators import process
from simulators.devices.contract import DeviceSpec
from simulators.devices.registry import NoLine, UnknownSimulator, load_line_simulator
from simulators.process import DEFAULT_SEED, ProcessEvent, ProcessOptions, serve
from simulators.world.range import FIXED_START_US, World


def emulate(
    driver: str,
    *,
    link: Path | None,
    lane: int,
    variant: str,
    seed: int | None,
    speed: float | None,
    faults: WireFaults,
    json: bool,
    environ: Mapping[str, str],
) -> None:
    """Serve the terminal until a signal stops the command.

    The world is that of ``ARCH_STATS_WORLD`` unless a seed or a speed is given, else the fixed one, so that a bow and a
    target of one lane agree on every arrow. Raises UsageError when no such simulator or variant exists or it has no line,
    ConfigError when the terminal cannot be created.
    """
    try:
        simulator = load_line_simulator(driver)
    except (UnknownSimulator, NoLine) as error:
        message, _, hint = str(error).partition(". ")
        raise UsageError(message, hint=hint) from error
    device = DeviceSpec(f"{simulator.kind}-{lane}", driver, lane, variant)
    try:
        process.check_variant(device)
    except process.UsageError as error:
        message, _, hint = str(error).partition(". ")
        raise UsageError(message, hint=hint) from error
    world = _world(seed, speed, environ)
    with _port(link, device.name) as port:
        options = ProcessOptions({device: port}, faults=faults.plan, fault_seed=faults.seed)
        settings = simulator.settings_of(variant)
        shown = partial(_print_json, settings) if json else partial(_print_text, device, world, settings)
        try:
            asyncio.run(serve(world, options, shown))
        except process.UsageError as error:
            message, _, hint = str(error).partition(". ")
            raise ConfigError(message, hint=hint) from error


def _world(seed: int | None, speed: float | None, environ: Mapping[str, str]) -> World:
    given = environ.get("ARCH_STATS_WORLD")
    if given and seed is None and speed is None:
        try:
            return World.from_json(given)
        except ValueError as error:
            raise ConfigError(f"ARCH_STATS_WORLD: {error}", hint="Unset it, or give --seed and --speed.") from error
    return World(DEFAULT_SEED if seed is None else seed, FIXED_START_US, speed or 1.0)


@contextmanager
def _port(link: Path | None, name: str) -> Iterator[Path]:
    """Yield the path of the terminal: the given one, else one in a new folder that is removed afterwards."""
    if link is not None:
        yield link.absolute()
        return
    scratch = Path(tempfile.mkdtemp(prefix="archstats-"))
    try:
        yield scratch / name
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _print_json(settings: Mapping[str, str], event: Mapping[str, object]) -> None:
    is_ready = event["event"] == ProcessEvent.READY
    say(as_json({**event, "settings": settings} if is_ready and settings else event))


def _local(instant: object) -> str:
    return local(datetime.fromisoformat(str(instant)), "%H:%M:%S.%f")


def _print_text(device: DeviceSpec, world: World, settings: Mapping[str, str], event: Mapping[str, object]) -> None:
    match event:
        case {"event": ProcessEvent.READY, "devices": {**ports}}:
            place = ports[device.name]
            say(f"{device.driver} of lane {device.lane} (seed {world.seed}, speed {world.speed:g}) is at {place}")
            if settings:
                own = {"ARCH_STATS_DRIVER": device.driver, "ARCH_STATS_PORT": str(place), **settings}
                say(f"Settings of its daemon: {' '.join(f'{name}={shlex.quote(text)}' for name, text in own.items())}")
            say("Press Ctrl-C to remove it.")
        case {"event": ProcessEvent.REBOOT, "blind_from": since, "blind_until": until}:
            say(f"The device rebooted and sensed nothing from {_local(since)} to {_local(until)}.")
        case {"event": ProcessEvent.END, "faults": {**counted}}:
            say(f"Faults: {counted[device.name]}")
