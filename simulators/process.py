"""``python -m simulators``: the simulated devices of a range, in a process of their own.

It outlives the daemons that read the devices, prints one JSON line when every device can be opened, and ends on SIGTERM, on
SIGINT, or with the parent process named by ``ARCH_STATS_PARENT``.
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
from contextlib import AbstractAsyncContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from drivers.contract import DeviceKind
from simulators.control import bind_private, control_server, serve_request
from simulators.devices.chatter import Chatter
from simulators.devices.clock import AS_DRAWN, DEFAULT_DRIFT_PPM, ClockOptions, parse_clock
from simulators.devices.contract import DeviceSpec, FaultyDevice, SimulatedDevice
from simulators.devices.lane_device import LaneDevice
from simulators.devices.miscalibration import Miscalibration
from simulators.devices.registry import NoLine, UnknownSimulator, load_line_simulator, range_driver
from simulators.hosttime import HostTime
from simulators.wire.fault_plan import NO_FAULTS, FaultPlan, parse_plan
from simulators.wire.faults import FaultyLine
from simulators.wire.pty import PortHeld
from simulators.wire.station import Station
from simulators.world.instants import to_iso
from simulators.world.range import FIXED_START_US, World

EX_CONFIG = 78
"""Exit status for wrong arguments (sysexits.h)."""
DEFAULT_SEED = 1
_PR_SET_PDEATHSIG = 1
Report = Callable[[Mapping[str, object]], None]
"""Receiver of the process's events, each a JSON object with the key ``event``."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class UsageError(Exception):
    """Arguments that cannot be used; the text says how to correct them."""


