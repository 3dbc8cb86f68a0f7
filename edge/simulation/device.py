"""``run DEVICE --simulate``: runs the device's simulator for as long as the command runs.

A simulated device with a line runs behind a pseudo-terminal, in a process of its own; one at pins in a thread of the daemon.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from drivers.contract import DeviceKind
from edge.common.config.errors import ConfigError, UsageError
from edge.simulation.fault_options import WireFaults
from edge.simulation.variants import refuse_unknown_variant
from simulators.devices.contract import DeviceSpec, PinSimulator
from simulators.devices.registry import UnknownSimulator, load_simulator, range_driver, simulator_names
from simulators.world.range import FIXED_START_US, World

READY_WITHIN_S = 10.0
STOP_WITHIN_S = 1.0
DEFAULT_SEED = 1


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """A device that is simulated for one daemon."""

    environ: Mapping[str, str]
    """The environment with which the daemon finds it."""
    pins: AbstractContextManager[object]
    """Drives the pins of the daemon's process while its block runs; does nothing for a device with a line."""


@contextmanager
def simulated_device(
    device_id: str, environ: Mapping[str, str], faults: WireFaults, variant: str = ""
) -> Iterator[SimulatedDevice]:
    """Start the simulator of a device with a line; that of a device at pins starts with the daemon.

    Driver and lane default to those of the device's name (``bow-1``). The world is that of ``ARCH_STATS_WORLD``, else the
    fixed one, so that separately started devices of a lane agree on every arrow. Raises ConfigError when no simulator exists
    for the driver, or when it does not start, and UsageError for faults of a line or a variant that the device does not have.
    """
    named = re.fullmatch(rf"({'|'.join(DeviceKind)})-(\d{{1,3}})", device_id)
    driver = environ.get("ARCH_STATS_DRIVER") or (range_driver(DeviceKind(named[1])) if named else "")
    lane = environ.get("ARCH_STATS_LANE") or (named[2] if named else "1")
    try:
        simulator = load_simulator(driver)
    except UnknownSimulator as error:
        raise ConfigError(
            f"{device_id}: no simulator exists for driver {driver!r}",
            hint=f"Set ARCH_STATS_DRIVER to one of {', '.join(simulator_names())}, or name the device like bow-1.",
        ) from error
    refuse_unknown_variant(device_id, driver, variant)
    world = environ.get("ARCH_STATS_WORLD") or World(DEFAULT_SEED, FIXED_START_US, 1.0).to_json()
    scratch = Path(tempfile.mkdtemp(prefix="archstats-"))
    # A spool of its own: simulated readings must not mix with those of a real device of this name.
    shared = {
        "ARCH_STATS_SPOOL_DIR": str(scratch / "spool"),
        **environ,
        "ARCH_STATS_DRIVER": driver,
        "ARCH_STATS_LANE": lane,
    }
    try:
        if isinstance(simulator, PinSimulator):
            if faults.arguments():
                raise UsageError(
                    f"{device_id}: a device of {driver} has no line, so it has no faults of one",
                    hint="Leave out --fault.",
                )
            wiring = simulator.settings_of(variant)
            yield SimulatedDevice({**shared, **wiring}, _pins(simulator, device_id, lane, variant, world))
        else:
            with _behind_a_terminal(f"{device_id}:{driver}:{lane}:{variant}", world, scratch, environ, faults):
                port = {"ARCH_STATS_PORT": str(scratch / device_id)}
                yield SimulatedDevice({**simulator.settings_of(variant), **shared, **port}, nullcontext())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _pins(
    simulator: PinSimulator, device_id: str, lane: str, variant: str, world: str
) -> AbstractContextManager[object]:
    try:
        from simulators.pins.thread import PinThread
    except ImportError as error:
        from drivers.transport.gpio_faults import INSTALL

        raise ConfigError(
            f"{device_id}: the package {error.name} for GPIO pins is not installed", hint=INSTALL
        ) from error
    try:
        return PinThread(simulator, DeviceSpec(device_id, simulator.driver, int(lane), variant), World.from_json(world))
    except ValueError as error:
        raise ConfigError(
            f"{device_id} cannot be simulated: {error}", hint="Correct ARCH_STATS_LANE and ARCH_STATS_WORLD."
        ) from error


@contextmanager
def _behind_a_terminal(
    device: str, world: str, folder: Path, environ: Mapping[str, str], faults: WireFaults
) -> Iterator[None]:
    """Run the simulators' process for ``device`` (name:driver:lane:variant), with its terminal in ``folder``."""
    argv = [sys.executable, "-m", "simulators", "--world", world, "--links", str(folder)]
    process = subprocess.Popen(
        [*argv, "--devices", device, *faults.arguments()],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**environ, "ARCH_STATS_PARENT": str(os.getpid())},
        start_new_session=True,
    )
    try:
        _await_ready(process, device.partition(":")[0])
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _await_ready(process: subprocess.Popen[bytes], device_id: str) -> None:
    if process.stdout is None or not select.select([process.stdout], [], [], READY_WITHIN_S)[0]:
        raise ConfigError(f"{device_id}: the simulator did not start within {READY_WITHIN_S:g} s", hint="Try again.")
    if not process.stdout.readline():
        raise ConfigError(f"{device_id}: the simulator ended at its start", hint="Its message is printed above.")
