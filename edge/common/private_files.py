"""Files and folders of the programs are for their own user alone, whatever the umask of the shell that starts them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

OTHERS: Final = 0o077
"""Rights of the group and of all other users."""


def keep_files_private() -> None:
    """Withhold the rights of other users from every file that this process and its children create from now on."""
    os.umask(os.umask(OTHERS) | OTHERS)


def make_folders(folder: Path) -> None:
    """Create a folder and its missing parents, each for this user alone; existing ones keep their rights."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o777 & ~OTHERS, exist_ok=True)
    folder.mkdir(exist_ok=True)  # raises when it is no folder
