"""``run DEVICE --simulate``: runs the device's simulator behind a pseudo-terminal for as long as the command runs."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from drivers.contract import DeviceKind
from edge.common.config.errors import ConfigError
from edge.simulation.fault_options import WireFaults
from simulators.devices.registry import range_driver, simulator_names
from simulators.world.range import FIXED_START_US, World

READY_WITHIN_S = 10.0
STOP_WITHIN_S = 1.0
DEFAULT_SEED = 1


@contextmanager
def simulated_device(device_id: str, environ: Mapping[str, str], faults: WireFaults) -> Iterator[Mapping[str, str]]:
    """Start the simulator and yield the environment with which the daemon finds it.

    Driver and lane default to those of the device's name (``bow-1``). The world is that of ``ARCH_STATS_WORLD``, else the
    fixed one, so that separately started devices of a lane agree on every arrow. Raises ConfigError when no simulator exists
    for the driver, or when it does not start.
    """
    named = re.fullmatch(r"(bow|target)-(\d{1,3})", device_id)
    driver = environ.get("ARCH_STATS_DRIVER") or (range_driver(DeviceKind(named[1])) if named else "")
    lane = environ.get("ARCH_STATS_LANE") or (named[2] if named else "1")
    if driver not in simulator_names():
        raise ConfigError(
            f"{device_id}: no simulator exists for driver {driver!r}",
            hint=f"Set ARCH_STATS_DRIVER to one of {', '.join(simulator_names())}, or name the device like bow-1.",
        )
    world = environ.get("ARCH_STATS_WORLD") or World(DEFAULT_SEED, FIXED_START_US, 1.0).to_json()
    scratch = Path(tempfile.mkdtemp(prefix="archstats-"))
    argv = [sys.executable, "-m", "simulators", "--world", world, "--links", str(scratch)]
    process = subprocess.Popen(
        [*argv, "--devices", f"{device_id}:{driver}:{lane}", *faults.arguments()],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**environ, "ARCH_STATS_PARENT": str(os.getpid())},
        start_new_session=True,
    )
    try:
        _await_ready(process, device_id)
        port = str(scratch / device_id)
        own = {"ARCH_STATS_DRIVER": driver, "ARCH_STATS_LANE": lane, "ARCH_STATS_PORT": port}
        # A spool of its own: simulated readings must not mix with those of a real device of this name.
        yield {"ARCH_STATS_SPOOL_DIR": str(scratch / "spool"), **environ, **own}
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _await_ready(process: subprocess.Popen[bytes], device_id: str) -> None:
    if process.stdout is None or not select.select([process.stdout], [], [], READY_WITHIN_S)[0]:
        raise ConfigError(f"{device_id}: the simulator did not start within {READY_WITHIN_S:g} s", hint="Try again.")
    if not process.stdout.readline():
        raise ConfigError(f"{device_id}: the simulator ended at its start", hint="Its message is printed above.")
