"""Faults of the database in words for every client: without addresses, paths, names of roles or databases, and SQL.

The log has the server's own words.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from edge.common.postgres.roles import RoleRefused

_CAUSES: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((TimeoutError, asyncpg.QueryCanceledError), "it takes too long"),
    ((asyncpg.CannotConnectNowError,), "it is starting or stopping"),
    ((asyncpg.TooManyConnectionsError,), "it has no free connection"),
    (
        (RoleRefused, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError),
        "it does not let this service in",
    ),
    ((asyncpg.PostgresError,), "it ended the connection"),
    ((OSError, asyncpg.InterfaceError, asyncpg.InternalClientError), "the connection to it failed"),
)
"""The first class that fits names the cause."""


def public_cause(fault: BaseException) -> str:
    """Return why the database does not answer, in words that give nothing of the hub away."""
    return next((words for kinds, words in _CAUSES if isinstance(fault, kinds)), "it cannot be used now")
