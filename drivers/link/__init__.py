"""The Arch-Stats link: drivers ``bow.link`` and ``target.link``, their sans-IO session, and the codec."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from drivers.link.driver import BowLink, LinkDriver, TargetLink
    from drivers.link.session import LinkSession

__all__ = [
    "BowLink",
    "LinkDriver",
    "LinkSession",
    "TargetLink",
]

_HOMES: Final = {
    "BowLink": "driver",
    "LinkDriver": "driver",
    "LinkSession": "session",
    "TargetLink": "driver",
}
"""Modules loaded at the first use of a name: a simulator that imports the codec loads no driver and no serial port."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
