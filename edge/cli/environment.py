"""The environment a command works in: the process's own, and what its options say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def effective(environ: Mapping[str, str], *, database_dir: Path | None = None) -> dict[str, str]:
    """A copy of ``environ`` in which ``--database-dir`` has been written down as its variable."""
    result = dict(environ)
    if database_dir is not None:
        result["ARCH_STATS_DATABASE_DIR"] = str(database_dir.absolute())
    return result
