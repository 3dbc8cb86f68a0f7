"""``run DEVICE --simulate``: the device's simulator on the far side of a pty, as long as the command runs."""

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

from edge.common.config.errors import ConfigError
from edge.simulation.fault_options import WireFaults
from simulators.world.range import FIXED_START_US, World

READY_WITHIN_S = 10.0
STOP_WITHIN_S = 1.0
DRIVERS = {"bow": "bow.link", "target": "target.link"}
DEFAULT_SEED = 1


@contextmanager
def simulated_device(device_id: str, environ: Mapping[str, str], faults: WireFaults) -> Iterator[Mapping[str, str]]:
    """Start the simulator and yield the environment in which the daemon finds it.

    The driver and the lane follow from the name (``bow-1``) where they are not set. The world is that of
    ``ARCH_STATS_WORLD``, else the fixed one, so that separately started devices of a lane agree on every arrow.
    Raises ConfigError when no simulator speaks for the driver.
    """
    named = re.fullmatch(r"(bow|target)-(\d{1,3})", device_id)
    driver = environ.get("ARCH_STATS_DRIVER") or (DRIVERS[named[1]] if named else "")
    lane = environ.get("ARCH_STATS_LANE") or (named[2] if named else "1")
    if driver not in DRIVERS.values():
        raise ConfigError(
            f"{device_id}: no simulator speaks for driver '{driver}'",
            hint=f"Set ARCH_STATS_DRIVER to one of {', '.join(sorted(DRIVERS.values()))}, or call the device like bow-1",
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
        # Simulated readings never wait where those of a real device of this name do.
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
        raise ConfigError(f"{device_id}: its simulator did not start in {READY_WITHIN_S:g} s", hint="Try again")
    if not process.stdout.readline():
        raise ConfigError(f"{device_id}: its simulator ended at once", hint="Its own message is above")
