"""The processes of a simulated range: the lock on its folder, the programs, and their supervision."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from edge.common.config.errors import EX_CONFIG, CommandError, ConfigError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import backoff_s
from edge.common.postgres.embedded.paths import default_base_dir
from edge.common.private_files import make_folders
from edge.simulation.fault_options import WireFaults
from edge.simulation.setup import RangeDevice
from simulators.devices.contract import PinSimulator
from simulators.devices.registry import load_simulator
from simulators.world.range import World

STOP_WITHIN_S = 2.0
RESTART_AFTER_S = 0.3
"""Shortest delay before a restart; repeated deaths add a growing, random delay."""
LASTING_S = 10.0
"""Run time after which the delay before a restart is the shortest again."""
LOCK = "range.lock"
LOOKED_AT_S = 0.5
"""Longest wait for another command that holds the lock for the moment in which it looks whether a range runs."""
LOOK_AGAIN_S = 0.01
CONTROL = "range.control"
"""Name of the control socket, and of the link to it beside the logs, by which another command finds it."""
SHARED_VARIABLES = (
    "ARCH_STATS_DEV_MODE", "ARCH_STATS_WS_CHANNEL", "ARCH_STATS_DATABASE_DIR",
    "ARCH_STATS_SERVER_HOST", "ARCH_STATS_SERVER_PORT", "ARCH_STATS_SERVER_NAMES", "ARCH_STATS_CONNECTIONS_PER_ADDRESS",
    "ARCH_STATS_OPERATOR_TOKEN_FILE",
)  # fmt: skip
"""Settings that the programs of the range inherit."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its command, environment and log file."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    stop_order: int = 1
    """Position in the order of stopping; lower numbers stop first."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of a range."""

    ports: Path
    """The devices' pseudo-terminals; removed with the range."""
    logs: Path
    """The logs of the programs; kept until the next range."""

    @property
    def control(self) -> Path:
        """The control socket of the simulated devices."""
        return self.ports / CONTROL


def log_folder(service: ServiceSettings) -> Path:
    """Return the folder of the programs' logs, beside the embedded database."""
    return (service.database.database_dir or default_base_dir()) / "logs"


