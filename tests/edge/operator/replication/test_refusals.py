"""Errors of ``db replicate`` name their cause and the remedy, and change nothing. None of them needs a second server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from edge.common.config.errors import CommandError, ConfigError, UsageError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres import migrate as migrations
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database, wait_until_ready
from edge.common.postgres.embedded.cluster import USER
from edge.common.postgres.roles import Role
from edge.common.postgres.session_settings import search_path
from edge.operator.replication import names, publish, replication_links, subscribe, unpublish, unsubscribe
from tests.conftest import CHANNEL
from tests.edge.lane_rows import LaneRows

NO_ID = "'00000000-0000-4000-8000-000000000001'::uuid"
Make = Callable[[Connection], Awaitable[None]]
"""Makes a database a hub or a centre."""
BEFORE_REPLICATION = "0006"
"""First characters of the migration that added the tables of the replication."""


def address_of(settings: ServiceSettings) -> str:
    return f"postgresql://{USER}@/{settings.database.db}?host={settings.database.socket_dir}"


async def make_centre(connection: Connection) -> None:
    """Make a database a centre, without any subscription."""
    await connection.execute("update installation set is_centre = true")
    await connection.execute("select build_centre()")


async def make_hub(connection: Connection, hub_id: int) -> None:
    """Make a database a hub; its server warns that it publishes nothing."""
    await connection.execute("select set_hub_number($1)", hub_id)
    await connection.execute("select publish_hub()")


async def test_hub_needs_a_server_with_logical_wal(connection: Connection) -> None:
    with pytest.raises(ConfigError, match="wal_level is replica") as refused:
        await publish(connection, 1)
    assert "alter system set wal_level = 'logical'" in refused.value.hint
    assert await replication_links(connection) == []
    with pytest.raises(CommandError, match="replicates to no centre"):
        await unpublish(connection)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("postgresql://a:secret@hub/archstats", "contains a password"),
        ("postgresql://a@hub/archstats?password=secret", "contains a password"),
        ("host=hub dbname=archstats", "no postgresql:// URI"),
        ("postgresql://[fe80::1/archstats", "no postgresql:// URI"),
    ],
)
async def test_address_is_a_uri_without_a_password(connection: Connection, address: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        await subscribe(connection, address)
    assert "secret" not in f"{refused.value.message} {refused.value.hint}"


async def test_centre_names_the_cause_of_a_hub_it_cannot_use(
    connection: Connection, database_settings: ServiceSettings
) -> None:
    address = address_of(database_settings)
    own = f"/{database_settings.database.db}?"
    with pytest.raises(CommandError, match=r"does not accept the centre .*does not exist"):
        await subscribe(connection, address.replace(own, "/no_such?"))
    with pytest.raises(CommandError, match="has no schema that can be replicated"):
        await subscribe(connection, address.replace(own, "/postgres?"))
    with pytest.raises(CommandError, match="has no hub number yet"):
        await subscribe(connection, address)
    await make_hub(connection, 4)
    with pytest.raises(CommandError, match="belongs to a hub"):
        await subscribe(connection, address)
    with pytest.raises(CommandError, match="no subscription to hub 5"):
        await unsubscribe(connection, 5)


async def test_tables_in_use_are_not_changed(
    connection: Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "LOCK_TIMEOUT", "set local lock_timeout = '10ms'")
    monkeypatch.setattr(names, "ATTEMPTS", 2)
    other = await database.connect()
    async with other.transaction():
        await other.execute("lock table shots")
        with pytest.raises(CommandError, match="the tables are in use"):
            await names.change_tables(connection, "select set_hub_number(2)")
    await other.close()
    assert await connection.fetchval("select hub_id from installation") == 0


async def test_daemons_of_a_hub_do_not_work_at_a_centre(
    connection: Connection, database_settings: ServiceSettings
) -> None:
    await make_centre(connection)
    for role in (Role.SENSOR, Role.SHOTS):
        async with open_database(database_settings, application="test", role=role) as database:
            with pytest.raises(ConfigError, match="centre of several hubs"):
                await wait_until_ready(database)
    async with open_database(database_settings, application="test", role=Role.PUSH) as database:
        await wait_until_ready(database)


@pytest.mark.parametrize("make", [make_centre, lambda connection: make_hub(connection, 3)], ids=["centre", "hub"])
async def test_later_migrations_apply_to_a_hub_and_a_centre(
    empty_database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch, make: Make
) -> None:
    known = migrations.known_migrations()
    # The grants name tables of later migrations; they are applied with them.
    first = tuple(each for each in known if each.name == "replication.sql" or each.name[:4] <= BEFORE_REPLICATION)
    async with open_database(empty_database_settings, application="test") as database:
        connection = await database.connect()
        with monkeypatch.context() as patched:
            patched.setattr(migrations, "known_migrations", lambda: first)
            await migrations.migrate(connection, CHANNEL)
        await make(connection)
        await migrations.migrate(connection, CHANNEL)
        assert (await migrations.schema_state(connection)).current
        left = await connection.fetch(_UNPUBLISHED if make is not make_centre else _INVISIBLE)
        assert [tuple(row) for row in left] == []
        await connection.close()


@pytest.mark.parametrize("make", [make_centre, lambda connection: make_hub(connection, 3)], ids=["centre", "hub"])
async def test_repeating_the_set_up_waits_for_no_writer(connection: Connection, make: Make) -> None:
    await make(connection)
    async with connection.transaction():
        await connection.execute("select publish_hub() from installation where hub_id > 0")
        await connection.execute("select build_centre() from installation where is_centre")
        locked = await connection.fetch(_LOCKED_AGAINST_WRITERS)
    assert [row["relation"] for row in locked] == []


_LOCKED_AGAINST_WRITERS = """
select c.relname::text as relation from pg_locks l join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and c.relnamespace::regnamespace::text in ('public', 'archstats_push')
    and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""

