"""The state of the replication: the centre's slot on a hub, every hub's subscription at the centre."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from edge.common.postgres.connection import Connection
from edge.operator.replication.names import place_of


class LinkState(StrEnum):
    """State of one hub's replication."""

    STREAMING = "streaming"
    COPYING = "copying"
    """The first copy of some tables is not complete."""
    AWAY = "away"
    """The other side is not connected, or the centre cannot apply a change and tries again; rows wait on the hub."""
    NOT_SUBSCRIBED = "not subscribed"
    """No centre has subscribed to this hub yet."""
    LOST = "lost"
    """The hub dropped WAL that the centre had not received: subscribe again with --replace."""


_HINTS = {
    LinkState.AWAY: "Check the network and the other server. If both are well, the centre's PostgreSQL log has the cause; "
    "when a table or column is missing, upgrade the centre.",
    LinkState.NOT_SUBSCRIBED: "Run `archstats-sensor db replicate --from` at the centre.",
    LinkState.LOST: "At the centre run `archstats-sensor db replicate --remove --hub N`, then `--from` with `--replace`.",
}


@dataclass(frozen=True, slots=True)
class ReplicationLink:
    """One hub's replication, as this database sees it."""

    hub_id: int
    state: LinkState
    behind_bytes: int | None = None
    """On the hub: WAL that the centre has not confirmed."""
    until_lost_bytes: int | None = None
    """On the hub: WAL until the slot is lost (max_slot_wal_keep_size); None without that limit."""
    heard_s: float | None = None
    """At the centre: time since the last message of the hub."""
    errors: int = 0
    """At the centre: interrupted connections and failed changes since the subscription was made."""

    @property
    def hint(self) -> str | None:
        """The remedy; None while all is well."""
        return _HINTS.get(self.state)


_SLOTS = """
select slot_name::text as name, active, wal_status,
    pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint as behind_bytes, safe_wal_size
from pg_replication_slots where database = current_database() and slot_name like 'archstats_hub_%' order by slot_name
"""
_SUBSCRIPTIONS = """
select substr(s.subname::text, length('archstats_hub_') + 1)::integer as hub_id,
    -- A worker that fails at a change is started again and again: it counts once it has worked for a while.
    w.pid is not null and (c.apply_error_count = 0
        or coalesce(a.backend_start < clock_timestamp() - interval '2 s', true)) as connected,
    extract(epoch from clock_timestamp() - w.last_msg_receipt_time)::float8 as heard_s,
    c.apply_error_count + c.sync_error_count as errors,
    exists (select from pg_subscription_rel r where r.srsubid = s.oid and r.srsubstate <> 'r') as copying
from pg_subscription s join pg_database d on d.oid = s.subdbid and d.datname = current_database()
left join pg_stat_subscription w on w.subid = s.oid and w.relid is null and w.last_msg_receipt_time is not null
left join pg_stat_activity a on a.pid = w.pid
left join pg_stat_subscription_stats c on c.subid = s.oid
where s.subname like 'archstats_hub_%' order by 1
"""


async def replication_links(connection: Connection) -> list[ReplicationLink]:
    """Describe the replication of this database: one link on a hub, one for each hub at the centre, else none."""
    place = await place_of(connection)
    if place.is_centre:
        return [_of_subscription(row) for row in await connection.fetch(_SUBSCRIPTIONS)]
    if not place.hub_id:
        return []
    slots = await connection.fetch(_SLOTS)
    return [_of_slot(place.hub_id, row) for row in slots] or [ReplicationLink(place.hub_id, LinkState.NOT_SUBSCRIBED)]


def _of_slot(hub_id: int, row: asyncpg.Record) -> ReplicationLink:
    state = LinkState.STREAMING if row["active"] else LinkState.AWAY
    if row["wal_status"] == "lost":
        state = LinkState.LOST
    return ReplicationLink(hub_id, state, behind_bytes=row["behind_bytes"], until_lost_bytes=row["safe_wal_size"])


def _of_subscription(row: asyncpg.Record) -> ReplicationLink:
    state = LinkState.AWAY
    if row["connected"]:
        state = LinkState.COPYING if row["copying"] else LinkState.STREAMING
    return ReplicationLink(row["hub_id"], state, heard_s=row["heard_s"], errors=row["errors"] or 0)
