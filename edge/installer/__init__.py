"""Install the services on a hub and uninstall them: inspect, plan, apply."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.installer.apply import apply_steps
    from edge.installer.hub import Hub
    from edge.installer.inspect import inspect_hub
    from edge.installer.plan import install_plan
    from edge.installer.uninstall import uninstall_plan

__all__ = ["Hub", "apply_steps", "inspect_hub", "install_plan", "uninstall_plan"]

_HOMES: Final = {
    "Hub": "hub",
    "apply_steps": "apply",
    "inspect_hub": "inspect",
    "install_plan": "plan",
    "uninstall_plan": "uninstall",
}
"""Loaded with their first use: the installed command, which starts before any other, needs none of them."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