class ProcessEvent(StrEnum):
    """The type of one reported event."""

    READY = "ready"
    """Every device can be opened: ``pid`` and ``devices`` (name -> port)."""
    REBOOT = "reboot"
    """A device reboots: ``device``, ``blind_from`` and ``blind_until``."""
    END = "end"
    """The process ends: ``faults`` counted by device, direction and fault."""


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """The devices to simulate, and the faults of their lines and clocks."""

    ports: Mapping[DeviceSpec, Path]
    """Each device, and the path of the symlink to its terminal."""
    drift_ppm: float = DEFAULT_DRIFT_PPM
    faults: FaultPlan = NO_FAULTS
    fault_seed: int | None = None
    """None: the world's seed."""
    clocks: Mapping[str, ClockOptions] = field(default_factory=dict)
    """Clock options by device name; a clock without options is drawn."""
    is_miscalibrated: bool = False
    """Whether the targets place what they sense as sensors that are mounted askew do."""
    control: Path | None = None
    """Path of the control socket; None for none."""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run until a signal stops the process; return the exit status."""
    words = _parser().parse_args(argv)
    try:
        world = _world(words.world or environ.get("ARCH_STATS_WORLD"))
        options = ProcessOptions(
            ports={spec: words.links / spec.name for spec in parse_devices(words.devices)},
            drift_ppm=words.drift_ppm,
            faults=_faults(words.fault),
            fault_seed=words.fault_seed,
            clocks=_clocks(words.clock),
            is_miscalibrated=words.miscalibrate,
            control=words.control,
        )
        if _parent_lives(environ.get("ARCH_STATS_PARENT")):
            asyncio.run(serve(world, options, _print_json))
    except UsageError as error:
        print(f"simulators: {error}", file=sys.stderr)
        return EX_CONFIG
    return 0


def parse_devices(text: str) -> list[DeviceSpec]:
    """Parse ``name:driver[:lane[:variant]],...``. Without a lane the number at the end of the name is the lane.

    Raises UsageError when a part is not a device, or two devices have the same name.
    """
    specs: list[DeviceSpec] = []
    for part in text.split(","):
        name, _, rest = part.strip().partition(":")
        driver, _, rest = rest.partition(":")
        lane, _, variant = rest.partition(":")
        lane = lane or name.rpartition("-")[2]
        if not (_NAME.fullmatch(name) and lane.isascii() and lane.isdigit() and 1 <= int(lane) <= 999):
            raise UsageError(
                f"{part!r} is not a device. Write name:driver, name:driver:lane or name:driver:lane:variant, like {_example()}."
            )
        specs.append(DeviceSpec(name, driver, int(lane), variant))
        check_variant(specs[-1])
    if len({spec.name for spec in specs}) < len(specs):
        raise UsageError(f"two devices have the same name in {text!r}. Give each device its own name.")
    return specs


def check_variant(spec: DeviceSpec) -> None:
    """Raise UsageError when no simulator with a line exists for the driver, or it does not know the variant."""
    try:
        known = load_line_simulator(spec.driver).variants
    except (UnknownSimulator, NoLine) as error:
        raise UsageError(f"{spec.name}: {error}") from error
    if spec.variant and spec.variant not in known:
        choice = f"Choose one of: {', '.join(known)}." if known else "Leave it out: this device has none."
        raise UsageError(f"{spec.name}: the simulated {spec.driver} has no variant {spec.variant!r}. {choice}")


async def serve(world: World, options: ProcessOptions, report: Report) -> None:
    """Simulate until SIGTERM or SIGINT, and report events: ready, each reboot, the faults at the end.

    Raises UsageError when a port cannot be created.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    chatter = options.faults.chatter
    known = [spec.name for spec in options.ports]
    if chatter is not None and chatter.device not in known:
        raise UsageError(f"fault chatter: there is no device {chatter.device!r}. Choose from {', '.join(known)}.")
    host = HostTime.anchor()
    with ExitStack() as open_ports:
        stations = [
            _station(spec, port, world, options, host, report, open_ports) for spec, port in options.ports.items()
        ]
        control = nullcontext() if options.control is None else _control(options.control, stations, world, host)
        async with control, asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(station.serve()) for station in stations]
            names = {spec.name: str(port) for spec, port in options.ports.items()}
            report({"event": ProcessEvent.READY, "pid": os.getpid(), "devices": names})
            await stop.wait()
            for task in running:
                task.cancel()
    if not options.faults.is_empty:
        report(
            {
                "event": ProcessEvent.END,
                "faults": {station.device.spec.name: station.counted() for station in stations},
            }
        )


def _station(
    spec: DeviceSpec,
    port: Path,
    world: World,
    options: ProcessOptions,
    host: HostTime,
    report: Report,
    open_ports: ExitStack,
) -> Station:
    simulator = load_line_simulator(spec.driver)
    clock = replace(options.clocks.get(spec.name, AS_DRAWN), drift_bound_ppm=options.drift_ppm)
    device = simulator.make(spec, world, host.now_us(), clock)
    fault_seed = world.seed if options.fault_seed is None else options.fault_seed
    faults, chatter = options.faults, options.faults.chatter
    if chatter is not None and chatter.device == spec.name:
        _make_chatter(device, chatter, host.now_us())
        faults = NO_FAULTS
    if options.is_miscalibrated and simulator.kind is DeviceKind.TARGET:
        _miscalibrate(device, world)
    if faults.of_device and isinstance(device, FaultyDevice):
        device.cause_faults(faults.of_device, fault_seed)
    line = FaultyLine(faults, fault_seed, spec.name, simulator.framing)
    try:
        station = Station(device, line, port, host, partial(_report_reboot, report, spec.name))
    except PortHeld as error:
        holder = f"process {error.pid}" if error.pid else "another process"
        raise UsageError(
            f"{port} is the port of a simulated device that runs ({holder}). Stop that one, or choose another name."
        ) from error
    except OSError as error:
        raise UsageError(
            f"cannot create {port} ({error.strerror}). Choose a folder that exists and is writable, and a free name in it."
        ) from error
    open_ports.callback(station.close)
    return station


