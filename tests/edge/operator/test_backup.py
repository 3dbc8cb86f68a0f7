"""A backup is complete, a restored database keeps working, and a failure changes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.embedded.cluster import USER
from edge.common.postgres.feed import current_cursor, read_page
from edge.common.postgres.migrate import schema_state
from edge.operator.postgres_tools import client_for
from tests.acceptance.simulated_range import clean_environment
from tests.edge.operator.arrows.command_rows import OTHER_TID, add_arrow, add_scanner, end, programmed, request, start
from tests.warm_programs import WarmPrograms

Command = Callable[..., subprocess.CompletedProcess[str]]
OTHER = "restored_here"
EVENT = "insert into events (type, lane, data) values ('reading.orphan', 1, '{}')"


@pytest.fixture
def command(database_settings: ServiceSettings, tmp_path: Path, programs: WarmPrograms) -> Command:
    """Runs ``archstats-sensor db`` on the test's database, or on another database of its server."""

    def run(*words: str, db: str | None = None) -> subprocess.CompletedProcess[str]:
        own = database_settings.database
        environment = clean_environment(
            POSTGRES_USER=own.user, POSTGRES_DB=db or own.db, POSTGRES_SOCKET_DIR=str(own.socket_dir)
        )
        return programs.run("archstats-sensor", "db", *words, environment=environment, folder=tmp_path)

    return run


@asynccontextmanager
async def connected(settings: ServiceSettings, db: str | None = None) -> AsyncIterator[Connection]:
    own = settings.database
    connection: Connection = await asyncpg.connect(host=str(own.socket_dir), user=USER, database=db or own.db)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def other_database(settings: ServiceSettings) -> AsyncIterator[str]:
    """The name of a database that does not exist yet; gone afterwards."""
    yield OTHER
    async with connected(settings, "postgres") as connection:
        await connection.execute(f"drop database if exists {OTHER} with (force)")


async def fill(connection: Connection) -> None:
    """Insert rows into most tables."""
    await connection.execute("insert into devices (id, kind, driver, lane) values ('bow-1', 'bow', 'bow.link', 1)")
    await connection.execute("insert into sessions (start_time, location) values (now(), 'hall')")
    await connection.execute(
        "insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)"
        " values ('bow-1', gen_random_uuid(), 1, 'release', now(), gen_random_uuid(), now(), 'simulator')"
    )
    for _ in range(3):
        await connection.execute(EVENT)


UNASSEMBLED = "select kind from readings where xid >= (select min(before_xid) from assembly_progress)"

CHANGED = "select count(*) from session_changes where xid >= (select min(before_xid) from assembly_progress)"


async def assemble_and_add_reading(connection: Connection) -> None:
    """Mark all readings as assembled and insert one more."""
    await connection.execute("update assembly_progress set before_xid = pg_snapshot_xmax(pg_current_snapshot())")
    await connection.execute(
        "insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)"
        " values ('bow-1', gen_random_uuid(), 1, 'engage', now(), gen_random_uuid(), now(), 'simulator')"
    )


async def test_restore_brings_back_everything_and_feed_continues(
    database_settings: ServiceSettings, command: Command, tmp_path: Path
) -> None:
    async with connected(database_settings) as connection:
        before = await current_cursor(connection)
        await fill(connection)
        await assemble_and_add_reading(connection)
        expected = [tuple(row) for row in await connection.fetch("select id, location, start_time from sessions")]
    assert command("backup", "range.backup").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["range.backup"]
    async with other_database(database_settings) as name:
        done = command("restore", "range.backup", db=name)
        assert done.returncode == 0, done.stderr
        assert "restored 1 sessions" in done.stdout
        async with connected(database_settings, name) as connection:
            assert (await schema_state(connection)).current
            rows = await connection.fetch("select id, location, start_time from sessions")
            assert [tuple(row) for row in rows] == expected
            assert (await read_page(connection, before, 10)).gap, "a new epoch of the database"
            cursor = await current_cursor(connection)
            await connection.execute(EVENT)
            page = await read_page(connection, cursor, 10)
            assert [event.type for event in page.events] == ["reading.orphan"]
            assert await connection.fetchval("select count(*) from readings where xid >= '0'::xid8") == 2
            assert await connection.fetchval(CHANGED) == 0, "sessions that were assembled are not all loaded again"
            assert [row["kind"] for row in await connection.fetch(UNASSEMBLED)] == ["engage"], (
                "only readings that were not assembled yet"
            )
            await connection.execute("set role archstats_push")
            assert await connection.fetchval("select count(*) from sessions") == 1
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("delete from sessions")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("create temporary table mine (x integer)")


STATES = """
select human_identifier, is_programmed, is_locked, is_write_unfinished, is_tag_unknown, tag_tid is null as has_no_tag, is_active
from arrows order by human_identifier
"""


async def test_restored_arrows_may_have_tags_by_now(database_settings: ServiceSettings, command: Command) -> None:
    """An arrow that was programmed after the backup is not programmed in it: its UUID must not get into a second tag."""
    async with connected(database_settings) as connection:
        await add_scanner(connection)
        arrows = [await add_arrow(connection, label) for label in ("A1", "A2", "A3", "A4")]
        await programmed(connection, arrows[0], lock=True)
        torn = await request(connection, arrows[1], OTHER_TID)
        await start(connection, torn)
        await end(connection, torn, "failed", written=True)
        await connection.execute(
            "update arrows set is_active = false, voided_date = now() where human_identifier = 'A4'"
        )
        before = [tuple(row) for row in await connection.fetch(STATES)]
    assert before == [
        ("A1", True, True, False, False, False, True), ("A2", False, False, True, False, False, True),
        ("A3", False, False, False, False, True, True), ("A4", False, False, False, False, True, False),
    ]  # fmt: skip
    assert command("backup", "range.backup").returncode == 0
    done = command("restore", "range.backup", "--replace")
    assert "1 arrows are not programmed in this backup" in done.stdout, done
    async with connected(database_settings) as connection:
        states = [tuple(row) for row in await connection.fetch(STATES)]
        assert states == [*before[:2], *((*row[:4], True, *row[5:]) for row in before[2:])]
        with pytest.raises(asyncpg.RestrictViolationError, match="may be in a tag already"):
            await request(connection, arrows[2], "0" * 24)


