"""Files and folders of the programs are for their own user alone, whatever the umask of the shell that starts them."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

OTHERS: Final = 0o077
"""Rights of the group and of all other users."""
SECRET_BYTES: Final = 32
"""Random bytes of a secret."""


def keep_files_private() -> None:
    """Withhold the rights of other users from every file that this process and its children create from now on."""
    os.umask(os.umask(OTHERS) | OTHERS)


def make_folders(folder: Path) -> None:
    """Create a folder and its missing parents, each for this user alone; existing ones keep their rights."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o777 & ~OTHERS, exist_ok=True)
    folder.mkdir(exist_ok=True)  # raises when it is no folder


def is_exposed(path: Path) -> bool:
    """Whether a file gives more rights than a secret may: others than its owner can open it, or it can be executed."""
    return path.is_file() and path.stat().st_mode & 0o7777 & ~0o600 != 0


def make_secret_file(path: Path) -> None:
    """Create a file with a new random secret, readable for its owner alone.

    An existing file is kept, whatever it holds, and other users lose their rights to it.
    """
    make_folders(path.parent)
    if path.exists():
        if is_exposed(path):
            with suppress(PermissionError):  # another user's file
                path.chmod(path.stat().st_mode & 0o600)
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(
            fresh, path
        )  # atomic, and fails where a file is already: two programs never overwrite each other's secret
    except FileExistsError:
        return
    finally:
        fresh.unlink()
