"""PostgreSQL clusters that are copies of one that was made: making one costs a second of both cores."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from edge.common.postgres.embedded.cluster import EmbeddedPostgres

PLACE = "TESTS_CLUSTER_PLACE"
"""Names the folder of the run's made cluster, to all workers of the run. Unset outside of pytest."""


def give_cluster(base: Path) -> None:
    """Put a cluster that nobody has used into ``base``, as the first start there would make it.

    Does nothing where there is one, and nothing outside of pytest: then the first start makes it.
    """
    if PLACE not in os.environ or (base / "data").exists():
        return
    made = _made(Path(os.environ[PLACE]))
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    (base / "log").mkdir(mode=0o700)
    shutil.copytree(made / "data", base / "data")


def _made(place: Path) -> Path:
    """The made cluster; the first who asks makes it, the others wait."""
    made = place / "made"
    with (place / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            server = EmbeddedPostgres(made)
            server.start()
            server.stop()
            (place / "complete").touch()
    return made
