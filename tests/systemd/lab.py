"""A real systemd as PID 1 in its own namespaces, over an overlay of a Debian system; it boots in under a second.

Nothing in it reaches this machine: changes stay in memory, and everything ends with the test. The network is the
exception: it is shared with this machine.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import disk_folder
from tests.run_guard import CONTROL_GROUPS

BOOT_SCRIPT = Path(__file__).with_name("lab_boot.sh")
BOOT_WITHIN_S = 60.0
OFF_WITHIN_S = 20.0
POWER_OFF = signal.SIGRTMIN + 4
"""Signal that makes systemd as PID 1 power off."""
NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--cgroup")
PR_SET_PDEATHSIG = 1
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}


class LabError(Exception):
    """The lab could not be booted; the message holds its output."""


class Lab:
    """A running system, created by :func:`booted`."""

    def __init__(self, pid1: int) -> None:
        self.pid1 = pid1

    def run(
        self, *words: str, check: bool = True, timeout_s: float = 120.0, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a command inside and return its output. Raises AssertionError with the output of a failed one if ``check`` is set."""
        done = subprocess.run(
            self._inside(words), env={**CLEAN, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not check, f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}"
        return done.stdout

    def start(self, unit: str, *words: str) -> None:
        """Start a long-running command inside as a unit of this name, so that systemd can end it."""
        self.run("systemd-run", "--quiet", "--collect", f"--unit={unit}", *words)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        output = self.run("systemctl", "show", unit, *(f"--property={name}" for name in properties))
        return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)

    def journal(self, unit: str, *options: str) -> list[str]:
        """The journal of a unit: messages only, unless ``options`` ask for more."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "--output=cat", "--unit", unit, *options).splitlines()

    def _inside(self, words: Sequence[str]) -> list[str]:
        return ["nsenter", "-t", str(self.pid1), "-m", "-u", "-i", "-p", "-C", "--", *words]


@contextmanager
def booted(
    *,
    lower: Path = Path("/"),
    udev: bool = False,
    devices: Sequence[str] = (),
    binds: Mapping[Path, Path] | None = None,
) -> Iterator[Lab]:
    """Boot over ``lower`` (this machine by default), optionally with real udev and some of this machine's device nodes.

    ``binds`` makes folders of this machine visible inside. Raises LabError when it does not boot.
    """
    notify_dir = disk_folder("lab-")
    groups = list(_own_cgroups(f"{notify_dir.parent.name}-{notify_dir.name}"))
    settings = {
        "LOWER": str(lower), "NOTIFY_DIR": str(notify_dir), "UDEV": str(int(udev)), "DEVICES": " ".join(devices),
        "BINDS": "\n".join(f"{source} {target}" for source, target in (binds or {}).items()),
    }  # fmt: skip
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
        (notify_dir / "log").open("w+") as log,
    ):
        notify.bind(str(notify_dir / "notify"))
        outer = subprocess.Popen(
            ["unshare", "--fork", "--kill-child", *NAMESPACES, "--propagation", "private", "bash", str(BOOT_SCRIPT)],
            env={**CLEAN, **settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            preexec_fn=lambda: _join(groups),
        )  # fmt: skip
        lab = None
        try:
            _await_ready(notify, outer, log.name)
            notify.close()  # PID 1 keeps notifying and would block on a full queue
            lab = Lab(_child(outer.pid))
            if udev:
                lab.run("systemctl", "daemon-reexec")  # PID 1 finds udev only if udev started first
            yield lab
        finally:
            _power_off(lab, outer)
            _remove_cgroups(groups)
            shutil.rmtree(notify_dir, ignore_errors=True)


def _join(groups: Sequence[Path]) -> None:
    """Prepare the child before it executes unshare: it dies with the test and lives in a cgroup that a systemd may own."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for group in groups:
        (group / "cgroup.procs").write_text("0")


def _own_cgroups(name: str) -> Iterator[Path]:
    for root in map(Path, CONTROL_GROUPS):
        if (root / "cgroup.procs").exists():
            group = root / name
            group.mkdir()
            yield group


def _await_ready(notify: socket.socket, outer: subprocess.Popen[bytes], log: str) -> None:
    """Wait until PID 1 reports on its notify socket that it has booted, as to a container manager."""
    deadline = time.monotonic() + BOOT_WITHIN_S
    notify.settimeout(0.2)
    while True:
        try:
            if b"READY=1" in notify.recv(4096).split(b"\n"):
                return
        except TimeoutError:
            if outer.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"systemd did not boot: {Path(log).read_text()}") from None


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _power_off(lab: Lab | None, outer: subprocess.Popen[bytes]) -> None:
    try:
        if lab is not None and outer.poll() is None:
            os.kill(lab.pid1, POWER_OFF)
            outer.wait(OFF_WITHIN_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        outer.kill()  # --kill-child ends PID 1, and with it everything inside
        outer.wait()


def _remove_cgroups(groups: Sequence[Path]) -> None:
    for group in groups:
        for folder in sorted((group, *group.rglob("*/")), key=lambda path: -len(path.parts)):
            deadline = time.monotonic() + 2.0
            while folder.exists() and time.monotonic() < deadline:
                try:
                    folder.rmdir()
                except OSError:
                    time.sleep(0.02)
