"""A real systemd as PID 1 of namespaces of its own, over an overlay of a Debian system: booted in well under a second.

Nothing that happens in it reaches this machine: changes live in memory, and everything ends with the test. The network
is the exception, it is this machine's own.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

BOOT_SCRIPT = Path(__file__).with_name("lab_boot.sh")
BOOT_WITHIN_S = 60.0
OFF_WITHIN_S = 20.0
POWER_OFF = signal.SIGRTMIN + 4
"""What systemd as PID 1 takes as: power off."""
NAMESPACES = ("--pid", "--mount", "--uts", "--ipc", "--cgroup")
PR_SET_PDEATHSIG = 1
CGROUP_ROOTS = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup")
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}


class LabError(Exception):
    """The laboratory could not be booted; the message says what it said."""


class Lab:
    """A running system. Made by :func:`booted`."""

    def __init__(self, pid1: int) -> None:
        self.pid1 = pid1

    def run(
        self, *words: str, check: bool = True, timeout_s: float = 120.0, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a command inside; returns what it said. Raises AssertionError with that when it failed, unless ``check`` is off."""
        done = subprocess.run(
            self._inside(words), env={**CLEAN, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not check, f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}"
        return done.stdout

    def start(self, unit: str, *words: str) -> None:
        """Start a command inside that lasts, as a unit of this name: what systemd did not start it could not end."""
        self.run("systemd-run", "--quiet", "--collect", f"--unit={unit}", *words)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        said = self.run("systemctl", "show", unit, *(f"--property={name}" for name in properties))
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def journal(self, unit: str, *options: str) -> list[str]:
        """What the journal holds of a unit, the messages alone unless ``options`` say otherwise."""
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
    """Boot over ``lower`` (this machine, by default), with real udev and some of this machine's device nodes if asked.

    ``binds`` makes folders of this machine visible inside. Raises LabError when it does not boot.
    """
    talk = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
    groups = list(_own_cgroups(talk.name))
    settings = {
        "LOWER": str(lower), "TALK": str(talk), "UDEV": str(int(udev)), "DEVICES": " ".join(devices),
        "BINDS": "\n".join(f"{source} {target}" for source, target in (binds or {}).items()),
    }  # fmt: skip
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
        (talk / "log").open("w+") as log,
    ):
        notify.bind(str(talk / "notify"))
        outer = subprocess.Popen(
            ["unshare", "--fork", "--kill-child", *NAMESPACES, "--propagation", "private", "bash", str(BOOT_SCRIPT)],
            env={**CLEAN, **settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            preexec_fn=lambda: _join(groups),
        )  # fmt: skip
        lab = None
        try:
            _await_ready(notify, outer, log.name)
            notify.close()  # PID 1 goes on telling, and would wait for ever for a queue that nobody reads
            lab = Lab(_child(outer.pid))
            if udev:
                lab.run("systemctl", "daemon-reexec")  # PID 1 finds udev only if that was there first
            yield lab
        finally:
            _power_off(lab, outer)
            _forget(groups)
            shutil.rmtree(talk, ignore_errors=True)


def _join(groups: Sequence[Path]) -> None:
    """In the child, before it becomes unshare: die with the test, and live in a cgroup that a systemd may own."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for group in groups:
        (group / "cgroup.procs").write_text("0")


def _own_cgroups(name: str) -> Iterator[Path]:
    for root in map(Path, CGROUP_ROOTS):
        if (root / "cgroup.procs").exists():
            group = root / name
            group.mkdir()
            yield group


def _await_ready(notify: socket.socket, outer: subprocess.Popen[bytes], log: str) -> None:
    """PID 1 tells a socket when it has booted, as a container's manager would be told."""
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
        outer.kill()  # --kill-child takes PID 1 along, and that takes everything
        outer.wait()


def _forget(groups: Sequence[Path]) -> None:
    for group in groups:
        for folder in sorted((group, *group.rglob("*/")), key=lambda path: -len(path.parts)):
            deadline = time.monotonic() + 2.0
            while folder.exists() and time.monotonic() < deadline:
                try:
                    folder.rmdir()
                except OSError:
                    time.sleep(0.02)
