"""``archstats-sensor address``: the address of the live page, for people and as a QR code for phones."""

from __future__ import annotations

import ipaddress
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.commands.options import DatabaseDir, Json
from edge.cli.environment import effective, refuse_mistyped
from edge.common.config.errors import CommandError
from edge.common.config.load import load_push, load_service
from edge.common.config.settings import PushSettings
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.process.addresses import page_urls
from edge.common.qr_code import qr_code, shows_qr_code
from edge.simulation.access import token_file, with_every_address
from edge.simulation.processes import is_range_running

Operator = Annotated[
    bool,
    typer.Option(
        "--operator",
        help="Add the operator token: a browser that opens this address may change things. Needs the right to read its file.",
    ),
]


def address_command(operator: Operator = False, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Show the address of the live page, with a QR code for phones.

    With --operator it carries the operator token, behind the #, which browsers send to no server.
    """
    environ = effective(os.environ, database_dir=database_dir)
    refuse_mistyped(environ)
    service = load_service(environ)
    if is_range_running(service):
        environ = with_every_address(environ)
    push = load_push(environ)
    pages = page_urls(push.server_host, push.server_port)
    page = pages[0]
    if operator:
        page += f"#operator={_token(push.operator_token_file or token_file(service))}"
    if as_json:
        say(json_object({"page": page, "addresses": pages, "this_machine_only": _is_loopback(push)}))
        return
    say(page)
    if shows_qr_code(sys.stdout):
        sys.stdout.write(qr_code(page) + "\n")
    for other in pages[1:]:
        say(f"On this machine: {other}")
    if _is_loopback(push):
        say(
            "Only this machine can open it. For phones set ARCH_STATS_SERVER_HOST=0.0.0.0 (on a hub in"
            " /etc/archstats/archstats.env, then run `archstats-sensor install` again; elsewhere start archstats-push again)."
        )


def _token(path: Path) -> str:
    """The operator token. Raises CommandError when its file cannot be read."""
    try:
        token = path.read_text("ascii").strip()
    except FileNotFoundError as fault:
        raise CommandError(
            f"there is no operator token ({path} does not exist)",
            hint="Run `archstats-sensor install` on a hub; elsewhere set ARCH_STATS_OPERATOR_TOKEN_FILE to a file with a long random text.",
        ) from fault
    except (OSError, UnicodeDecodeError) as fault:
        cause = fault.strerror if isinstance(fault, OSError) else "it holds other characters than ASCII"
        raise CommandError(
            f"the operator token in {path} cannot be read ({cause})",
            hint="Run it as the user who may read it, or with sudo.",
        ) from fault
    if not token:
        raise CommandError(f"the operator token in {path} is empty", hint="Remove the file, and make a new one.")
    return token


def _is_loopback(push: PushSettings) -> bool:
    """Whether only this machine can open the page."""
    host = push.server_host.strip("[]")
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return host == "localhost"
