"""``python -m simulators``: the simulated devices of a range, in a process of their own.

It outlives the daemons that read the devices, prints one JSON line when every device can be opened, and ends on SIGTERM,
SIGINT, or with the parent named by ``ARCH_STATS_PARENT``.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from simulators.devices.clock import AS_DRAWN, ClockOrder, parse_clock
from simulators.devices.lane_device import DRIVERS, DeviceSpec, LaneDevice
from simulators.hosttime import HostTime
from simulators.wire.fault_plan import NO_FAULTS, FaultPlan, parse_plan
from simulators.wire.faults import FaultyLine
from simulators.wire.station import Station
from simulators.world.instants import to_iso
from simulators.world.range import FIXED_START_US, World

EX_CONFIG = 78
"""Exit status when what the process was told is at fault (sysexits.h)."""
DEFAULT_SEED = 1
DEFAULT_DRIFT_PPM = 40.0
_PR_SET_PDEATHSIG = 1
Tell = Callable[[Mapping[str, object]], None]
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class UsageError(Exception):
    """What the process was told cannot be done; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the process was told to simulate."""

    ports: Mapping[DeviceSpec, Path]
    """Each device and the name under which its terminal is found."""
    drift_ppm: float = DEFAULT_DRIFT_PPM
    faults: FaultPlan = NO_FAULTS
    fault_seed: int | None = None
    """None: the world's seed."""
    clocks: Mapping[str, ClockOrder] = field(default_factory=dict)
    """By the device's name, where a clock shall not be as drawn."""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run until told to stop; return the exit status."""
    options = _parser().parse_args(argv)
    try:
        world = _world(options.world or environ.get("ARCH_STATS_WORLD"))
        order = Order(
            ports={spec: options.links / spec.name for spec in parse_devices(options.devices)},
            drift_ppm=options.drift_ppm,
            faults=_faults(options.fault),
            fault_seed=options.fault_seed,
            clocks=_clocks(options.clock),
        )
        if _parent_lives(environ.get("ARCH_STATS_PARENT")):
            asyncio.run(serve(world, order, _say))
    except UsageError as fault:
        print(f"simulators: {fault}", file=sys.stderr)
        return EX_CONFIG
    return 0


def parse_devices(text: str) -> list[DeviceSpec]:
    """Read ``bow-1:bow.link,target-1:target.link``; a third part is the lane, which else is the number in the name.

    Raises BadOrder when a part is no device, or two have one name.
    """
    specs: list[DeviceSpec] = []
    for part in text.split(","):
        name, _, rest = part.strip().partition(":")
        driver, _, lane = rest.partition(":")
        lane = lane or name.rpartition("-")[2]
        if not (_NAME.fullmatch(name) and lane.isascii() and lane.isdigit() and 1 <= int(lane) <= 999):
            raise UsageError(f"{part!r} is no device. Write name:driver or name:driver:lane, like bow-1:bow.link")
        if driver not in DRIVERS:
            raise UsageError(f"no simulator speaks for driver {driver!r} of {name}. There are: {', '.join(DRIVERS)}")
        specs.append(DeviceSpec(name, driver, int(lane)))
    if len({spec.name for spec in specs}) < len(specs):
        raise UsageError(f"two devices have one name in {text!r}. Give each its own")
    return specs


async def serve(world: World, order: Order, tell: Tell) -> None:
    """Simulate until SIGTERM or SIGINT; ``tell`` hears when all can be opened, of each reboot, and what faults there were.

    Raises BadOrder when a port cannot be made.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    host = HostTime.anchor()
    with ExitStack() as open_ports:
        stations = [_station(spec, port, world, order, host, tell, open_ports) for spec, port in order.ports.items()]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(station.serve()) for station in stations]
            names = {spec.name: str(port) for spec, port in order.ports.items()}
            tell({"event": "ready", "pid": os.getpid(), "devices": names})
            await stop.wait()
            for task in running:
                task.cancel()
    if not order.faults.is_empty:
        tell({"event": "end", "faults": {station.device.spec.name: station.line.counted() for station in stations}})


def _station(
    spec: DeviceSpec, port: Path, world: World, order: Order, host: HostTime, tell: Tell, open_ports: ExitStack
) -> Station:
    device = LaneDevice(
        spec, world, host.now_us(), drift_ppm=order.drift_ppm, wanted=order.clocks.get(spec.name, AS_DRAWN)
    )
    line = FaultyLine(order.faults, world.seed if order.fault_seed is None else order.fault_seed, spec.name)
    try:
        station = Station(device, line, port, host, partial(_tell_of_reboot, tell, spec.name))
    except OSError as fault:
        raise UsageError(
            f"cannot make {port} ({fault.strerror}). Name a folder that exists and can be written, and a free name in it"
        ) from fault
    open_ports.callback(station.close)
    return station


def _tell_of_reboot(tell: Tell, name: str, from_us: int, until_us: int) -> None:
    tell({"event": "reboot", "device": name, "blind_from": to_iso(from_us), "blind_until": to_iso(until_us)})


def _say(facts: Mapping[str, object]) -> None:
    print(json.dumps(facts), flush=True)


def _world(text: str | None) -> World:
    if text is None:
        return World(DEFAULT_SEED, FIXED_START_US)
    try:
        return World.from_json(text)
    except ValueError as fault:
        raise UsageError(str(fault)) from fault


def _faults(text: str) -> FaultPlan:
    try:
        return parse_plan(text)
    except ValueError as fault:
        raise UsageError(str(fault)) from fault


def _clocks(text: str) -> dict[str, ClockOrder]:
    try:
        pairs = [part.partition("=") for part in text.split(",") if part]
        return {name.strip(): parse_clock(clock.strip()) for name, _, clock in pairs}
    except ValueError as fault:
        raise UsageError(f"--clock {text}: {fault}") from fault


def _parent_lives(parent: str | None) -> bool:
    """Ask the kernel for SIGTERM when the parent dies; False when it is dead already."""
    if not parent:
        return True
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return str(os.getppid()) == parent


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description="Simulated devices behind pseudo-terminals."
    )
    parser.add_argument("--world", metavar="JSON", help="the world, as ARCH_STATS_WORLD has it, which is the default")
    parser.add_argument("--links", metavar="DIR", type=Path, required=True, help="folder of the devices' names")
    parser.add_argument(
        "--devices", metavar="NAME:DRIVER[:LANE],...", required=True, help="bow-1:bow.link,target-1:target.link"
    )
    parser.add_argument(
        "--drift-ppm", metavar="PPM", type=float, default=DEFAULT_DRIFT_PPM, help="bound of the clocks' drift (40)"
    )
    parser.add_argument(
        "--clock", metavar="NAME=PPM,...", default="", help="a device's drift, or mute: bow-1=-100,target-1=mute"
    )
    parser.add_argument(
        "--fault", metavar="NAME=CHANCE,...", default="", help="faults of every line: drop=0.05,reboot=0.01"
    )
    parser.add_argument("--fault-seed", metavar="N", type=int, help="seed of the faults (the world's)")
    return parser
