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
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from simulators.devices.lane_device import DRIVERS, DeviceSpec, LaneDevice
from simulators.hosttime import HostTime
from simulators.serve import serve
from simulators.wire import PtyWire
from simulators.world import FIXED_START_US, World

EX_CONFIG = 78
"""Exit status when what the process was told is at fault (sysexits.h)."""
DEFAULT_SEED = 1
_PR_SET_PDEATHSIG = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class BadOrder(Exception):
    """What the process was told cannot be done; the text says what to write instead."""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run until told to stop; return the exit status."""
    options = _parser().parse_args(argv)
    try:
        world = _world(options.world or environ.get("ARCH_STATS_WORLD"))
        specs = parse_devices(options.devices)
        _tie_to_parent(environ.get("ARCH_STATS_PARENT"))
        asyncio.run(_run(world, specs, options.links, options.drift_ppm))
    except BadOrder as fault:
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
            raise BadOrder(f"{part!r} is no device. Write name:driver or name:driver:lane, like bow-1:bow.link")
        if driver not in DRIVERS:
            raise BadOrder(f"no simulator speaks for driver {driver!r} of {name}. There are: {', '.join(DRIVERS)}")
        specs.append(DeviceSpec(name, driver, int(lane)))
    if len({spec.name for spec in specs}) < len(specs):
        raise BadOrder(f"two devices have one name in {text!r}. Give each its own")
    return specs


async def _run(world: World, specs: Sequence[DeviceSpec], links: Path, drift_ppm: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    host = HostTime.anchor()
    with ExitStack() as wires:
        stations = [
            (_open(links / spec.name, wires), LaneDevice(spec, world, host.now_us(), drift_ppm=drift_ppm))
            for spec in specs
        ]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(serve(device, wire, host)) for wire, device in stations]
            ready = {"event": "ready", "pid": os.getpid(), "devices": {s.name: str(links / s.name) for s in specs}}
            print(json.dumps(ready), flush=True)
            await stop.wait()
            for task in running:
                task.cancel()


def _open(link: Path, wires: ExitStack) -> PtyWire:
    try:
        wire = PtyWire(link)
    except OSError as fault:
        raise BadOrder(
            f"cannot make {link} ({fault.strerror}). Name a folder that exists and can be written"
        ) from fault
    wires.callback(wire.close)
    return wire


def _world(text: str | None) -> World:
    if text is None:
        return World(DEFAULT_SEED, FIXED_START_US)
    try:
        return World.from_json(text)
    except ValueError as fault:
        raise BadOrder(str(fault)) from fault


def _tie_to_parent(parent: str | None) -> None:
    """Ask the kernel for SIGTERM when the parent dies; end now when it died already."""
    if parent is None:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise BadOrder(f"the kernel refuses to watch the parent ({os.strerror(ctypes.get_errno())})")
    if str(os.getppid()) != parent:
        raise BadOrder(f"the parent {parent} of ARCH_STATS_PARENT is gone")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description="Simulated devices behind pseudo-terminals."
    )
    parser.add_argument("--world", metavar="JSON", help="the world, as ARCH_STATS_WORLD has it, which is the default")
    parser.add_argument("--links", metavar="DIR", type=Path, required=True, help="folder of the devices' names")
    parser.add_argument(
        "--devices", metavar="NAME:DRIVER[:LANE],...", required=True, help="bow-1:bow.link,target-1:target.link"
    )
    parser.add_argument("--drift-ppm", metavar="PPM", type=float, default=40.0, help="bound of the clocks' drift (40)")
    return parser
