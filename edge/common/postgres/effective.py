"""The effective settings of the database: unset ones are replaced by the values used instead."""

from __future__ import annotations

from edge.common.config.settings import DatabaseSettings, plain_settings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import hosts_of
from edge.common.postgres.embedded.cluster import DATABASE, USER
from edge.common.postgres.embedded.paths import PORT, default_base_dir, socket_dir


def effective_settings(settings: DatabaseSettings) -> dict[str, object]:
    """Return all settings of the database by name, with a password masked. None stands for a setting that is not used.

    Raises ConfigError when the embedded server is used and has no home folder.
    """
    values: dict[str, object] = {"embedded": settings.embedded, **plain_settings(settings)}
    if settings.embedded:
        folder = (settings.database_dir or default_base_dir()).absolute()
        place = {"database_dir": str(folder), "socket_dir": str(socket_dir(folder))}
        return values | {"user": USER, "db": DATABASE, "host": None, "port": PORT} | place
    hosts = hosts_of(settings)
    sockets, names = ([host for host in hosts if host.startswith("/") == is_path] for is_path in (True, False))
    return values | {"socket_dir": next(iter(sockets), None), "host": next(iter(names), None), "database_dir": None}


async def describe_location(connection: Connection, settings: DatabaseSettings) -> str:
    """Describe the server of a connection: the folder of the embedded PostgreSQL, or the socket or host, port and user."""
    effective = effective_settings(settings)
    if settings.embedded:
        return f"the embedded PostgreSQL in {effective['database_dir']}"
    if await connection.fetchval("select inet_server_addr() is null"):
        return f"{effective['socket_dir'] or effective['host']}, port {effective['port']}, as {effective['user']}"
    return f"{effective['host']}, port {effective['port']}, as {effective['user']}"
