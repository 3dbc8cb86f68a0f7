"""The centre's side: subscribe to a hub, or end that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError, ConfigError, UsageError
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import describe_error
from edge.common.postgres.migrate import known_migrations
from edge.common.postgres.roles import first_line, quoted
from edge.common.postgres.session_settings import session_settings
from edge.operator.replication.names import PUBLICATIONS, Place, change_tables, place_of, slot_name

CONNECT_TIMEOUT_S = 10.0
SUBSCRIBE_TIMEOUT_S = 60.0
"""Longest wait for a hub that creates or drops its slot; it waits for transactions that run."""
DELETE_TIMEOUT_S = 600.0
"""Longest deletion of a hub's former rows."""
COMPARED_SESSIONS = 100
"""Number of a hub's oldest sessions that are looked up at the centre, to detect a copied database."""
_CONNECT_FAULTS: tuple[type[Exception], ...] = (*DATABASE_FAULTS, ValueError)
"""Errors of an attempt to connect; a malformed address raises ValueError."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription to a hub."""

    hub_id: int
    is_new: bool
    """False when it existed and only its address and tables were renewed."""


@dataclass(frozen=True, slots=True)
class _Hub:
    hub_id: int
    migrations: Sequence[str]
    sessions: Sequence[UUID]


async def subscribe(connection: Connection, address: str, *, replace: bool = False) -> Subscribed:
    """Subscribe to the hub at ``address`` (a postgresql:// URI without password), or renew that subscription.

    The first subscription makes this database the centre. ``replace`` deletes the rows that the centre has of the hub, and
    copies all anew. Raises UsageError, ConfigError or CommandError with the remedy; nothing is subscribed then.
    """
    _refuse_password(address)
    place = await place_of(connection)
    hub = await _describe_hub(address)
    _refuse_newer(hub)
    await _refuse_unfit(connection, place, hub)
    if not place.is_centre:
        await change_tables(connection, "update installation set is_centre = true", "select build_centre()")
    name = slot_name(hub.hub_id)
    if await _is_subscribed(connection, hub.hub_id):
        await connection.execute(f"alter subscription {name} connection {_literal(address)}")
        await connection.execute(f"alter subscription {name} refresh publication", timeout=SUBSCRIBE_TIMEOUT_S)
        return Subscribed(hub.hub_id, is_new=False)
    await _require_no_rows(connection, hub.hub_id, replace=replace)
    await _require_workers(connection)
    try:
        await connection.execute(
            f"create subscription {name} connection {_literal(address)} publication {PUBLICATIONS} with (streaming = off)",
            timeout=SUBSCRIBE_TIMEOUT_S,
        )
    except asyncpg.PostgresConnectionError as fault:
        raise CommandError(
            f"the centre's server cannot connect to the hub ({first_line(fault)})",
            hint="The address must work from the server itself: see the checks in docs/scaling.md.",
        ) from fault
    except asyncpg.DuplicateObjectError as fault:
        raise CommandError(
            f"hub {hub.hub_id} keeps a slot for another subscription ({first_line(fault)})",
            hint="If that centre is gone, run `archstats-sensor db replicate --remove` and then `--hub` again on the hub.",
        ) from fault
    return Subscribed(hub.hub_id, is_new=True)


async def unsubscribe(connection: Connection, hub_id: int) -> bool:
    """End the subscription to a hub; its rows stay. Returns whether the hub dropped its slot too.

    Raises CommandError when there is no such subscription.
    """
    name = slot_name(hub_id)
    if not await _is_subscribed(connection, hub_id):
        raise CommandError(
            f"there is no subscription to hub {hub_id}", hint="See `archstats-sensor db replicate --status`."
        )
    try:
        await connection.execute(f"drop subscription {name}", timeout=SUBSCRIBE_TIMEOUT_S)
    except (asyncpg.PostgresConnectionError, TimeoutError):
        for change in (f"alter subscription {name} disable", f"alter subscription {name} set (slot_name = none)"):
            await connection.execute(change)
        await connection.execute(f"drop subscription {name}", timeout=SUBSCRIBE_TIMEOUT_S)
        return False
    return True


def _refuse_password(address: str) -> None:
    try:
        parts = urlsplit(address)
    except ValueError:  # such as an IPv6 address without its last bracket
        parts = urlsplit("")
    if parts.scheme not in ("postgresql", "postgres"):
        raise UsageError(
            "the hub's address is no postgresql:// URI",
            hint="Write it like postgresql://archstats_replication@hub-2.local/archstats.",
        )
    if parts.password is not None or "password" in parse_qs(parts.query):
        raise UsageError(
            "the hub's address contains a password, which other users of this machine can see",
            hint="Leave it out and put it into the file .pgpass of the server's user, as docs/scaling.md shows.",
        )


