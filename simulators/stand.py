"""Simulated devices for tests that run a driver on its simulated device: in a process of their own, or in the test's own loop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from simulators.devices.clock import AS_DRAWN
from simulators.devices.contract import DeviceSpec, FaultyDevice, SimulatedDevice
from simulators.devices.registry import load_line_simulator
from simulators.hosttime import HostTime
from simulators.wire.fault_plan import NO_FAULTS, FaultPlan
from simulators.wire.faults import FaultyLine
from simulators.wire.station import Station
from simulators.world.range import World

_SPEED: Final = 20.0
_STOP_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Stand:
    """Simulated devices, each behind its own port."""

    process: subprocess.Popen[str]
    folder: Path

    @classmethod
    def start(cls, folder: Path, devices: Mapping[str, str]) -> Stand:
        """Start ``devices`` (id -> driver) with ports in ``folder``, and wait until every port can be opened.

        An id ends with the device's lane. The shooting started a second ago and runs at twenty times the real speed.
        Raises RuntimeError when the process ends instead.
        """
        start = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        world = json.dumps({"seed": 3, "start": start, "speed": _SPEED, "release_limit": None})
        names = ",".join(f"{device_id}:{driver}" for device_id, driver in devices.items())
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators", "--world", world, "--links", str(folder), "--devices", names],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "ARCH_STATS_PARENT": str(os.getpid())},
        )
        ready = "" if process.stdout is None else process.stdout.readline()
        if not ready:
            raise RuntimeError(f"the simulators did not start (exit status {process.wait(_STOP_S)})")
        return cls(process, folder)

    def port(self, device_id: str) -> str:
        """The port of a device."""
        return str(self.folder / device_id)

    def freeze(self) -> None:
        """Make every device silent, while its line stays open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let frozen devices continue."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the devices and remove their ports."""
        self.thaw()
        self.process.terminate()
        self.process.communicate(timeout=_STOP_S)


@asynccontextmanager
async def served(
    spec: DeviceSpec, port: Path, *, faults: FaultPlan = NO_FAULTS, seed: int = 3, speed: float = _SPEED
) -> AsyncIterator[SimulatedDevice]:
    """Serve one simulated device at ``port`` in this loop while the block runs, and yield it, so that a test sees into it.

    The shooting started a second ago.
    """
    async with served_station(spec, port, faults=faults, seed=seed, speed=speed) as station:
        yield station.device


@asynccontextmanager
async def served_station(
    spec: DeviceSpec, port: Path, *, faults: FaultPlan = NO_FAULTS, seed: int = 3, speed: float = _SPEED
) -> AsyncIterator[Station]:
    """Do the same, and yield the device with its line, so that a test can unplug it."""
    host = HostTime.anchor()
    world = World(seed, host.utc_us - 1_000_000, speed)
    simulator = load_line_simulator(spec.driver)
    device = simulator.make(spec, world, host.now_us(), AS_DRAWN)
    if isinstance(device, FaultyDevice):
        device.cause_faults(faults.of_device, seed)
    line = FaultyLine(faults, seed, spec.name, simulator.framing)
    station = Station(device, line, port, host, lambda _since, _until: None)
    serving = asyncio.create_task(station.serve())
    try:
        yield station
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        station.close()
