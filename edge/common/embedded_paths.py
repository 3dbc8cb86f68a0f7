"""Where the embedded PostgreSQL keeps its things, and that nobody else can get at them."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from edge.common.errors import ConfigError
from edge.common.postgres_binaries import USE_YOUR_OWN

PORT = 5432
"""There is no TCP: the number is a part of the socket's name only."""
SOCKET = f".s.PGSQL.{PORT}"
LONGEST_SOCKET = 107
"""Bytes of a unix socket's path that the kernel takes (sun_path holds 108 with its end)."""


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


def socket_dir(base_dir: Path) -> Path:
    """``run`` in the folder itself, or a short path of this user's when that is longer than a socket's path may be.

    The short one depends on the folder alone, so that every process finds the same.
    """
    usual = base_dir / "run"
    if len(os.fsencode(usual / f"{SOCKET}.lock")) <= LONGEST_SOCKET:
        return usual
    digest = hashlib.sha256(os.fsencode(base_dir)).hexdigest()[:12]
    return Path(f"/tmp/archstats-{os.geteuid()}-{digest}")  # noqa: S108 - make_private refuses it unless it is ours alone


UNQUOTABLE = '"$`\\,\n'


def refuse_unquotable(folder: Path) -> None:
    """Raise ConfigError for a path that PostgreSQL would take for another.

    Its pg_ctl hands paths to a shell between double quotes, and a comma separates the folders of sockets.
    """
    if set(str(folder)) & set(UNQUOTABLE):
        raise ConfigError(
            f'PostgreSQL cannot work in a folder with one of " $ ` \\ , in its path ({folder})',
            hint="Choose another folder with ARCH_STATS_DATABASE_DIR",
        )


def make_private(folder: Path) -> None:
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
