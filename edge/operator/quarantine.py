"""List and settle quarantined reports: those that the database can never store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ReportKind

_ENTRIES = """
select id, device_id, kind, stream_id, seq::text as seq, sqlstate, reason, at, settled_at from quarantine
"""


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One row of ``quarantine``."""

    id: int
    device_id: str
    kind: ReportKind
    stream_id: UUID
    seq: str
    """As text: a number that no integer column holds may be the very reason."""
    sqlstate: str
    reason: str
    """PostgreSQL's message."""
    at: datetime
    settled_at: datetime | None


async def list_quarantine(connection: Connection, *, settled: bool, limit: int) -> list[QuarantineEntry]:
    """The newest entries that are not settled, oldest first; with ``settled`` all of them."""
    rows = await connection.fetch(
        f"select * from ({_ENTRIES} where $1 or settled_at is null order by id desc limit $2) newest order by id",  # noqa: S608
        settled,
        limit,
    )
    return list(map(_entry, rows))


async def settle_quarantine(connection: Connection, ids: Sequence[int]) -> list[QuarantineEntry]:
    """Mark entries as settled, so that the watermarks of their devices may pass them: all of them, or none.

    Raises CommandError when one of them does not exist.
    """
    async with connection.transaction():
        await connection.execute(
            "update quarantine set settled_at = coalesce(settled_at, clock_timestamp()) where id = any($1)", list(ids)
        )
        entries = list(map(_entry, await connection.fetch(f"{_ENTRIES} where id = any($1) order by id", list(ids))))
        unknown = sorted({*ids} - {entry.id for entry in entries})
        if unknown:
            raise CommandError(
                f"there is no quarantine entry {', '.join(map(str, unknown))}, so nothing was settled",
                hint="See `archstats-sensor quarantine list`.",
            )
    return entries


def _entry(row: asyncpg.Record) -> QuarantineEntry:
    return QuarantineEntry(**{**row, "kind": ReportKind(row["kind"])})
