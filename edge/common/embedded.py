"""A PostgreSQL of our own that needs no setting up: started by its first user, stopped by its last.

Any number of processes may use one folder. The operating system counts them: each holds a shared lock on a file, and
the kernel lets go of it however the process dies. So a killed user never keeps the server alive for ever.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from edge.common.errors import ConfigError
from edge.common.postgres_binaries import USE_YOUR_OWN, Binaries, find_binaries

USER = DATABASE = "archstats"
PORT = 5432
"""There is no TCP: the number is a part of the socket's name only."""
LONGEST_SOCKET = 107
"""Bytes of a unix socket's path that the kernel takes (sun_path holds 108 with its end)."""
LOCK_WAIT_S = 90.0
"""Longest wait for another process that starts or stops the server."""
ORPHANS_WAIT_S = 15.0
"""After a killed postmaster its children keep the shared memory for a moment (0.6 to 1.9 s measured)."""
RETRY_S = 0.1

CONFIGURATION = """
# Written once by Arch-Stats when it made this cluster; yours to change.
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 48MB
max_wal_size = 256MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = '../log'
log_filename = 'postgres-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
"""


class PostgresStartError(OSError):
    """The embedded server does not start now. It may later: a full disk, a machine that is too busy."""


def default_base_dir() -> Path:
    """Where the data lies when nobody says otherwise: ``$XDG_STATE_HOME/archstats/postgres``. Raises ConfigError."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if state.startswith("/"):
        return Path(state) / "archstats" / "postgres"
    try:
        return Path.home() / ".local" / "state" / "archstats" / "postgres"
    except RuntimeError as fault:
        raise ConfigError(
            "there is no home folder to keep the embedded PostgreSQL's data in", hint="Set ARCH_STATS_DATABASE_DIR"
        ) from fault


class EmbeddedPostgres:
    """One user's hold on the server of one folder. Not for use by several threads at once."""

    def __init__(self, base_dir: Path, bin_dir: Path | None = None) -> None:
        self.base_dir = base_dir.absolute()
        self._bin_dir = bin_dir
        self._data = self.base_dir / "data"
        self._start_log = self.base_dir / "start.log"
        self._in_use: IO[str] | None = None
        self.socket_dir = _socket_dir(self.base_dir)

    def start(self) -> None:
        """Join the server, starting it and making its cluster as needed. Calling it again brings a dead server back.

        Raises ConfigError when it never can work here, PostgresStartError when it does not now.
        """
        if self._in_use is not None and self._answers():
            return
        held_before = self._in_use is not None
        try:
            _make_private(self.base_dir)
            _make_private(self.socket_dir)
            with self._one_at_a_time():
                if self._in_use is None:
                    self._in_use = (self.base_dir / "in-use.lock").open("a")
                    fcntl.flock(self._in_use, fcntl.LOCK_SH)
                if not self._answers():
                    self._start_server()
        except PermissionError as fault:
            self._leave()
            raise ConfigError(
                f"the embedded PostgreSQL cannot use {self.base_dir} ({fault.strerror}: {fault.filename})",
                hint="Give this user the folder, or choose another with ARCH_STATS_DATABASE_DIR",
            ) from fault
        except BaseException:
            if not held_before:
                self._leave()
            raise

    def stop(self) -> bool:
        """Leave the server; its last user stops it. Returns whether that was us."""
        if self._in_use is None:
            return False
        try:
            with self._one_at_a_time():
                try:
                    fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
                self._stop_server()
                return True
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._in_use is not None:
            self._in_use.close()
            self._in_use = None

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Hold the lock under which the server is started and stopped."""
        with (self.base_dir / "start.lock").open("a") as lock:
            deadline = time.monotonic() + LOCK_WAIT_S
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise PostgresStartError(
                            f"another process has been starting or stopping the PostgreSQL in {self.base_dir} for "
                            f"{LOCK_WAIT_S:.0f} s; end it and try again"
                        ) from None
                    time.sleep(0.01)
            yield

    def _answers(self) -> bool:
        """Whether somebody accepts connections; a pid file would prove nothing, for a killed server leaves one."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(self.socket_dir / f".s.PGSQL.{PORT}"))
            except OSError:
                return False
            return True

    def _start_server(self) -> None:
        binaries = find_binaries(self._bin_dir, major=self._stored_major())
        if not self._data.exists():
            self._make_cluster(binaries)
        self._forget_stale_pid()
        options = f"-k {shlex.quote(str(self.socket_dir))} -p {PORT} -c listen_addresses=''"
        deadline = time.monotonic() + ORPHANS_WAIT_S
        while True:
            self._start_log.write_text("")
            ended = _run(
                binaries, "pg_ctl", "start", "-D", self._data, "-w", "-t", "60", "-l", self._start_log, "-o", options
            )
            if ended.returncode == 0:
                return
            told = self._start_log.read_text(errors="replace")
            orphans_remain = "shared memory" in told and "in use" in told
            if not orphans_remain or time.monotonic() > deadline:
                raise PostgresStartError(
                    f"the embedded PostgreSQL in {self.base_dir} does not start: {_last_lines(told or ended.stderr)}; "
                    f"see {self._start_log} and {self.base_dir / 'log'}"
                )
            time.sleep(RETRY_S)

    def _stored_major(self) -> int | None:
        try:
            return int((self._data / "PG_VERSION").read_text())
        except FileNotFoundError:
            if self._data.exists():
                raise ConfigError(
                    f"{self._data} is not a PostgreSQL cluster (it has no PG_VERSION)",
                    hint="Move it away, or choose another folder with ARCH_STATS_DATABASE_DIR",
                ) from None
            return None

    def _make_cluster(self, binaries: Binaries) -> None:
        """Make the cluster under another name and rename it, so that a half-made one never counts."""
        fresh = self.base_dir / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        (self.base_dir / "log").mkdir(mode=0o700, exist_ok=True)
        made = _run(
            binaries, "initdb", "-D", fresh, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--data-checksums", "--no-instructions",
        )  # fmt: skip
        if made.returncode:
            raise PostgresStartError(
                f"no PostgreSQL cluster can be made in {self.base_dir}: {_last_lines(made.stderr)}"
            )
        with (fresh / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        made = _run(binaries, "postgres", "--single", "-D", fresh, "postgres", stdin=f"create database {DATABASE}\n")
        if made.returncode or "ERROR" in made.stderr:
            raise PostgresStartError(f"no database can be made in {self.base_dir}: {_last_lines(made.stderr)}")
        fresh.rename(self._data)

    def _forget_stale_pid(self) -> None:
        """Remove the pid file of a server that died, when its number belongs to some other program by now.

        PostgreSQL would take that program for a living server and refuse to start. We hold the start lock and nobody
        answers on the socket, so a process that is not a postgres cannot be ours.
        """
        file = self._data / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError):
            pid = int(file.read_text().split("\n", 1)[0])
            with suppress(FileNotFoundError, ProcessLookupError):
                if Path(f"/proc/{pid}/comm").read_text().strip() not in ("postgres", "postmaster"):
                    file.unlink()

    def _stop_server(self) -> None:
        binaries = find_binaries(self._bin_dir, major=self._stored_major())
        for mode in ("fast", "immediate"):
            _run(binaries, "pg_ctl", "stop", "-D", self._data, "-w", "-t", "20", "-m", mode)
            if not self._answers():
                return


