"""The embedded PostgreSQL cluster of one folder: started by its first user process, stopped by its last.

Any number of processes may use one folder. The operating system counts them: each holds a shared lock on a file, and
the kernel releases it however the process ends. So a killed process never keeps the server running.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from edge.common.config.errors import ConfigError
from edge.common.postgres.embedded.binaries import Binaries, find_binaries
from edge.common.postgres.embedded.lock_files import remove_stale, servers, working_processes
from edge.common.postgres.embedded.paths import PORT, SOCKET, prepare, socket_dir

USER = DATABASE = "archstats"
LOCK_WAIT_S = 90.0
"""Longest wait for another process that starts or stops the server."""
ORPHANS_WAIT_S = 15.0
"""Longest wait for a server that is ending, or for the children of a killed one (0.6 to 1.9 s measured)."""
STOPS = (signal.SIGINT, signal.SIGQUIT)
"""PostgreSQL's fast and immediate shutdown."""
STOP_WITHIN_S = 20.0
"""Longest wait for either."""
RETRY_S = 0.1

CONFIGURATION = """
# Written once by Arch-Stats when it created this cluster. You may change it.
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
    """The embedded server does not start now but may start later, for example after a full disk or on an idle machine."""


class EmbeddedPostgres:
    """One process's use of the server of one folder. Not safe for several threads at once."""

    def __init__(self, base_dir: Path, bin_dir: Path | None = None) -> None:
        self.base_dir = base_dir.absolute()
        self._bin_dir = bin_dir
        self._data = self.base_dir / "data"
        self._start_log = self.base_dir / "start.log"
        self._in_use: IO[str] | None = None
        self.socket_dir = socket_dir(self.base_dir)

    def start(self) -> None:
        """Join the server; create its cluster and start it if needed. A second call restarts a server that ended.

        Raises ConfigError when it can never work here, PostgresStartError when it does not start now.
        """
        if self._in_use is not None and self._answers():
            return
        held_before = self._in_use is not None
        try:
            prepare(self.base_dir)
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
                hint="Give this user the folder, or choose another with ARCH_STATS_DATABASE_DIR.",
            ) from fault
        except BaseException:
            if not held_before:
                self._leave()
            raise

    def stop(self) -> bool:
        """Leave the server; the last process stops it. Returns True for that process."""
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
        """Whether a server accepts connections. A pid file proves nothing: a killed server leaves one."""
        return self._connect() is None

    def _is_listening(self) -> bool:
        """Whether a server has the socket open, also one that accepts no more connections."""
        return self._connect() not in (errno.ECONNREFUSED, errno.ENOENT)

    def _connect(self) -> int | None:
        """Connect to the server. Returns the error's number, None when it was accepted."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(self.socket_dir / SOCKET))
            except OSError as fault:
                return fault.errno or errno.ETIMEDOUT
            return None

    def _start_server(self) -> None:
        binaries = find_binaries(self._bin_dir, major=self._stored_major())
        if not self._data.exists():
            self._make_cluster(binaries)
        options = f"-k {shlex.quote(str(self.socket_dir))} -p {PORT} -c listen_addresses=''"
        deadline = time.monotonic() + ORPHANS_WAIT_S
        while True:
            self._remove_stale_locks()
            self._start_log.write_text("")
            ended = _run(
                binaries, "pg_ctl", "start", "-D", self._data, "-w", "-t", "60", "-l", self._start_log, "-o", options
            )
            if ended.returncode == 0:
                return
            output = self._start_log.read_text(errors="replace")
            if "logging collector" in output:
                output += self._newest_log()
            others = working_processes(self._data)
            orphans_remain = bool(others) or ("shared memory" in output and "in use" in output)
            if not orphans_remain or time.monotonic() > deadline:
                raise PostgresStartError(
                    f"the embedded PostgreSQL in {self.base_dir} does not start: {_reason(output or ended.stderr)}; "
                    f"{self._remains(others)}see {self._start_log} and {self.base_dir / 'log'}"
                )
            time.sleep(RETRY_S)

    @property
    def _locks(self) -> tuple[Path, ...]:
        """PostgreSQL's own lock files."""
        return (self._data / "postmaster.pid", self.socket_dir / f"{SOCKET}.lock")

    def _remove_stale_locks(self) -> None:
        if self._is_listening():
            return  # a server in another container, whose processes are not visible here, or one that is stuck
        for lock in self._locks:
            try:
                remove_stale(lock, self._data)
            except PermissionError:
                raise
            except OSError as fault:
                raise PostgresStartError(
                    f"the lock file {lock} of the embedded PostgreSQL cannot be used ({fault.strerror}); remove it"
                ) from fault

    def _remains(self, others: Sequence[int]) -> str:
        """The lock files that are still there, and the processes that keep them."""
        there = " and ".join(str(lock) for lock in self._locks if lock.exists())
        if not there:
            return ""
        if not others:
            return f"its lock files are {there}; "
        return f"end process {', '.join(map(str, others))}, which still works in it and keeps {there}; "

    def _stored_major(self) -> int | None:
        try:
            return int((self._data / "PG_VERSION").read_text())
        except FileNotFoundError:
            if self._data.exists():
                raise ConfigError(
                    f"{self._data} is not a PostgreSQL cluster (it has no PG_VERSION)",
                    hint="Move it away, or choose another folder with ARCH_STATS_DATABASE_DIR.",
                ) from None
            return None
        except ValueError:
            raise ConfigError(
                f"{self._data} is not a PostgreSQL cluster ({self._data / 'PG_VERSION'} holds no number)",
                hint="Move it away and restore a backup, or choose another folder with ARCH_STATS_DATABASE_DIR.",
            ) from None

    def _make_cluster(self, binaries: Binaries) -> None:
        """Create the cluster under another name and rename it, so that an incomplete one is never used."""
        fresh = self.base_dir / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        (self.base_dir / "log").mkdir(mode=0o700, exist_ok=True)
        made = _run(
            binaries, "initdb", "-D", fresh, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--data-checksums", "--no-instructions",
        )  # fmt: skip
        if made.returncode:
            raise PostgresStartError(f"no PostgreSQL cluster can be created in {self.base_dir}: {_reason(made.stderr)}")
        with (fresh / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
            file.flush()
            os.fsync(file.fileno())
        made = _run(binaries, "postgres", "--single", "-D", fresh, "postgres", stdin=f"create database {DATABASE}\n")
        if made.returncode or "ERROR" in made.stderr:
            raise PostgresStartError(f"no database can be created in {self.base_dir}: {_reason(made.stderr)}")
        fresh.rename(self._data)
        _flush(self.base_dir)

    def _newest_log(self) -> str:
        """The end of the server's newest log file."""
        logs = sorted((self.base_dir / "log").glob("*.log"), key=lambda file: file.stat().st_mtime)
        return logs[-1].read_text(errors="replace")[-4000:] if logs else ""

    def _stop_server(self) -> None:
        """Stop the server, found by its folder: the number in its lock file may be garbled or belong to another program."""
        for way in STOPS:
            for pid in servers(self._data):
                with suppress(ProcessLookupError):
                    os.kill(pid, way)
            deadline = time.monotonic() + STOP_WITHIN_S
            while servers(self._data) and time.monotonic() < deadline:
                time.sleep(0.01)


def _run(binaries: Binaries, program: str, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return binaries.run(program, *arguments, timeout_s=70, stdin=stdin)
    except subprocess.TimeoutExpired as fault:
        raise PostgresStartError(
            f"PostgreSQL's {program} does not end within 70 s; check whether the disk or the machine is overloaded"
        ) from fault


def _flush(folder: Path) -> None:
    """Write the names in a folder to the disk, so that a power failure does not undo a rename."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(text: str) -> str:
    """The last lines of PostgreSQL's error output, without their time stamps."""
    lines = [_STAMP.sub("", line).strip() for line in text.splitlines()]
    messages = [line for line in lines if line and "log output" not in line]
    return " | ".join(messages[-3:]) or "it printed nothing"


_STAMP = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ UTC \[\d+\] ")