async def _describe_hub(address: str) -> _Hub:
    try:
        hub: Connection = await asyncpg.connect(
            address,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=CONNECT_TIMEOUT_S,
            server_settings=session_settings(None),
        )
    except _CONNECT_FAULTS as fault:
        raise CommandError(
            f"the hub does not accept the centre ({describe_error(fault)})",
            hint="Check the address, the hub's listen_addresses and pg_hba.conf, and the password in .pgpass: docs/scaling.md.",
        ) from fault
    try:
        hub_id = await hub.fetchval("select hub_id from installation")
        migrations = await hub.fetch("select name from schema_migrations where name ~ '^[0-9]'")
        sessions = await hub.fetch("select id from sessions order by start_time limit $1", COMPARED_SESSIONS)
    except asyncpg.SyntaxOrAccessError as fault:
        raise CommandError(
            f"the hub's database has no schema that can be replicated ({first_line(fault)})",
            hint="Upgrade the hub, and check the name of the database at the end of the address.",
        ) from fault
    finally:
        hub.terminate()
    if not hub_id:
        raise CommandError(
            "the database at that address has no hub number yet",
            hint="Run `archstats-sensor db replicate --hub N` on the hub first.",
        )
    return _Hub(hub_id, [row["name"] for row in migrations], [row["id"] for row in sessions])


def _refuse_newer(hub: _Hub) -> None:
    unknown = sorted(set(hub.migrations) - {migration.name for migration in known_migrations()})
    if unknown:
        raise ConfigError(
            f"the schema of hub {hub.hub_id} is newer than the centre's ({', '.join(unknown)})",
            hint="Upgrade Arch-Stats at the centre first and run `archstats-sensor db migrate` there.",
        )


async def _refuse_unfit(connection: Connection, place: Place, hub: _Hub) -> None:
    own = "select exists (select from devices) or exists (select from sessions)"
    if place.hub_id or (not place.is_centre and await connection.fetchval(own)):
        raise CommandError(
            "this database belongs to a hub: it has devices or sessions of its own",
            hint="Give the centre a new database, for example with `POSTGRES_DB=centre archstats-sensor db init`.",
        )
    if not place.is_centre:
        return
    twin = await connection.fetchval(
        "select min(hub_id) from sessions where id = any($1) and hub_id <> $2", list(hub.sessions), hub.hub_id
    )
    if twin:
        raise CommandError(
            f"the database of hub {hub.hub_id} is a copy of hub {twin}'s, or the same database under another number",
            hint="Use each hub's own address; give a hub that was cloned a new, empty database.",
        )


async def _require_no_rows(connection: Connection, hub_id: int, *, replace: bool) -> None:
    tables = [row["name"] for row in await connection.fetch("select name from replicated_tables()")]
    if replace:
        async with connection.transaction():
            await connection.execute(
                "set local session_replication_role = 'replica'"
            )  # corrections refuse deletion else
            for table in tables:
                await connection.execute(
                    f"delete from {quoted(table)} where hub_id = $1",  # noqa: S608 - names from the schema
                    hub_id,
                    timeout=DELETE_TIMEOUT_S,
                )
        return
    for table in tables:
        if await connection.fetchval(f"select exists (select from {quoted(table)} where hub_id = $1)", hub_id):  # noqa: S608
            raise CommandError(
                f"the centre has rows of hub {hub_id} from an earlier subscription",
                hint="Add `--replace` to delete them and copy all rows of the hub anew. Make a backup first if the hub "
                "no longer has them: `archstats-sensor db backup`.",
            )


async def _require_workers(connection: Connection) -> None:
    """Raise ConfigError when the server has no worker left for one more subscription and its first copy."""
    count = await connection.fetchval("select count(*) from pg_subscription")
    origins = await connection.fetchval("select current_setting('max_active_replication_origins', true) is not null")
    for setting, needed in (
        ("max_logical_replication_workers", count + 2),
        ("max_worker_processes", count + 4),
        # PostgreSQL 18 has a setting of its own for the positions that a subscriber keeps.
        ("max_active_replication_origins" if origins else "max_replication_slots", count + 3),
    ):
        if int(await connection.fetchval("select current_setting($1)", setting)) < needed:
            raise ConfigError(
                f"the server's {setting} is too low for {count + 1} hubs",
                hint=f'Run `sudo -u postgres psql -c "alter system set {setting} = {2 * needed}"`, restart the server, '
                "then run this command again.",
            )


async def _is_subscribed(connection: Connection, hub_id: int) -> bool:
    found: bool = await connection.fetchval(
        "select exists (select from pg_subscription s join pg_database d on d.oid = s.subdbid"
        " where d.datname = current_database() and s.subname = $1)",
        slot_name(hub_id),
    )
    return found


def _literal(text: str) -> str:
    """Return an SQL literal, since this statement takes no parameters."""
    return "'" + text.replace("'", "''") + "'"
