"""Exit statuses separate wrong settings from a database that is away, so that a script knows whether to retry."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import asyncpg
import pytest

from edge.cli.main import main
from edge.cli.operator_connection import on_database
from edge.common.config.errors import CommandError, ConfigError, DatabaseUnavailable
from edge.common.config.load import load_push
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.session_settings import PINNED
from edge.common.postgres.unreachable import connect_error
from edge.simulation.fault_options import wire_faults
from edge.simulation.simulate import SimulateOptions, simulate

COMMANDS = (
    ["session", "list"], ["session", "open", "--lane", "1", "--distance", "18", "--face", "wa_40"], ["shots", "list"],
    ["orphan", "list"], ["why", "last"], ["db", "status"], ["db", "init"], ["db", "migrate"], ["db", "backup", "b"],
    ["db", "prune"],
)  # fmt: skip
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs ``archstats-sensor`` with these settings only; returns exit status and standard error."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("POSTGRES_", "ARCH_STATS_")):
            monkeypatch.delenv(name)

    def result(*words: str, **settings: str) -> tuple[int, str]:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert isinstance(ended.value.code, int)
        return ended.value.code, capsys.readouterr().err

    return result


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_database_that_is_away_gives_status_69(words: list[str], run: Run, short_path: Path) -> None:
    status, stderr = run(*words, POSTGRES_SOCKET_DIR=str(short_path), POSTGRES_DB="range")
    assert status == 69
    assert f"at {short_path}/.s.PGSQL.5432 (user 'archstats') does not answer" in stderr
    assert "systemctl status postgresql" in stderr
    assert "db status" in stderr  # not config check, which connects to nothing
    assert len(stderr.strip().splitlines()) == 1


def test_unknown_user_or_database_gives_status_78(run: Run, database_settings: ServiceSettings) -> None:
    own = database_settings.database
    server = {"POSTGRES_SOCKET_DIR": str(own.socket_dir), "POSTGRES_USER": own.user}
    status, stderr = run("session", "list", **server, POSTGRES_DB="nowhere")
    assert (status, "db init" in stderr) == (78, True), stderr
    status, stderr = run("db", "status", **server | {"POSTGRES_USER": "stranger"}, POSTGRES_DB=own.db)
    assert (status, "POSTGRES_USER" in stderr) == (78, True), stderr
    assert run("session", "close", **server, POSTGRES_DB=own.db)[0] == 1
    assert run("session", "list", **server, POSTGRES_DB=own.db) == (0, "")


def test_a_range_of_too_many_shots_gives_status_2(run: Run) -> None:
    """Its last release is computed first: for a hundred million that took hours, and no signal ended it."""
    status, stderr = run("--simulate", "--shots", "100000000")
    assert status == 2
    assert "--shots': Input should be less than or equal to 10000" in stderr


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (asyncpg.InvalidPasswordError("password authentication failed"), ConfigError),
        (asyncpg.InvalidAuthorizationSpecificationError("Peer authentication failed"), ConfigError),
        (asyncpg.InvalidCatalogNameError('database "x" does not exist'), ConfigError),
        (asyncpg.InsufficientPrivilegeError("permission denied for database"), ConfigError),
        (asyncpg.CannotConnectNowError("the database system is starting up"), DatabaseUnavailable),
        (asyncpg.TooManyConnectionsError("too many clients"), DatabaseUnavailable),
        (ConnectionRefusedError(), DatabaseUnavailable),
        (TimeoutError(), DatabaseUnavailable),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failed_connection_is_classified_by_its_error(fault: Exception, kind: type[Exception]) -> None:
    judged = connect_error(fault, Database(ServiceSettings(), "test"))
    assert type(judged) is kind
    assert judged.hint
    assert type(fault).__name__ in judged.message or str(fault) in judged.message


def test_database_lost_during_a_command_is_reported(
    run: Run, database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    del run  # only its clean environment is needed
    own = database_settings.database
    for name, value in (("SOCKET_DIR", own.socket_dir), ("USER", own.user), ("DB", own.db)):
        monkeypatch.setenv(f"POSTGRES_{name}", str(value))

    async def end_itself(connection: Connection) -> None:
        await connection.execute("select pg_terminate_backend(pg_backend_pid())")

    async def wrong(connection: Connection) -> None:
        await connection.execute("select no_such_column")

    with pytest.raises(DatabaseUnavailable, match=r"interrupted the command .*terminating connection"):
        on_database(end_itself, any_schema=True)
    with pytest.raises(asyncpg.UndefinedColumnError):  # a defect of ours is not an outage
        on_database(wrong)


@pytest.mark.parametrize("words", [["db", "status"], ["db", "backup", "b"], ["session", "list"]], ids=" ".join)
def test_mistyped_folder_becomes_no_new_database(words: list[str], run: Run, tmp_path: Path) -> None:
    status, stderr = run(*words, "--database-dir", "typo")
    assert (status, f"no database in {tmp_path / 'typo'}" in stderr, "db init" in stderr) == (78, True, True), stderr
    assert not list(tmp_path.iterdir())


def test_refusal_and_outage_have_distinct_statuses() -> None:
    assert (CommandError.status, DatabaseUnavailable.status) == (1, 69)


def settings_of(service: ServiceSettings, **changed: str) -> dict[str, str]:
    own = service.database
    return {
        "POSTGRES_SOCKET_DIR": str(own.socket_dir),
        "POSTGRES_USER": own.user,
        "POSTGRES_DB": own.db,
        "ARCH_STATS_WS_CHANNEL": service.ws_channel,
    } | changed


def as_owner(service: ServiceSettings, *statements: str) -> None:
    async def execute() -> None:
        async with open_database(service, application="test") as database:
            connection = await database.connect()
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

    asyncio.run(execute())


@pytest.fixture
def club(empty_database_settings: ServiceSettings) -> Iterator[str]:
    """A user who owns a schema that bears its name, but not the database."""
    name = f"club_{empty_database_settings.database.db}"
    as_owner(
        empty_database_settings,
        f"create role {name} login createrole",
        f"create schema {name} authorization {name}",
    )
    yield name
    as_owner(empty_database_settings, f"drop owned by {name} cascade", f"drop role {name}")


def test_migration_never_goes_into_a_schema_of_the_user(
    run: Run, empty_database_settings: ServiceSettings, club: str
) -> None:
    status, stderr = run("db", "migrate", **settings_of(empty_database_settings, POSTGRES_USER=club))
    assert status == 78
    assert f"user '{club}' may not create tables in schema public of database" in stderr
    assert "Log in as the database's owner 'archstats'" in stderr
    assert len(stderr.strip().splitlines()) == 1


def test_tables_of_an_earlier_version_elsewhere_are_named(
    run: Run, empty_database_settings: ServiceSettings, club: str
) -> None:
    as_owner(
        empty_database_settings,
        f"create table {club}.schema_migrations ()",
        f"create table {club}.installation ()",
    )
    status, stderr = run("db", "migrate", **settings_of(empty_database_settings))
    assert status == 78
    assert f"an earlier version put its tables into schema '{club}'" in stderr
    assert len(stderr.strip().splitlines()) == 1


def test_database_without_a_public_schema_is_named(run: Run, empty_database_settings: ServiceSettings) -> None:
    as_owner(empty_database_settings, "drop schema public")
    status, stderr = run("db", "migrate", **settings_of(empty_database_settings))
    assert (status, "has no schema public" in stderr, len(stderr.strip().splitlines())) == (78, True, 1)


def test_tables_of_another_program_are_named(run: Run, empty_database_settings: ServiceSettings) -> None:
    as_owner(empty_database_settings, "create table public.sessions (id integer)")
    status, stderr = run("db", "migrate", **settings_of(empty_database_settings))
    assert (status, 'relation "sessions" already exists' in stderr, len(stderr.strip().splitlines())) == (78, True, 1)


@pytest.fixture
def standby(empty_database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    """A database that refuses every change like a standby, which would take seconds to start."""
    monkeypatch.setitem(cast("dict[str, str]", PINNED), "default_transaction_read_only", "on")
    return empty_database_settings


READ_ONLY = "accepts no changes (cannot execute CREATE TABLE in a read-only transaction)"


def test_migration_of_a_standby_ends_in_one_line(run: Run, standby: ServiceSettings) -> None:
    status, stderr = run("db", "migrate", **settings_of(standby))
    assert (status, READ_ONLY in stderr, len(stderr.strip().splitlines())) == (69, True, 1)


def test_simulated_range_on_a_standby_is_refused(
    standby: ServiceSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    options = SimulateOptions(1, 1.0, None, 1.0, 1, 1, wire_faults(None, None), as_json=False, force=False)
    push = load_push({"ARCH_STATS_SERVER_PORT": "18123"})
    with pytest.raises(DatabaseUnavailable, match=re.escape(READ_ONLY)):
        asyncio.run(simulate(options, standby, push, {}, asyncio.Event()))


def test_search_path_and_read_only_default_do_not_matter(run: Run, empty_database_settings: ServiceSettings) -> None:
    name = empty_database_settings.database.db
    as_owner(
        empty_database_settings,
        f"alter database {name} set search_path = ''",
        f"alter database {name} set default_transaction_read_only = on",
    )
    assert run("db", "migrate", **settings_of(empty_database_settings))[0] == 0
