"""Install the services on a hub and uninstall them: inspect, plan, apply."""

from __future__ import annotations

from edge.installer.apply import apply_steps
from edge.installer.hub import Hub
from edge.installer.inspect import inspect_hub
from edge.installer.plan import install_plan
from edge.installer.uninstall import uninstall_plan

__all__ = ["Hub", "apply_steps", "inspect_hub", "install_plan", "uninstall_plan"]
