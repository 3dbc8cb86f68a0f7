"""A test run leaves nothing, however it ends: no process, no folder, no mount, no control group.

Every process of a run inherits the run's name in its environment, and every folder is made beneath the folders of that name.
A guard outside the run waits for the end of pytest, also by SIGKILL, and removes the rest. It imports only the standard
library, because it also runs as a program: ``run_guard.py NAME PID``.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "TESTS_RUN"
"""Environment variable with the names of the run and of those around it, separated by blanks; unset outside pytest."""
MEMORY = Path("/dev/shm")  # noqa: S108 - each folder in it is private to its creator
DISK = Path("/tmp")  # noqa: S108 - the same; the paths of sockets must be short, whatever TMPDIR is
CONTROL_GROUPS = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup")
GONE_WITHIN_S = 10.0
"""Longest wait for processes that were killed."""
POSTGRES_WITHIN_S = 5.0
"""Longest wait for a PostgreSQL that stops at once: when killed it would leave its shared memory."""
MOST_NAMED = 8


@dataclass(frozen=True)
class Run:
    """One test run."""

    name: str

    @property
    def folders(self) -> tuple[Path, ...]:
        """The run's folder on the disk, and that in memory."""
        return (DISK / self.name, MEMORY / self.name)


def begin() -> Run:
    """Create the folders of a new run, mark this process's children with it, and let their temporary files be in it."""
    own = tempfile.gettempdir()  # pytest keeps the folders of the last runs there, for a look after a failure
    disk = Path(tempfile.mkdtemp(prefix="as-", dir=DISK))
    run = Run(disk.name)
    for folder in run.folders:
        if folder.parent.is_dir() and os.access(folder.parent, os.W_OK):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)  # a test lets another user into a folder below
    os.environ[VARIABLE] = f"{os.environ.get(VARIABLE, '')} {run.name}".strip()
    os.environ["TMPDIR"] = str(disk)
    tempfile.tempdir = own
    return run


def current() -> Run | None:
    """The run that this process belongs to; None outside pytest."""
    names = os.environ.get(VARIABLE, "").split()
    return Run(names[-1]) if names else None


def start_guard(run: Run) -> subprocess.Popen[bytes]:
    """Start the guard of this process. It does not belong to the run, and no signal of a terminal reaches it."""
    outside = {key: value for key, value in os.environ.items() if key not in (VARIABLE, "TMPDIR")}
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, run.name, str(os.getpid())],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd="/", env=outside, start_new_session=True,
    )  # fmt: skip


def clean(run: Run) -> list[str]:
    """End the processes of a run and remove its files. Returns the names of the programs that still ran."""
    killed = _end_processes(run)
    _unmount(run)
    for folder in run.folders:
        shutil.rmtree(folder, ignore_errors=True)
    for root in CONTROL_GROUPS:
        for group in Path(root).glob(f"{run.name}-*"):
            for folder in sorted((group, *group.rglob("*/")), key=lambda path: -len(path.parts)):
                with suppress(OSError):
                    folder.rmdir()
    return killed


def processes(run: Run) -> list[int]:
    """The living processes of a run, except this one."""
    return [pid for pid, names in _marked() if run.name in names and pid != os.getpid()]


def _end_processes(run: Run) -> list[str]:
    names: list[str] = []
    began = time.monotonic()
    while (left := processes(run)) and time.monotonic() < began + GONE_WITHIN_S:
        for pid in left:
            with suppress(OSError):
                name = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
                names += [] if f"{name} {pid}" in names else [f"{name} {pid}"]
                _forget_faketime(pid)  # while its environment can be read
                is_patient = name == "postgres" and time.monotonic() < began + POSTGRES_WITHIN_S
                os.kill(pid, signal.SIGQUIT if is_patient else signal.SIGKILL)
        time.sleep(0.02)
    return names


def _marked() -> Iterator[tuple[int, list[str]]]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to another user
            for setting in (process / "environ").read_bytes().split(b"\0"):
                name, _, value = setting.partition(b"=")
                if name == VARIABLE.encode():
                    yield int(process.name), value.decode(errors="replace").split()


def _forget_faketime(pid: int) -> None:
    """Remove the shared memory of libfaketime, which the process that made it removes only at an orderly end."""
    inherited = re.findall(rb"faketime_(?:sem|shm)_(\d+)", Path(f"/proc/{pid}/environ").read_bytes())
    for maker in {pid, *map(int, inherited)}:
        for name in (f"faketime_shm_{maker}", f"sem.faketime_sem_{maker}"):
            (MEMORY / name).unlink(missing_ok=True)


def _unmount(run: Run) -> None:
    for line in reversed(Path("/proc/self/mounts").read_text(errors="replace").splitlines()):
        place = Path(line.split(" ")[1])
        if any(place.is_relative_to(folder) for folder in run.folders):
            subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)


def _guard(run: Run, pid: int) -> None:
    """Wait for the end of process ``pid``, the parent of this one, then clean. It may take as long as the run."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        if os.getppid() == pid:
            select.select([handle], [], [])
    clean(run)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _guard(Run(sys.argv[1]), int(sys.argv[2]))
