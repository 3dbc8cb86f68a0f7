"""PostgreSQL clusters copied from one template, because creating one takes a second of both cores."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from edge.common.postgres.embedded.cluster import EmbeddedPostgres
from tests.run_guard import DISK, MEMORY, current

TEMPLATE_DIR_VARIABLE = "TESTS_TEMPLATE_CLUSTER"
"""Environment variable with the folder of the run's template cluster, shared by all workers; unset outside pytest."""

ROOM_BYTES = 2 << 30
"""Five workers with one cluster each and the databases of their tests take less than half of this."""


def short_folder() -> Path:
    """Create an empty folder, in memory where there is room: a new database takes half the time there.

    Its path is short, because that of a unix socket in it has at most 107 bytes. The caller deletes the folder.
    """
    run = current()
    memory = MEMORY / run.name if run else MEMORY
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_BYTES:
        return Path(tempfile.mkdtemp(prefix="as-", dir=memory))
    return disk_folder()


def disk_folder(prefix: str = "as-") -> Path:
    """Create an empty folder on the disk, for what is too large for the memory. Its path is short."""
    run = current()
    return Path(tempfile.mkdtemp(prefix=prefix, dir=DISK / run.name if run else DISK))


def copy_fresh_cluster(base: Path) -> None:
    """Copy an unused cluster into ``base``, equal to the one that the first start there would create.

    Does nothing if ``base`` holds a cluster already, and nothing outside pytest, where the first start creates it.
    """
    if TEMPLATE_DIR_VARIABLE not in os.environ or (base / "data").exists():
        return
    template = _template_cluster(Path(os.environ[TEMPLATE_DIR_VARIABLE]))
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    (base / "log").mkdir(mode=0o700)
    shutil.copytree(template / "data", base / "data")


def _template_cluster(folder: Path) -> Path:
    """Return the template cluster; the first worker creates it while the others wait."""
    template = folder / "template"
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            server = EmbeddedPostgres(template)
            server.start()
            server.stop()
            (folder / "complete").touch()
    return template
