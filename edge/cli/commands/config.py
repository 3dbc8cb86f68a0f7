"""``archstats-sensor config``: check the settings without starting anything, and show the effective ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from edge.cli.commands.options import Json, command_group
from edge.cli.daemons.device_config import plan_device
from edge.cli.daemons.sensor import spool_folder
from edge.cli.environment import refuse_mistyped
from edge.common.config.errors import EX_CONFIG, ConfigError
from edge.common.config.load import load_push, load_service
from edge.common.config.settings import plain_settings
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.effective import effective_settings

app = command_group("The settings: check and show them.")

Device = Annotated[str | None, typer.Argument(help="Also check this device's settings.")]


@app.command("check")
def check_command(device: Device = None) -> None:
    """Check every setting and report each fault. Exit status 78 when there is one.

    Opens nothing: archstats-sensor db status shows whether the database answers.
    """
    wrong = False
    for name, check in checks(os.environ, device):
        try:
            check()
        except ConfigError as fault:
            wrong = True
            for part in fault.parts:
                say(f"fault  {name}: {part}")
        else:
            say(f"ok     {name}")
    raise typer.Exit(EX_CONFIG if wrong else 0)


@app.command("show")
def show_command(device: Device = None, as_json: Json = False) -> None:
    """Show the effective settings with their defaults.

    A password is masked.
    """
    service = load_service(os.environ)
    facts: dict[str, object] = {
        "database": effective_settings(service.database),
        **{name: value for name, value in plain_settings(service).items() if name != "database"},
        **plain_settings(load_push(os.environ)),
    }
    if device is not None:
        plan = plan_device(device, os.environ)
        facts["device"] = device
        facts.update(plain_settings(plan.settings))
        facts["spool_dir"] = str(spool_folder(plan.settings, os.environ))
    flat = dict(flatten(facts))
    if as_json:
        say(json_object(flat))
        return
    for key, value in flat.items():
        say(f"{key:<28} {'' if value is None else value}")


def checks(environ: Mapping[str, str], device: str | None) -> list[tuple[str, Callable[[], object]]]:
    """The checks by name, each independent, so that one fault does not hide another."""
    result: list[tuple[str, Callable[[], object]]] = [
        ("database and services", lambda: load_service(environ)),
        ("live page", lambda: load_push(environ)),
    ]
    if device is None:
        result.insert(0, ("names of variables", lambda: refuse_mistyped(environ)))
    else:
        result.append((f"device {device}", lambda: plan_device(device, environ)))
    return result


def flatten(tree: Mapping[str, object], above: str = "") -> list[tuple[str, object]]:
    """Nested settings as dotted names."""
    rows: list[tuple[str, object]] = []
    for key, value in tree.items():
        name = f"{above}.{key}" if above else key
        rows.extend(flatten(value, name) if isinstance(value, Mapping) else [(name, value)])
    return rows
