"""One service process: logs, supervision, watchdog and shutdown."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.common.process.logs import Transitions, complain
    from edge.common.process.progress import Progress, Tick, no_tick
    from edge.common.process.run import run_service
    from edge.common.process.supervision import Supervision
    from edge.common.process.systemd import Notifier, inherited_sockets

__all__ = [
    "Notifier",
    "Progress",
    "Supervision",
    "Tick",
    "Transitions",
    "complain",
    "inherited_sockets",
    "no_tick",
    "run_service",
]

_HOMES: Final = {
    "Notifier": "systemd",
    "Progress": "progress",
    "Supervision": "supervision",
    "Tick": "progress",
    "Transitions": "logs",
    "complain": "logs",
    "inherited_sockets": "systemd",
    "no_tick": "progress",
    "run_service": "run",
}
"""Modules loaded at the first use of a name: ``--version`` loads no asyncio."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
