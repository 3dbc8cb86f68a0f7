"""Each role has exactly the rights of this matrix, and every other statement is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from edge.common.config.errors import ConfigError
from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database, wait_until_ready
from edge.common.postgres.embedded.cluster import USER, EmbeddedPostgres
from edge.common.postgres.migrate import known_migrations, migrate, schema_state
from edge.common.postgres.roles import LIMITS, TAKEN_BY, Role, RoleRefused, grant_statement, missing_roles
from edge.common.postgres.server_functions import open_server_functions
from edge.operator.database import database_status
from tests.edge.common.postgres.forbidden_statements import OTHER_STATEMENTS, forbidden
from tests.edge.common.postgres.rights import MATRIX, rights_of
from tests.eventually import eventually
from tests.postgres import copy_fresh_cluster

REPEATABLE = tuple(migration.name for migration in known_migrations() if migration.repeatable)
_TABLES = (
    "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')"
)
_GRANTED = """
select c.relname::text as relation, lower(a.privilege_type) as privilege
from pg_class c, aclexplode(c.relacl) a
where c.relnamespace = 'public'::regnamespace and a.grantee = $1::text::regrole
union all
select c.relname::text, lower(a.privilege_type) || '(' || string_agg(t.attname, ',' order by t.attname) || ')'
from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
where c.relnamespace = 'public'::regnamespace and a.grantee = $1::text::regrole
group by c.relname, a.privilege_type
"""


@pytest.fixture
async def owner(database_settings: ServiceSettings) -> AsyncIterator[Connection]:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        yield connection
        await connection.close()


def logged_in_as(settings: ServiceSettings, user: str) -> ServiceSettings:
    return replace(settings, database=replace(settings.database, user=user))


@pytest.fixture(params=list(Role))
async def role(request: pytest.FixtureRequest) -> Role:
    chosen: Role = request.param
    return chosen


@pytest.fixture
async def as_role(database_settings: ServiceSettings, role: Role) -> AsyncIterator[Connection]:
    """A connection that logged in as the role, as on an installed hub: it cannot become another user."""
    async with open_database(logged_in_as(database_settings, role.value), application="test", role=role) as database:
        connection = await database.connect()
        yield connection
        await connection.close()


async def test_every_table_has_a_decision(owner: Connection) -> None:
    tables = {row["relname"] for row in await owner.fetch(_TABLES)}
    assert tables == set(MATRIX)


async def test_grants_equal_the_matrix(owner: Connection, role: Role) -> None:
    granted: dict[str, set[str]] = {table: set() for table in MATRIX}
    for row in await owner.fetch(_GRANTED, role.value):
        granted.setdefault(row["relation"], set()).add(row["privilege"])
    assert granted == {table: rights_of(role, table) for table in MATRIX}


async def test_statements_without_a_grant_are_refused(owner: Connection, as_role: Connection, role: Role) -> None:
    tried = 0
    for table in MATRIX:
        rows = await owner.fetch(
            "select attname::text from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped",
            table,
        )
        columns = [row["attname"] for row in rows]
        for statement in forbidden(table, columns, rights_of(role, table)):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await as_role.execute(statement)
            tried += 1
    assert tried > 40


HEALING = {"has_foreign_xids", "heal_foreign_xids"}
EXECUTED = {
    Role.SENSOR: {"expire_commands"},
    Role.SHOTS: {"end_foreign_lock_holders"} | HEALING,
    Role.PUSH: {"public_state", "hub_lane", "hub_device", "utc_of_boot", "is_not_before"} | HEALING,
    Role.API: {
        "utc_of_boot",
        "is_not_before",
        "expire_commands",
        "mark_programmed_elsewhere",
        "remove_arrow",
        "lock_device",
    },
    Role.OPERATOR: {"utc_of_boot", "expire_commands", "mark_programmed_elsewhere", "lock_device"} | HEALING,
}
"""Functions of the schema that a role may execute by itself."""


async def test_roles_have_no_rights_outside_the_tables(as_role: Connection, role: Role) -> None:
    database = await as_role.fetchval("select quote_ident(current_database())")
    others = [f"set role {other}" for other in Role if other is not role and TAKEN_BY.get(other) is not role]
    for statement in (*OTHER_STATEMENTS, *others):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_role.execute(statement.format(database=database))


async def test_no_role_creates_tables_in_a_migrated_database(empty_database_settings: ServiceSettings) -> None:
    await migrated(empty_database_settings)
    for role in Role:
        async with open_database(empty_database_settings, application="test", role=role) as database:
            connection = await database.connect()
            for kind in ("", "temporary"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"create {kind} table mine (x integer)")
            await connection.close()


async def test_migrate_restores_the_rights_that_a_copy_lacks(owner: Connection) -> None:
    allowed = "select has_database_privilege('archstats_push', current_database(), 'temporary')"
    assert await owner.fetchval(allowed), "the test's database is a copy of a migrated one"
    assert await migrate(owner, "archy") == list(REPEATABLE)
    assert not await owner.fetchval(allowed)
    assert await migrate(owner, "archy") == []


async def test_roles_execute_only_their_functions(owner: Connection, role: Role) -> None:
    rows = await owner.fetch(
        """
        select proname::text as name from pg_proc
        where pronamespace = 'public'::regnamespace and has_function_privilege($1::text, oid, 'execute')
        """,
        role.value,
    )
    assert {row["name"] for row in rows} == EXECUTED[role]


@pytest.mark.parametrize("place", ["hub", "centre"])
async def test_no_function_depends_on_the_search_path_of_its_caller(owner: Connection, place: str) -> None:
    if place == "centre":
        await owner.execute("update installation set is_centre = true; select build_centre()")
    rows = await owner.fetch(
        """
        select proname::text as name, proconfig as config, prosecdef as is_definer from pg_proc
        where pronamespace in ('public'::regnamespace, to_regnamespace('archstats_push')) and prosqlbody is null
        """
    )
    assert {row["name"] for row in rows} >= {"emit_shot_event", "check_face", "publish_hub", "heal_foreign_xids"}
    for row in rows:
        assert row["config"] == ["search_path=pg_catalog, public, pg_temp"], row["name"]


async def test_rights_that_only_a_superuser_can_take_are_reported(
    owner: Connection, database_settings: ServiceSettings
) -> None:
    assert await open_server_functions(owner) == 0
    await owner.execute("grant execute on function lo_creat(integer), pg_advisory_lock(bigint) to public")
    status = await database_status(owner, database_settings.database)
    (warning,) = [text for text in status.warnings if "functions of the server" in text]
    assert "may execute 2 functions" in warning
    assert "db roles | sudo -u postgres psql" in warning
    await migrate(owner, "archy")
    assert await open_server_functions(owner) == 0


async def test_the_server_limits_every_role(owner: Connection, as_role: Connection, role: Role) -> None:
    kept = await owner.fetchval(
        "select setconfig from pg_db_role_setting where setdatabase = 0 and setrole = $1::text::regrole", role.value
    )
    assert set(kept) == {f"{name}={value}" for name, value in LIMITS.items()}
    assert await as_role.fetchval("show idle_in_transaction_session_timeout") == "5s"
    attributes = await owner.fetchrow("select * from pg_roles where rolname = $1", role.value)
    assert attributes is not None
    for power in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls"):
        assert not attributes[power]


async def test_migrate_renews_the_limits_of_an_earlier_version(owner: Connection) -> None:
    await owner.execute("alter role archstats_push reset idle_session_timeout")
    await owner.execute("update schema_migrations set sha256 = 'older' where name = 'usage.sql'")
    await migrate(owner, "archy")
    limits = await owner.fetchval("select rolconfig from pg_roles where rolname = 'archstats_push'")
    assert set(limits) == {f"{name}={value}" for name, value in LIMITS.items()}


async def test_logging_in_as_a_role_and_taking_it_are_equal(
    database_settings: ServiceSettings, as_role: Connection, role: Role
) -> None:
    assert await as_role.fetchval("select session_user || ' ' || current_user || ' ' || current_setting('role')") == (
        f"{role} {role} none"
    )
    async with open_database(database_settings, application="test") as database:
        taken = await database.acting_as(role).connect()
        assert await taken.fetchval("select current_user") == role
        await taken.close()


@pytest.fixture
async def stranger(owner: Connection) -> AsyncIterator[str]:
    """A user of the server without possessions, rights or memberships."""
    name = await owner.fetchval("select 'stranger_' || pg_backend_pid()")
    await owner.execute(f"create role {name} login")
    try:
        yield name
    finally:
        await owner.execute(f"drop owned by {name}; drop role {name}")


async def test_user_without_the_role_waits_and_logs_the_grant(
    database_settings: ServiceSettings, owner: Connection, stranger: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_database(
        logged_in_as(database_settings, stranger), application="test", role=Role.SHOTS
    ) as database:
        with pytest.raises(RoleRefused):
            await database.connect()
        waiting = asyncio.create_task(wait_until_ready(database))
        await eventually(lambda: bool(caplog.records))
        assert grant_statement(Role.SHOTS, stranger) in caplog.records[0].getMessage()
        await owner.execute(grant_statement(Role.SHOTS, stranger))
        async with asyncio.timeout(20):
            await waiting


async def test_service_without_grants_waits_for_db_migrate(
    database_settings: ServiceSettings, owner: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await owner.execute("revoke all on schema_migrations from archstats_push")
    await owner.execute("update schema_migrations set sha256 = 'older' where name = 'grants.sql'")
    async with open_database(database_settings, application="test", role=Role.PUSH) as database:
        waiting = asyncio.create_task(wait_until_ready(database))
        await eventually(lambda: bool(caplog.records))
        assert "archstats-sensor db migrate" in caplog.records[0].getMessage()
        assert await migrate(owner, "archy") == list(REPEATABLE)
        async with asyncio.timeout(20):
            await waiting


async def test_different_grants_are_not_a_different_schema(owner: Connection) -> None:
    await owner.execute("update schema_migrations set sha256 = 'older' where name = 'grants.sql'")
    state = await schema_state(owner)
    assert (state.missing, state.changed, state.unknown) == (("grants.sql",), (), ())


@pytest.fixture
async def new_server(short_path: Path) -> AsyncIterator[ServiceSettings]:
    """A separate server without migrations. Its owner is the superuser."""
    copy_fresh_cluster(short_path / "pg")
    server = EmbeddedPostgres(short_path / "pg")
    try:
        await asyncio.to_thread(server.start)
        yield ServiceSettings(database=DatabaseSettings(user=USER, socket_dir=server.socket_dir))
    finally:
        await asyncio.to_thread(server.stop)


def database_of(settings: ServiceSettings, name: str, user: str) -> ServiceSettings:
    return replace(settings, database=replace(settings.database, db=name, user=user))


async def migrated(settings: ServiceSettings) -> None:
    async with open_database(settings, application="test") as database:
        connection = await database.connect()
        try:
            await migrate(connection, settings.ws_channel)
        finally:
            await connection.close()


async def test_roles_of_a_new_server(new_server: ServiceSettings) -> None:
    """The first migration creates the roles. An owner without the right gets an error; one with it may also take the roles."""
    async with open_database(new_server, application="test") as database:
        connection = await database.connect()
        names = ["one", "two", "three", "four"]
        for name in ("modest", "trusted"):
            await connection.execute(f"create role {name} login")
        await connection.execute("alter role trusted createrole")
        for name, user in (("modest", "modest"), ("trusted", "trusted"), *((name, USER) for name in names)):
            await connection.execute(f"create database {name} owner {user}")

        with pytest.raises(
            ConfigError, match=r"archstats_sensor.*may not create it.*db roles \| sudo -u postgres psql"
        ):
            await migrated(database_of(new_server, "modest", "modest"))
        assert await missing_roles(connection) == list(Role)

        await asyncio.gather(*(migrated(database_of(new_server, name, USER)) for name in names))
        assert await missing_roles(connection) == []
        await migrated(database_of(new_server, "modest", "modest"))

        for name in ("one", "two", "three", "four", "modest", "archstats"):
            dropped = database_of(new_server, name, USER)
            async with open_database(dropped, application="test") as there:
                inside = await there.connect()
                await inside.execute(f"drop owned by {', '.join(Role)}")
                await inside.close()
        await connection.execute(f"drop role {', '.join(Role)}")
        settings = database_of(new_server, "trusted", "trusted")
        await migrated(settings)
        for role in Role:
            async with open_database(settings, application="test", role=role) as taken, asyncio.timeout(20):
                await wait_until_ready(taken)

        # a copy from another server: the roles of its grants are missing here
        async with open_database(settings, application="test") as own:
            inside = await own.connect()
            await inside.execute(f"drop owned by {', '.join(Role)}; drop role {', '.join(Role)}")
            assert (await schema_state(inside)).missing == REPEATABLE
            assert await migrate(inside, "archy") == list(REPEATABLE)
            await inside.close()
        await connection.close()


def test_user_of_the_login_is_known(database_settings: ServiceSettings) -> None:
    assert Database(database_settings, "test", Role.PUSH).user == database_settings.database.user
    assert Database(ServiceSettings(database=DatabaseSettings()), "test").user == "archstats"
