"""Where the embedded PostgreSQL keeps its things, and that nobody else can get at them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from edge.common.config.errors import ConfigError
from edge.common.postgres.embedded.binaries import USE_YOUR_OWN

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


OURS = {"data", "data.new", "run", "log", "logs", "in-use.lock", "start.lock", "start.log"}
"""What lies in a folder of the embedded PostgreSQL."""
NOBODYS = {"lost+found"}
"""What a file system that was just made has in it."""


def cluster_there(base_dir: Path) -> bool:
    """Whether the embedded PostgreSQL was started in this folder before."""
    return (base_dir / "data").exists()


def refuse_others(folder: Path) -> None:
    """Raise ConfigError for a folder in which somebody keeps other things: it would be closed to everybody else."""
    if cluster_there(folder) or not folder.is_dir():
        return
    others = sorted({entry.name for entry in folder.iterdir()} - OURS - NOBODYS)
    if others:
        raise ConfigError(
            f"{folder} is no folder of the embedded PostgreSQL: it holds other things ({', '.join(others[:3])}"
            f"{', ...' if len(others) > 3 else ''})",
            hint="Choose an empty one, or one that is not there yet, with --database-dir or ARCH_STATS_DATABASE_DIR",
        )


def prepare(base_dir: Path) -> None:
    """Make the folder and that of the socket ours alone. Raises ConfigError when that cannot be, OSError when not now."""
    refuse_unquotable(base_dir)
    try:
        refuse_others(base_dir)
        make_private(base_dir)
        make_private(socket_dir(base_dir))
    except OSError as fault:
        if fault.errno not in _NO_PLACE:
            raise
        raise ConfigError(
            f"the embedded PostgreSQL cannot use {base_dir} ({fault.strerror}: {fault.filename})",
            hint="Give this user the folder, or choose another with ARCH_STATS_DATABASE_DIR",
        ) from fault


_NO_PLACE = {errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EROFS, errno.ENAMETOOLONG}
"""No folder can be there, now or later. Anything else, such as a full disk, may pass."""


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
