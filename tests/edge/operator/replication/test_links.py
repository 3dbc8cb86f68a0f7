"""Replication that cannot go on: a newer hub, a lost slot, a hub that is away or removed."""

from __future__ import annotations

import pytest

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.operator.replication import LinkState, publish, replication_links, subscribe, unpublish, unsubscribe
from tests.edge.lane_rows import started_ago
from tests.edge.operator.replication.hubs import Centre, ReplicatedHub, range_of_hubs
from tests.edge.shot_rows import add_shot

SETUP = started_ago(600.0)
COPY_SLOT = "pg_16465_sync_16408_7421306482719325184"
"""Slot of a first copy, as PostgreSQL names it: subscription, table and system of the centre."""


async def state_on(hub: ReplicatedHub) -> LinkState:
    (link,) = await replication_links(hub.connection)
    return link.state


async def drop_wal_of_the_slot(connection: Connection) -> None:
    """Write more WAL than the server keeps for a slot."""
    await connection.execute("alter system set max_slot_wal_keep_size = '1MB'")
    await connection.execute("select pg_reload_conf()")
    for _ in range(4):
        await connection.execute("select pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()")
    await connection.execute("checkpoint")


async def migrate_shots(connection: Connection, apply: str) -> None:
    """Add a column to the shots, as a later migration does, and apply replication.sql."""
    await connection.execute("alter table shots add column later integer default 7")
    await connection.execute(f"select {apply}()")


async def test_a_newer_hub_waits_until_the_centre_is_migrated() -> None:
    async with range_of_hubs(SETUP, (1,)) as (centre, (hub,)):
        await migrate_shots(hub.connection, "publish_hub")
        shot = await add_shot(hub.lane)
        await centre.until_states({1: LinkState.AWAY})
        assert await centre.connection.fetchval("select count(*) from shots") == 0
        (link,) = await replication_links(centre.connection)
        assert "upgrade the centre" in str(link.hint)
        await migrate_shots(centre.connection, "build_centre")
        await centre.until_equal(hub)
        row = await centre.connection.fetchrow("select id, lane, later from archstats_push.shots")
        assert tuple(row or ()) == (shot, 1001, 7)


async def test_a_lost_slot_is_reported_and_all_rows_are_copied_anew() -> None:
    async with range_of_hubs(SETUP, (1,)) as (centre, (hub,)):
        await hub.link.refuse()
        await add_shot(hub.lane)
        await drop_wal_of_the_slot(hub.connection)
        assert await state_on(hub) is LinkState.LOST
        await hub.link.accept()
        assert await unsubscribe(centre.connection, 1)
        assert await state_on(hub) is LinkState.NOT_SUBSCRIBED
        with pytest.raises(CommandError, match="rows of hub 1 from an earlier subscription") as refused:
            await subscribe(centre.connection, hub.address)
        assert "--replace" in refused.value.hint
        assert (await subscribe(centre.connection, hub.address, replace=True)).is_new
        await centre.until_equal(hub)
        assert not (await subscribe(centre.connection, hub.address)).is_new
        await centre.until_states({1: LinkState.STREAMING})


async def test_a_hub_that_is_away_is_removed_on_both_sides() -> None:
    async with range_of_hubs(SETUP, (1,)) as (centre, (hub,)):
        await add_shot(hub.lane)
        await centre.until_equal(hub)
        with pytest.raises(CommandError, match="the centre is connected"):
            await unpublish(hub.connection)
        with pytest.raises(CommandError, match="is hub 1 already"):
            await publish(hub.connection, 2)
        await hub.link.refuse()
        assert not await unsubscribe(centre.connection, 1)
        assert await centre.connection.fetchval("select count(*) from shots where hub_id = 1") == 1
        await hub.connection.execute("select pg_create_logical_replication_slot($1, 'pgoutput')", COPY_SLOT)
        assert await unpublish(hub.connection) == ["archstats_hub_1", COPY_SLOT]
        assert await replication_links(hub.connection) == []
        assert await hub.connection.fetchval("select array_agg(distinct hub_id) from shots") == [0]
        await publish(hub.connection, 2)
        await hub.link.accept()
        with pytest.raises(CommandError, match="copy of hub 1's, or the same database under another number"):
            await subscribe(centre.connection, hub.address)
        await refuse_a_centre_as_hub(centre)


async def refuse_a_centre_as_hub(centre: Centre) -> None:
    with pytest.raises(CommandError, match="this database is the centre"):
        await publish(centre.connection, 3)