_COLUMNS = """
select t.name, a.attname::text as column from replicated_tables() t
join pg_attribute a on a.attrelid = t.name::regclass and a.attnum > 0 and not a.attisdropped
"""
_UNPUBLISHED = f"""
{_COLUMNS} where a.atttypid <> 'xid8'::regtype
except select tablename::text, unnest(attnames)::text from pg_publication_tables
"""
_INVISIBLE = f"""
{_COLUMNS}
except select table_name::text, column_name::text from information_schema.columns where table_schema = 'archstats_push'
"""


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("readings where device_id = 'hub2/bow-1'", "readings_by_hub_device"),
        ("readings where (stream_id, seq) = (gen_random_uuid(), 1)", "readings_pkey"),
        ("sessions where lane = 2001", "sessions_by_hub_lane"),
        ("shots where session_id = gen_random_uuid()", "shots_by_session"),
        ("arrows where id = gen_random_uuid()", "arrows_pkey"),
    ],
)
async def test_views_of_a_centre_use_its_indexes(connection: Connection, query: str, index: str) -> None:
    await make_centre(connection)
    await connection.execute("set enable_seqscan = off")
    plan = await connection.fetch(f"explain select * from archstats_push.{query.replace('gen_random_uuid()', NO_ID)}")
    assert index in "\n".join(row[0] for row in plan)


async def test_centre_shows_the_lane_of_each_hub(lane: LaneRows) -> None:
    await make_hub(lane.connection, 2)
    await lane.connection.execute("update device_status set chatters = true where device_id = 'target-1'")
    await lane.connection.execute("update installation set hub_id = 0")
    await make_centre(lane.connection)
    await lane.connection.execute(f"set role archstats_push; set search_path = {search_path(Role.PUSH)}")
    assert await lane.connection.fetchval("select lane from sessions") == 2001
    devices = await lane.connection.fetch(
        "select d.id, s.state, s.chatters from devices d join device_status s on s.device_id = d.id"
    )
    assert {tuple(row) for row in devices} == {("hub2/bow-1", "ready", False), ("hub2/target-1", "degraded", True)}
