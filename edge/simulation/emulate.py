"""``archstats-sensor emulate DRIVER``: a simulated device behind a pseudo-terminal that any software can open."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge.common.config.errors import ConfigError
from edge.common.config.refused import UsageError
from edge.common.console import as_json, say
from edge.simulation.fault_options import WireFaults
from simulators.devices.lane_device import DRIVERS, DeviceSpec
from simulators.process import DEFAULT_SEED, Order, serve
from simulators.process import UsageError as OrderError
from simulators.world.range import FIXED_START_US, World


def emulate(
    driver: str,
    *,
    link: Path | None,
    lane: int,
    seed: int | None,
    speed: float | None,
    faults: WireFaults,
    json: bool,
    environ: Mapping[str, str],
) -> None:
    """Hold the terminal until told to stop.

    The world is that of ``ARCH_STATS_WORLD`` unless a seed or a speed is given, else the fixed one: so a bow and a target
    of one lane agree on every arrow. Raises Mistyped when there is no such simulator, ConfigError
    when no terminal can be made there.
    """
    if driver not in DRIVERS:
        raise UsageError(f"no simulator speaks for driver '{driver}'", hint=f"There are: {', '.join(DRIVERS)}")
    device = DeviceSpec(f"{driver.partition('.')[0]}-{lane}", driver, lane)
    world = _world(seed, speed, environ)
    with _port(link, device.name) as port:
        order = Order({device: port}, faults=faults.plan, fault_seed=faults.seed)
        try:
            asyncio.run(serve(world, order, _tell_json if json else _Teller(device, world).tell))
        except OrderError as fault:
            what, _, remedy = str(fault).partition(". ")
            raise ConfigError(what, hint=remedy) from fault


def _world(seed: int | None, speed: float | None, environ: Mapping[str, str]) -> World:
    told = environ.get("ARCH_STATS_WORLD")
    if told and seed is None and speed is None:
        try:
            return World.from_json(told)
        except ValueError as fault:
            raise ConfigError(f"ARCH_STATS_WORLD: {fault}", hint="Unset it, or give --seed and --speed") from fault
    return World(DEFAULT_SEED if seed is None else seed, FIXED_START_US, speed or 1.0)


@contextmanager
def _port(link: Path | None, name: str) -> Iterator[Path]:
    """Where the terminal is found: where it was asked for, else in a new folder that goes with it."""
    if link is not None:
        yield link.absolute()
        return
    scratch = Path(tempfile.mkdtemp(prefix="archstats-"))
    try:
        yield scratch / name
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tell_json(facts: Mapping[str, object]) -> None:
    say(as_json(facts))


class _Teller:
    """The same for people."""

    def __init__(self, device: DeviceSpec, world: World) -> None:
        self._device = device
        self._world = world

    def tell(self, facts: Mapping[str, object]) -> None:
        device, world = self._device, self._world
        match facts:
            case {"event": "ready", "devices": {**ports}}:
                say(
                    f"{device.driver} of lane {device.lane} (seed {world.seed}, speed {world.speed:g}) is at {ports[device.name]}"
                )
                say("Ctrl-C takes it away.")
            case {"event": "reboot", "blind_from": since, "blind_until": until}:
                say(f"It rebooted and was blind from {since} to {until}.")
            case {"event": "end", "faults": {**counted}}:
                say(f"Faults: {counted[device.name]}")
