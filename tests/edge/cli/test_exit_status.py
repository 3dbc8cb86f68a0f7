"""Exit statuses separate wrong settings from a database that is away, so that a script knows whether to retry."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from edge.cli.main import main
from edge.cli.operator_connection import on_database
from edge.common.config.errors import CommandError, ConfigError, DatabaseUnavailable
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.unreachable import connect_error

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