@contextmanager
def range_lock(folder: Path) -> Iterator[None]:
    """Hold the range's log folder, and remove the logs of an earlier range.

    A second range would close the first one's sessions and write into its logs. The kernel releases the lock however the
    process ends. Raises CommandError naming the process of a running range.
    """
    make_folders(folder)
    with (folder / LOCK).open("a+") as lock:
        try:
            _take(lock)
        except BlockingIOError as error:
            lock.seek(0)
            pid = lock.read().strip()
            raise CommandError(
                f"a simulated range already runs on this database (process {pid}; its logs are in {folder})",
                hint=f"Stop it with Ctrl-C or `kill {pid}`, or simulate into another database with --database-dir DIR.",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        for old in folder.glob("*.log"):
            old.unlink()
        yield


def _take(lock: TextIO) -> None:
    """Take the lock. Raises BlockingIOError when another process holds it for longer than a look takes."""
    until = time.monotonic() + LOOKED_AT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
            time.sleep(LOOK_AGAIN_S)
        else:
            return


def is_range_running(service: ServiceSettings) -> bool:
    """Whether a simulated range runs on this database. A range that starts at this moment waits for the look to end."""
    try:
        with (log_folder(service) / LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def control_link(folders: Folders) -> Iterator[None]:
    """Link the control socket beside the logs while the block runs, in place of what a killed range left there."""
    link = folders.logs / CONTROL
    link.unlink(missing_ok=True)
    link.symlink_to(folders.control)
    try:
        yield
    finally:
        link.unlink(missing_ok=True)


def programs(
    devices: Sequence[RangeDevice],
    world: World,
    faults: WireFaults,
    environ: Mapping[str, str],
    folders: Folders,
    assemblers: int = 1,
    simulator_words: Sequence[str] = (),
) -> list[Program]:
    """Return the programs of the range. ``simulator_words`` are further options of the simulators' process.

    The sensors stop first: so none reports a lost device, and the assemblers' last computation sees all that is stored.
    """
    base = {key: value for key, value in environ.items() if not key.startswith("ARCH_STATS_")}
    base |= {key: value for key, value in environ.items() if key in SHARED_VARIABLES}
    base["ARCH_STATS_WORLD"] = world.to_json()
    here = Path(sys.executable).parent
    links, logs = folders.ports, folders.logs
    simulated = {device.name: load_simulator(device.driver) for device in devices}
    at_pins = {name for name, simulator in simulated.items() if isinstance(simulator, PinSimulator)}
    listed = ",".join(_listed(device) for device in devices if device.name not in at_pins)
    simulators = [sys.executable, "-m", "simulators", "--world", world.to_json(), "--links", str(links)]
    simulators += ["--control", str(folders.control), *simulator_words, "--devices", listed, *faults.arguments()]
    result = [Program("simulators", simulators, base, logs / "simulators.log", stop_order=3)] if listed else []
    for device in devices:
        own = {
            "ARCH_STATS_DRIVER": device.driver,
            "ARCH_STATS_LANE": str(device.lane),
            "ARCH_STATS_SPOOL_DIR": environ.get("ARCH_STATS_SPOOL_DIR") or str(links / "spool"),
        }
        argv = [str(here / "archstats-sensor"), "run", device.name]
        if device.name in at_pins:
            argv.append("--simulate")  # its simulator runs inside the daemon
            argv += ["--variant", device.variant] if device.variant else []
        else:
            own |= simulated[device.name].settings_of(device.variant)
            own["ARCH_STATS_PORT"] = str(links / device.name)
        result.append(Program(device.name, argv, {**base, **own}, logs / f"{device.name}.log"))
    names = ["archstats-shots", *(f"archstats-shots-{number}" for number in range(2, assemblers + 1))]
    result += [
        Program(name, [str(here / "archstats-shots")], base, logs / f"{name}.log", stop_order=2) for name in names
    ]
    push = [str(here / "archstats-push")]
    result.append(Program("archstats-push", push, base, logs / "archstats-push.log", stop_order=2))
    return result


def _listed(device: RangeDevice) -> str:
    """The device as the simulators' process takes it: the number in its name is its lane."""
    return f"{device.name}:{device.driver}" + (f"::{device.variant}" if device.variant else "")


class Children:
    """Supervisor that keeps every program running until it is stopped."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[Program, asyncio.subprocess.Process]] = {}
        self._stopping = asyncio.Event()

    async def keep(self, program: Program) -> None:
        """Run a program and restart it when it dies. Raises ConfigError when it exits because of its settings."""
        deaths = 0
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            if self._stopping.is_set():
                return
            process = await self._start(program)
            if self._stopping.is_set():
                send(process, signal.SIGKILL)  # started too late to be stopped in order
            status = await process.wait()
            self._running.pop(program.name, None)
            if status == EX_CONFIG and not self._stopping.is_set():
                raise ConfigError(
                    f"{program.name} cannot run: {last_line(program.log)}", hint=f"See its log {program.log}."
                )
            deaths = 1 if clock() - started > LASTING_S else deaths + 1
            if not self._stopping.is_set():
                log.warning("%s ended (%s) and restarts; see %s", program.name, cause(status), program.log)
                await asyncio.sleep(RESTART_AFTER_S + backoff_s(deaths))

    async def stop(self) -> None:
        """Stop all programs in order; kill those that do not stop within ``STOP_WITHIN_S``."""
        self._stopping.set()
        orders = sorted({program.stop_order for program, _ in self._running.values()})
        for order in orders:
            group = [process for program, process in self._running.values() if program.stop_order == order]
            for process in group:
                send(process, signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_WITHIN_S):
                    await asyncio.gather(*(process.wait() for process in group))
            except TimeoutError:
                for process in group:
                    send(process, signal.SIGKILL)
                await asyncio.gather(*(process.wait() for process in group))

    async def _start(self, program: Program) -> asyncio.subprocess.Process:
        with program.log.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                *program.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**program.environment, "ARCH_STATS_PARENT": str(os.getpid())},
                start_new_session=True,  # so that Ctrl-C reaches only the parent, which stops the children in order
            )
        self._running[program.name] = (program, process)
        return process


def send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Signal a process that may have ended."""
    if process.returncode is None:
        try:
            process.send_signal(number)
        except ProcessLookupError:
            return


def cause(status: int) -> str:
    """Describe an exit status."""
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def last_line(path: Path) -> str:
    """Return the last line of a program's log."""
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "no output"
