"""``archstats-sensor install`` and ``uninstall``: the services on this hub."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from edge.common.console import say
from edge.common.qr_code import show_qr_code, shows_qr_code
from edge.installer.apply import apply_steps, needed
from edge.installer.env_files import is_loopback, listen_stream
from edge.installer.hub import THIS_MACHINE, Hub
from edge.installer.inspect import inspect_hub, live_page, require_foundations, require_root, source
from edge.installer.plan import install_plan, next_steps
from edge.installer.steps import Step
from edge.installer.uninstall import remaining_lines, uninstall_plan

Prefix = Annotated[
    Path, typer.Option(help="Fill this folder for another machine that will boot from it, instead of this machine.")
]
From = Annotated[Path, typer.Option(help="Remove it from this folder, which another machine boots from.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the steps without taking them.")]


def install_command(prefix: Prefix = THIS_MACHINE, dry_run: DryRun = False) -> None:
    """Install the services, or bring them up to this version. Repeating it is safe; settings and data stay."""
    root = prefix.absolute()
    hub = dataclasses.replace(inspect_hub(os.environ, root), source=source())
    steps = install_plan(hub, root)
    if dry_run:
        _show(steps, root)
        return
    if root == THIS_MACHINE:
        require_root()
        require_foundations(hub)
    apply_steps(steps, root, say)
    page = live_page(hub, root)
    for line in next_steps(hub, page):
        say(line)
    if root == THIS_MACHINE:
        _show_code(hub, page.partition(" and ")[0])


def uninstall_command(
    prefix: From = THIS_MACHINE,
    dry_run: DryRun = False,
    purge: Annotated[
        bool,
        typer.Option("--purge", help="Remove also settings, spooled readings, users, and the database with all shots."),
    ] = False,
) -> None:
    """Stop the services and remove them. Settings and data stay, unless --purge is given."""
    root = prefix.absolute()
    hub = inspect_hub(os.environ, root)
    steps = uninstall_plan(hub, root, purge=purge)
    remaining = remaining_lines(hub, purge=purge)  # before: afterwards the program itself is gone
    if dry_run:
        _show(steps, root)
        return
    if root == THIS_MACHINE:
        require_root()
    apply_steps(steps, root, say)
    for line in remaining:
        say(line)


def _show_code(hub: Hub, page: str) -> None:
    """Show the page's address as a QR code where phones can open it and standard output is a terminal."""
    if shows_qr_code(sys.stdout) and not is_loopback(listen_stream(hub.settings)):
        say(f"For phones: {page}")
        show_qr_code(page)


def _show(steps: Sequence[Step], root: Path) -> None:
    for step in steps:
        say(f"{step}{'' if needed(step, root) else '  (nothing to change)'}")
