"""Runtime module: one device's reports become readings in the database."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.sensor.daemon import run_sensor
    from edge.sensor.queue.spool import Spool
    from edge.sensor.store import Device

__all__ = ["Device", "Spool", "run_sensor"]

_HOMES: Final = {"Device": "store", "Spool": "queue.spool", "run_sensor": "daemon"}
"""Loaded with their first use: a command that only names a device needs no daemon."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
