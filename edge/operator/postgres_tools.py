"""PostgreSQL's own programs (``pg_dump``, ``pg_restore``, ``psql``), run against the database of the settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.common.config.errors import ConfigError
from edge.common.config.settings import DatabaseSettings
from edge.common.postgres.database import hosts_of
from edge.common.postgres.embedded.binaries import find_binaries
from edge.common.postgres.embedded.cluster import DATABASE, USER
from edge.common.postgres.embedded.paths import PORT, default_base_dir, socket_dir
from edge.common.postgres.session_settings import PINNED, as_pgoptions, search_path

TIMEOUT_S = 3600.0
"""Longest run of one program. A backup of years takes minutes."""


class ProgramFailed(Exception):
    """A program ended with an error; the text is its own message."""


@dataclass(frozen=True, slots=True)
class PostgresClient:
    """The programs that match a server's version, and their connection settings."""

    bin_dir: Path
    connection: Mapping[str, str]
    """libpq's variables: ``PGHOST``, ``PGUSER`` and so on. A password is never put on a command line."""

    def run(self, program: str, *arguments: str | Path) -> str:
        """Run a program and return its output. Raises ProgramFailed with its error message."""
        command = [str(self.bin_dir / program), *map(str, arguments)]
        options = as_pgoptions({**PINNED, "search_path": search_path(None)})
        ours = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        try:
            done = subprocess.run(
                command,
                env={**ours, **self.connection, "PGOPTIONS": options, "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as fault:
            raise ProgramFailed(f"{program} did not end within {TIMEOUT_S / 60:.0f} minutes") from fault
        if done.returncode:
            raise ProgramFailed(done.stderr.strip() or f"{program} ended with status {done.returncode}")
        return done.stdout


def connection_variables(settings: DatabaseSettings) -> dict[str, str]:
    """The database of the settings as libpq's variables."""
    if settings.embedded:
        folder = socket_dir((settings.database_dir or default_base_dir()).absolute())
        return {"PGHOST": str(folder), "PGPORT": str(PORT), "PGUSER": USER, "PGDATABASE": DATABASE}
    variables = {"PGHOST": ",".join(hosts_of(settings)), "PGPORT": str(settings.port)}
    variables |= {"PGUSER": settings.user, "PGDATABASE": settings.db}
    return variables | ({"PGPASSWORD": settings.password} if settings.password else {})


def client_for(server_major: int, connection: Mapping[str, str]) -> PostgresClient:
    """The programs of the server's own major version: an older one cannot read it, a newer one writes files it cannot read.

    Raises ConfigError when they are not installed.
    """
    try:
        binaries = find_binaries(major=server_major)
    except ConfigError as fault:
        raise ConfigError(
            f"the client programs of PostgreSQL {server_major}, the server's version, are not installed on this machine",
            hint=f"Install them with `sudo apt-get install postgresql-client-{server_major}`.",
        ) from fault
    return PostgresClient(binaries.bin_dir, connection)
