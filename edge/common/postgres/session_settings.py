"""Settings that every connection of ours brings along, whatever the server, the database or the user has configured.

They go into the startup packet: the server then treats them as the connection's own defaults, which outrank
``postgresql.conf``, ``alter database`` and ``alter role``, and which ``reset all`` restores. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge.common.postgres.roles import LIMITS, Role

PINNED: Final[Mapping[str, str]] = {
    # A reading is acknowledged to its device once its commit has returned.
    "synchronous_commit": "on",
    # Statements read what was committed before each of them. Under a stricter level, concurrent writers fail.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    # Formats of instants, intervals, numbers and literals in SQL texts and in the JSON that clients get.
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
}
"""Settings that promises and statements rest on. Decision 6 judges each, and those that are left to the server."""
SCHEMA: Final = "public"
"""The schema of all tables and functions, on every server."""
CENTRE_VIEWS: Final = "archstats_push"
"""Schema of the views that push reads at the centre instead of the tables."""
READ_SETTINGS: Final = "select name, current_setting(name) as value from unnest($1::text[]) as name"
"""Statement that reads the settings below for :func:`lost_settings` and :func:`durability_warnings`."""
OBSERVED: Final = ("fsync", "full_page_writes", *PINNED, *LIMITS, "search_path", "role")
"""Names of the settings to read."""
KEEPALIVES: Final[Mapping[str, str]] = {
    # The server detects a TCP client that disappeared without closing its connection.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


def search_path(role: Role | None) -> str:
    """The search path of a role's connections; temporary objects come last, so that none hides a table."""
    views = f"{CENTRE_VIEWS}, " if role is Role.PUSH else ""
    return f"{views}{SCHEMA}, pg_temp"


def session_settings(role: Role | None) -> dict[str, str]:
    """The settings of a connection under ``role``; under the login's own rights for None.

    An idle connection of a role is ended: its process hangs, and may hold the lock of a lane. The owner's is not, because
    PostgreSQL's programs work for minutes between two of its statements.
    """
    settings = {**LIMITS, **KEEPALIVES, **PINNED, "search_path": search_path(role)}
    return settings if role is not None else {**settings, "idle_session_timeout": "0"}


def as_pgoptions(settings: Mapping[str, str]) -> str:
    """The settings as the variable ``PGOPTIONS`` of PostgreSQL's own programs."""
    return " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())


def lost_settings(effective: Mapping[str, str], role: Role | None, user: str) -> list[str]:
    """Names of the settings that a connection of ``user`` under ``role`` lost, as behind a pooler that ignores them.

    Not those of :data:`KEEPALIVES`: for a Unix socket, and where the system does not know them, the server shows 0.
    """
    expected = {name: value for name, value in session_settings(role).items() if name not in KEEPALIVES}
    expected["role"] = "none" if role in (None, user) else role.value
    return [name for name, value in expected.items() if effective[name] != value]


def durability_warnings(effective: Mapping[str, str]) -> list[str]:
    """Sentences about the server's settings by which stored readings may be lost with the machine's power."""
    return [text for name, text in _RISKS.items() if effective[name] == "off"]


_RISKS: Final = {
    name: f'{risk}. Run `sudo -u postgres psql -c "alter system set {name} = on" -c "select pg_reload_conf()"`.'
    for name, risk in (
        ("fsync", "The server's fsync is off: a power cut may destroy the whole database"),
        ("full_page_writes", "The server's full_page_writes is off: a power cut may damage tables"),
    )
}