def _control(
    path: Path, stations: Sequence[Station], world: World, host: HostTime
) -> AbstractAsyncContextManager[None]:
    """Serve the control socket while the block runs. Raises UsageError when it cannot be created."""
    try:
        listening = bind_private(path)
    except OSError as error:
        raise UsageError(
            f"cannot create {path} ({error.strerror}). Choose a folder that exists and is writable."
        ) from error
    return control_server(
        path, listening, partial(serve_request, {s.device.spec.name: s for s in stations}, world, host)
    )


def _miscalibrate(device: SimulatedDevice, world: World) -> None:
    name, lane = device.spec.name, device.spec.lane
    if not isinstance(device, LaneDevice):
        raise UsageError(f"{name} cannot be miscalibrated. Choose a device that feeds a node from the world.")
    device.miscalibrate(Miscalibration.draw(world, name, lane))


def _make_chatter(device: SimulatedDevice, chatter: Chatter, now_us: int) -> None:
    if not isinstance(device, LaneDevice):
        raise UsageError(f"{chatter.device} cannot chatter. Choose a device that feeds a node from the world.")
    try:
        device.chatter(chatter, now_us)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _report_reboot(report: Report, name: str, from_us: int, until_us: int) -> None:
    blind = {"blind_from": to_iso(from_us), "blind_until": to_iso(until_us)}
    report({"event": ProcessEvent.REBOOT, "device": name, **blind})


def _print_json(facts: Mapping[str, object]) -> None:
    print(json.dumps(facts), flush=True)


def _world(text: str | None) -> World:
    if text is None:
        return World(DEFAULT_SEED, FIXED_START_US)
    try:
        return World.from_json(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _faults(text: str) -> FaultPlan:
    try:
        return parse_plan(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _clocks(text: str) -> dict[str, ClockOptions]:
    try:
        pairs = [part.partition("=") for part in text.split(",") if part]
        return {name.strip(): parse_clock(clock.strip()) for name, _, clock in pairs}
    except ValueError as error:
        raise UsageError(f"--clock {text}: {error}") from error


def _parent_lives(parent: str | None) -> bool:
    """Request SIGTERM from the kernel for the parent's death; return False when the parent is dead already."""
    if not parent:
        return True
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return str(os.getppid()) == parent


def _example() -> str:
    return f"bow-1:{range_driver(DeviceKind.BOW)}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description="Simulated devices behind pseudo-terminals."
    )
    parser.add_argument(
        "--world", metavar="JSON", help="the world, in the format of ARCH_STATS_WORLD, which is the default"
    )
    parser.add_argument(
        "--links", metavar="DIR", type=Path, required=True, help="folder of the symlinks to the devices' terminals"
    )
    parser.add_argument(
        "--devices",
        metavar="NAME:DRIVER[:LANE[:VARIANT]],...",
        required=True,
        help=f"simulated devices, like {_example()}",
    )
    parser.add_argument(
        "--drift-ppm",
        metavar="PPM",
        type=float,
        default=DEFAULT_DRIFT_PPM,
        help=f"bound of the clocks' drift ({DEFAULT_DRIFT_PPM:g})",
    )
    parser.add_argument(
        "--clock",
        metavar="NAME=PPM,...",
        default="",
        help="drift of a device's clock, or mute: bow-1=-100,target-1=mute",
    )
    parser.add_argument(
        "--fault",
        metavar="NAME=CHANCE,...",
        default="",
        help="faults of every line and device: drop=0.05,late=0.01; chatter of a device: chatter=target-1:5000:40:10",
    )
    parser.add_argument(
        "--miscalibrate", action="store_true", help="targets are mounted askew: shifted, turned, out of scale, noisy"
    )
    parser.add_argument(
        "--control", metavar="PATH", type=Path, help="control socket, to press calibration probes and place tags"
    )
    parser.add_argument("--fault-seed", metavar="N", type=int, help="seed of the faults (the world's seed)")
    return parser
