"""``archstats-sensor db replicate``: many hubs, one centre. ``docs/scaling.md`` shows the whole way."""

from __future__ import annotations

import socket
from dataclasses import asdict
from typing import Annotated

import typer

from edge.cli.commands.options import DatabaseDir, Json
from edge.cli.operator_connection import on_database
from edge.common.config.errors import UsageError
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.connection import Connection
from edge.operator.replication import (
    ReplicationLink,
    publish,
    replication_links,
    subscribe,
    unpublish,
    unsubscribe,
)
from edge.operator.replication.names import REPLICATION_ROLE, place_of

MEGABYTE = 1_000_000
PASSWORD_FILE = "/var/lib/postgresql/.pgpass"  # noqa: S105 - a place, no password
"""File of the centre's server with the passwords of the hubs."""


def replicate_command(
    hub: Annotated[
        int | None,
        typer.Option(min=1, max=999, help="On a hub: its number at the centre. With --remove: the hub to end."),
    ] = None,
    address: Annotated[
        str | None, typer.Option("--from", metavar="URI", help="At the centre: the hub's database, as --hub prints it.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="With --from: delete the centre's rows of the hub and copy all anew.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Show the replication of this database.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="End the replication of this hub, or at the centre of --hub.")
    ] = False,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Replicate this hub to a centre, or subscribe a centre."""
    modes = [status, remove, address is not None, hub is not None and not remove]
    if sum(modes) != 1 or (replace and address is None) or (as_json and not status):
        raise UsageError(
            "db replicate takes one of --hub, --from, --status and --remove; --replace belongs to --from, --json to --status",
            hint="On a hub run `archstats-sensor db replicate --hub 1`. See docs/scaling.md.",
        )

    async def run(connection: Connection) -> None:
        if status:
            await _show(connection, as_json=as_json)
        elif remove:
            await _remove(connection, hub)
        elif address is not None:
            await _subscribe(connection, address, replace=replace)
        elif hub is not None:
            await _publish(connection, hub)

    on_database(run, database_dir, any_schema=True)


async def _publish(connection: Connection, hub: int) -> None:
    warnings = await publish(connection, hub)
    database = await connection.fetchval("select current_database()")
    port = await connection.fetchval("show port")
    say(f"this database is hub {hub}; its lane 1 is lane {hub}001 at the centre")
    for warning in warnings:
        say(f"warning: {warning}")
    say(f"Set a password once: `sudo -u postgres psql -c '\\password {REPLICATION_ROLE}'`. Then run at the centre:")
    address = f"postgresql://{REPLICATION_ROLE}@{socket.gethostname()}:{port}/{database}?passfile={PASSWORD_FILE}"
    say(f'  archstats-sensor db replicate --from "{address}"')


async def _subscribe(connection: Connection, address: str, *, replace: bool) -> None:
    done = await subscribe(connection, address, replace=replace)
    if done.is_new:
        say(f"subscribed to hub {done.hub_id}; `archstats-sensor db replicate --status` shows the first copy")
    else:
        say(f"renewed the subscription to hub {done.hub_id}")


async def _remove(connection: Connection, hub: int | None) -> None:
    place = await place_of(connection)
    if not place.is_centre:
        if hub not in (None, place.hub_id):
            raise UsageError(
                f"this database is not the centre, and not hub {hub}, so nothing was removed",
                hint=f"Run this command at the centre, or on hub {hub} itself.",
            )
        slots = await unpublish(connection)
        say(f"this hub replicates no longer; dropped {', '.join(slots) or 'no slot'}")
    elif hub is None:
        raise UsageError(
            "at the centre --remove needs the number of the hub", hint="Add `--hub N`; `--status` lists the hubs."
        )
    elif await unsubscribe(connection, hub):
        say(f"the subscription to hub {hub} has ended; its rows stay at the centre")
    else:
        say(f"the subscription to hub {hub} has ended, but the hub does not answer and keeps WAL for it")
        say("Run on the hub: archstats-sensor db replicate --remove")


async def _show(connection: Connection, *, as_json: bool) -> None:
    links = await replication_links(connection)
    for link in links:
        say(json_object({**asdict(link), "hint": link.hint}) if as_json else _line(link))
    if not links and not as_json:
        say("this database takes part in no replication")


def _line(link: ReplicationLink) -> str:
    parts = [f"hub {link.hub_id}: {link.state}"]
    if link.behind_bytes is not None:
        parts.append(f"{link.behind_bytes / MEGABYTE:.1f} MB not confirmed by the centre")
    if link.until_lost_bytes is not None:
        parts.append(f"{link.until_lost_bytes / MEGABYTE:.0f} MB until the limit")
    if link.heard_s is not None:
        parts.append(f"last message {link.heard_s:.0f} s ago")
    if link.errors:
        parts.append(f"{link.errors} interruptions")
    return ", ".join(parts) + (f". {link.hint}" if link.hint else "")
