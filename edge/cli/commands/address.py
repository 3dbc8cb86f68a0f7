"""``archstats-sensor address``: the address of the live page, for people and as a QR code for phones."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import sys
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Timer
from typing import Annotated, Final
from urllib.parse import quote, urlsplit

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
from edge.simulation.access import as_running_range, token_file

ANSWER_WITHIN_S: Final = 2.0
"""Longest wait for the page to show that it is ours."""
MOST_BYTES: Final = 100_000
"""Longest report of ``/healthz`` that is read."""

Operator = Annotated[
    bool,
    typer.Option(
        "--operator",
        help="Add the operator token: a browser that opens this address may change things. Needs the right to read its file.",
    ),
]


def address_command(operator: Operator = False, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Show the address of the live page, with a QR code for phones.

    With --operator it carries the operator token, behind the #, which browsers send to no server. The page must run.
    """
    environ = effective(os.environ, database_dir=database_dir)
    refuse_mistyped(environ)
    service = load_service(environ)
    push = load_push(as_running_range(environ, service))
    pages = page_urls(push.server_host, push.server_port)
    page = pages[0]
    if operator:
        token = _token(push.operator_token_file or token_file(service))
        _require_our_page(pages[-1])
        page += f"#operator={quote(token, safe='')}"
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


def _require_our_page(page: str) -> None:
    """Raise CommandError unless the live page answers there: no other program gets a browser that carries the token."""
    if not _is_ours(page):
        raise CommandError(
            f"the live page does not answer at {page}, so its operator token is not shown",
            hint=(
                "Start it (on a hub `sudo systemctl start archstats.target`, elsewhere archstats-push or"
                " `archstats-sensor --simulate`), or name its address with ARCH_STATS_SERVER_HOST and ARCH_STATS_SERVER_PORT."
            ),
        )


def _is_ours(page: str) -> bool:
    """Whether ``/healthz`` beneath an address answers as the live page does, within ``ANSWER_WITHIN_S``."""
    until = time.monotonic() + ANSWER_WITHIN_S
    with suppress(OSError, HTTPException, ValueError):
        place = urlsplit(page)
        connection = HTTPConnection(place.hostname or "", place.port, timeout=ANSWER_WITHIN_S)
        try:
            connection.connect()
            end = Timer(max(0.0, until - time.monotonic()), _shut, (connection.sock,))  # also for an answer that drips
            end.start()
            try:
                connection.request("GET", "/healthz")
                report = json.loads(connection.getresponse().read(MOST_BYTES))
            finally:
                end.cancel()
                end.join()
        finally:
            connection.close()
        checks = report.get("checks") if isinstance(report, dict) else None
        return isinstance(checks, dict) and {"database", "listener", "feed", "connections"} <= checks.keys()
    return False


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        sock.shutdown(socket.SHUT_RDWR)


def _is_loopback(push: PushSettings) -> bool:
    """Whether only this machine can open the page."""
    host = push.server_host.strip("[]")
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return host == "localhost"
