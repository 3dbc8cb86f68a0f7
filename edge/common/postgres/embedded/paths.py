"""The folders of the embedded PostgreSQL, and the checks that only this user can enter them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from edge.common.config.errors import ConfigError
from edge.common.postgres.embedded.binaries import USE_YOUR_OWN
from edge.common.private_files import make_folders

PORT = 5432
"""Part of the socket's name; the server listens on no TCP port."""
SOCKET = f".s.PGSQL.{PORT}"
LONGEST_SOCKET = 107
"""Longest path of a unix socket in bytes (sun_path of unix(7) holds 108 with the final zero)."""


def default_base_dir() -> Path:
    """The default folder of the data: ``$XDG_STATE_HOME/archstats/postgres``. Raises ConfigError without a home folder."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if state.startswith("/"):
        return Path(state) / "archstats" / "postgres"
    try:
        return Path.home() / ".local" / "state" / "archstats" / "postgres"
    except RuntimeError as fault:
        raise ConfigError(
            "there is no home folder for the data of the embedded PostgreSQL", hint="Set ARCH_STATS_DATABASE_DIR."
        ) from fault


def socket_dir(base_dir: Path) -> Path:
    """``run`` in the folder itself, or a short path of this user when that is too long for a socket.

    The short path depends on the folder only, so that every process finds the same one.
    """
    usual = base_dir / "run"
    if len(os.fsencode(usual / f"{SOCKET}.lock")) <= LONGEST_SOCKET:
        return usual
    digest = hashlib.sha256(os.fsencode(base_dir)).hexdigest()[:12]
    return Path(f"/tmp/archstats-{os.geteuid()}-{digest}")  # noqa: S108 - make_private refuses it unless only this user can enter it


UNQUOTABLE = '"$`\\,\n'


def refuse_unquotable(folder: Path) -> None:
    """Raise ConfigError for a path that PostgreSQL would misread.

    Its pg_ctl passes paths to a shell between double quotes, and a comma separates the folders of sockets.
    """
    if set(str(folder)) & set(UNQUOTABLE):
        raise ConfigError(
            f'PostgreSQL cannot work in a folder with one of " $ ` \\ , in its path ({folder})',
            hint="Choose another folder with ARCH_STATS_DATABASE_DIR.",
        )


OURS = {"data", "data.new", "run", "log", "logs", "in-use.lock", "start.lock", "start.log", "operator-token"}
"""Entries of a folder of the embedded PostgreSQL."""
OF_THE_FILE_SYSTEM = {"lost+found"}
"""Entries of a new file system."""


def cluster_there(base_dir: Path) -> bool:
    """Whether the folder holds a cluster of the embedded PostgreSQL."""
    return (base_dir / "data").exists()


def refuse_others(folder: Path) -> None:
    """Raise ConfigError for a folder with other files: other users could no longer enter it."""
    if cluster_there(folder) or not folder.is_dir():
        return
    others = sorted({entry.name for entry in folder.iterdir()} - OURS - OF_THE_FILE_SYSTEM)
    if others:
        raise ConfigError(
            f"{folder} is not a folder of the embedded PostgreSQL: it holds other files ({', '.join(others[:3])}"
            f"{', ...' if len(others) > 3 else ''})",
            hint="Choose an empty or a new folder with --database-dir or ARCH_STATS_DATABASE_DIR.",
        )


def prepare(base_dir: Path) -> None:
    """Make the folder and the socket's folder private to this user.

    Raises ConfigError when that is impossible, OSError when it is impossible now.
    """
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
            hint="Give this user the folder, or choose another with ARCH_STATS_DATABASE_DIR.",
        ) from fault


_NO_PLACE = {errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EROFS, errno.ENAMETOOLONG}
"""Errors after which no folder can exist there, now or later. Any other, such as a full disk, may pass."""


def make_private(folder: Path) -> None:
    """Create a folder that only this user can enter; raise ConfigError for one that another user may have created."""
    make_folders(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ConfigError(
            f"{folder} belongs to another user or is not a folder, so the embedded PostgreSQL does not use it",
            hint=f"Choose another folder with ARCH_STATS_DATABASE_DIR, {USE_YOUR_OWN}.",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