HUB = "select set_hub_number(2), publish_hub()"
CENTRE = "update installation set is_centre = true; select build_centre()"


@pytest.mark.parametrize("make", [HUB, CENTRE], ids=["hub", "centre"])
async def test_restored_hub_publishes_and_restored_centre_shows(
    database_settings: ServiceSettings, command: Command, make: str
) -> None:
    async with connected(database_settings) as connection:
        await fill(connection)
        await connection.execute(make)
    assert command("backup", "range.backup").returncode == 0
    done = command("restore", "range.backup", "--replace")
    assert done.returncode == 0, done.stderr
    async with connected(database_settings) as connection:
        assert (await schema_state(connection)).current
        published = await connection.fetchval("select count(*) from pg_publication_tables")
        replicated = await connection.fetchval("select count(*) from replicated_tables()")
        await connection.execute("set role archstats_push")
        lane = await connection.fetchval("select lane from sessions")
        assert (published, lane) == ((replicated, 1) if make == HUB else (0, 1))


async def test_restore_over_contents_needs_replace(database_settings: ServiceSettings, command: Command) -> None:
    assert command("backup", "empty.backup").returncode == 0
    async with connected(database_settings) as connection:
        await fill(connection)
    refused = command("restore", "empty.backup")
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    assert command("restore", "empty.backup", "--replace").returncode == 0
    async with connected(database_settings) as connection:
        assert await connection.fetchval("select count(*) from sessions") == 0


async def test_backup_of_foreign_database_is_refused(
    database_settings: ServiceSettings, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "range.backup").write_text("precious")
    async with other_database(database_settings) as name:
        async with connected(database_settings, "postgres") as connection:
            await connection.execute(f"create database {name}")
            major = connection.get_server_version().major
        refused = command("backup", "range.backup", "--force", db=name)
        assert (refused.returncode, "holds nothing of Arch-Stats" in refused.stderr) == (1, True), refused.stderr
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("range.backup", "precious")]
        own = database_settings.database
        client = client_for(major, {"PGHOST": str(own.socket_dir), "PGUSER": USER, "PGDATABASE": name})
        client.run("pg_dump", "--format=custom", f"--file={tmp_path / 'of-nothing.backup'}")
        refused = command("restore", "of-nothing.backup", db=name)
        assert (refused.returncode, "holds no Arch-Stats database" in refused.stderr) == (1, True), refused.stderr


async def test_database_in_use_is_not_restored(database_settings: ServiceSettings, command: Command) -> None:
    assert command("backup", "range.backup").returncode == 0
    async with connected(database_settings):
        refused = command("restore", "range.backup", "--replace")
    assert refused.returncode == 1
    assert "in use" in refused.stderr


async def test_damaged_file_changes_nothing(
    database_settings: ServiceSettings, command: Command, tmp_path: Path
) -> None:
    async with connected(database_settings) as connection:
        await fill(connection)
    assert command("backup", "range.backup").returncode == 0
    whole = (tmp_path / "range.backup").read_bytes()
    (tmp_path / "half.backup").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.backup").write_text("not a backup")
    for name in ("half.backup", "other.backup"):
        failed = command("restore", name, "--replace")
        assert failed.returncode == 1, name
        assert "unchanged" in failed.stderr
    async with connected(database_settings) as connection:
        assert await connection.fetchval("select count(*) from sessions") == 1


async def test_backup_of_a_newer_version_changes_nothing(database_settings: ServiceSettings, command: Command) -> None:
    async with connected(database_settings) as connection:
        await connection.execute("insert into schema_migrations (name, sha256) values ('9999_later.sql', 'x')")
    assert command("backup", "later.backup").returncode == 0
    async with connected(database_settings) as connection:
        await connection.execute("delete from schema_migrations where name = '9999_later.sql'")
        await fill(connection)
    refused = command("restore", "later.backup", "--replace")
    assert refused.returncode == 1
    assert "newer version" in refused.stderr
    async with connected(database_settings) as connection:
        assert await connection.fetchval("select count(*) from sessions") == 1
        assert (await schema_state(connection)).current


def test_existing_file_is_overwritten_only_with_force(command: Command, tmp_path: Path) -> None:
    (tmp_path / "range.backup").write_text("precious")
    assert command("backup", "range.backup").returncode == 2
    assert (tmp_path / "range.backup").read_text() == "precious"
    assert command("backup", "range.backup", "--force").returncode == 0
    assert command("backup", "nowhere/range.backup").returncode == 1


async def test_prune_deletes_only_old_events(database_settings: ServiceSettings, command: Command) -> None:
    async with connected(database_settings) as connection:
        await fill(connection)
        await connection.execute("update events set at = at - interval '8 days' where id <= 2")
    done = command("prune")
    assert done.returncode == 0, done.stderr
    assert "deleted 2 events" in done.stdout
    async with connected(database_settings) as connection:
        assert await connection.fetchval("select count(*) from sessions") == 1
