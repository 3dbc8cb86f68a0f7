"""The embedded PostgreSQL: its binaries, its cluster, its paths and its server process."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.common.postgres.embedded.binaries import Binaries, find_binaries
    from edge.common.postgres.embedded.cluster import DATABASE, USER, EmbeddedPostgres, PostgresStartError
    from edge.common.postgres.embedded.paths import PORT, SOCKET, default_base_dir, socket_dir
    from edge.common.postgres.embedded.server import EmbeddedServer

__all__ = [
    "DATABASE",
    "PORT",
    "SOCKET",
    "USER",
    "Binaries",
    "EmbeddedPostgres",
    "EmbeddedServer",
    "PostgresStartError",
    "default_base_dir",
    "find_binaries",
    "socket_dir",
]

_HOMES: Final = {
    "DATABASE": "cluster",
    "PORT": "paths",
    "SOCKET": "paths",
    "USER": "cluster",
    "Binaries": "binaries",
    "EmbeddedPostgres": "cluster",
    "EmbeddedServer": "server",
    "PostgresStartError": "cluster",
    "default_base_dir": "paths",
    "find_binaries": "binaries",
    "socket_dir": "paths",
}
"""Modules loaded at the first use of a name: a hub with the system's PostgreSQL loads neither cluster nor binaries."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
