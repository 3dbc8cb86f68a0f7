"""Which build this is."""

from __future__ import annotations

import platform
from importlib.metadata import version


def version_text() -> str:
    """Name, version and the Python it runs on."""
    return f"archstats {version('archstats-edge')} (Python {platform.python_version()})"