def _run(binaries: Binaries, program: str, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return binaries.run(program, *arguments, timeout_s=70, stdin=stdin)
    except subprocess.TimeoutExpired as fault:
        raise PostgresStartError(
            f"PostgreSQL's {program} does not end; is the disk or the machine overloaded?"
        ) from fault


def _socket_dir(base_dir: Path) -> Path:
    """``run`` in the folder itself, or a short path of this user's when that is longer than a socket's path may be.

    The short one depends on the folder alone, so that every process finds the same.
    """
    usual = base_dir / "run"
    if len(os.fsencode(usual / f".s.PGSQL.{PORT}.lock")) <= LONGEST_SOCKET:
        return usual
    digest = hashlib.sha256(os.fsencode(base_dir)).hexdigest()[:12]
    return Path(f"/tmp/archstats-{os.geteuid()}-{digest}")  # noqa: S108 - _make_private refuses it unless it is ours alone


def _make_private(folder: Path) -> None:
    """Make a folder that only this user can enter; refuse one that somebody else could have put there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ConfigError(
            f"{folder} is not a folder of this user, so the embedded PostgreSQL does not use it",
            hint=f"Choose another folder with ARCH_STATS_DATABASE_DIR, {USE_YOUR_OWN}",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-3:]) or "it said nothing"
