"""Which database the settings come to: what nobody set, as what is used in its place."""

from __future__ import annotations

from edge.common.config.settings import DatabaseSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import hosts_of
from edge.common.postgres.embedded.cluster import DATABASE, USER
from edge.common.postgres.embedded.paths import PORT, default_base_dir, socket_dir


def effective_settings(settings: DatabaseSettings) -> dict[str, object]:
    """All settings of the database, by their names; a password is only said to be set. None where nothing of the kind is used.

    Raises ConfigError when there is no home folder for the embedded one.
    """
    told: dict[str, object] = {"embedded": settings.embedded, **settings.model_dump(mode="json")}
    if settings.embedded:
        folder = (settings.database_dir or default_base_dir()).absolute()
        place = {"database_dir": str(folder), "socket_dir": str(socket_dir(folder))}
        return told | {"user": USER, "db": DATABASE, "host": None, "port": PORT} | place
    hosts = hosts_of(settings)
    sockets, names = ([host for host in hosts if host.startswith("/") == is_path] for is_path in (True, False))
    return told | {"socket_dir": next(iter(sockets), None), "host": next(iter(names), None), "database_dir": None}


async def describe_location(connection: Connection, settings: DatabaseSettings) -> str:
    """For people: the folder of the embedded PostgreSQL, or which of the places of the settings this connection goes to."""
    known = effective_settings(settings)
    if settings.embedded:
        return f"the embedded PostgreSQL in {known['database_dir']}"
    if await connection.fetchval("select inet_server_addr() is null"):
        return f"{known['socket_dir'] or known['host']}, port {known['port']}, as {known['user']}"
    return f"{known['host']}, port {known['port']}, as {known['user']}"
