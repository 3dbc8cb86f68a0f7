"""Connection to PostgreSQL: roles, migrations, notifications and the event feed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.common.postgres.connection import DATABASE_FAULTS, Connection, Pool
    from edge.common.postgres.database import Database, describe_error, open_database, wait_until_ready
    from edge.common.postgres.feed import FeedCursor, FeedEvent, current_cursor, read_page
    from edge.common.postgres.listener import Listener
    from edge.common.postgres.reconnect import Attempt, reconnecting
    from edge.common.postgres.roles import Role

__all__ = [
    "DATABASE_FAULTS",
    "Attempt",
    "Connection",
    "Database",
    "FeedCursor",
    "FeedEvent",
    "Listener",
    "Pool",
    "Role",
    "current_cursor",
    "describe_error",
    "open_database",
    "read_page",
    "reconnecting",
    "wait_until_ready",
]

_HOMES: Final = {
    "Attempt": "reconnect",
    "Connection": "connection",
    "DATABASE_FAULTS": "connection",
    "Database": "database",
    "FeedCursor": "feed",
    "FeedEvent": "feed",
    "Listener": "listener",
    "Pool": "connection",
    "Role": "roles",
    "current_cursor": "feed",
    "describe_error": "database",
    "open_database": "database",
    "read_page": "feed",
    "reconnecting": "reconnect",
    "wait_until_ready": "database",
}
"""Modules loaded at the first use of a name: a command that only needs a folder of the embedded server loads no asyncpg."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
