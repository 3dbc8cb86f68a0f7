"""The push service: events to browsers as server-sent events and WebSocket messages, the live page, and the HTTP API."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.push.service import run_push

__all__ = [
    "run_push",
]

_HOMES: Final = {
    "run_push": "service",
}
"""Modules loaded at the first use of a name: the static files are found without the web server."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
