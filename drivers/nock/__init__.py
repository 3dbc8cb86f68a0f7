"""A nock switch on GPIO pins, with an optional pair of light gates: driver ``bow.nock``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from drivers.nock.driver import BowNock, NockSettings

__all__ = ["BowNock", "NockSettings"]

_HOMES: Final = {"BowNock": "driver", "NockSettings": "driver"}
"""Modules loaded at the first use of a name: the pure parts load no driver."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
