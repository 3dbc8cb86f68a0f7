"""Fixtures for all tests: one PostgreSQL server per run, a fresh database per test, and a check for leaked tasks and threads."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.embedded.cluster import USER, EmbeddedPostgres
from edge.common.postgres.migrate import migrate
from tests import run_guard
from tests.postgres import TEMPLATE_DIR_VARIABLE, copy_fresh_cluster, short_folder
from tests.scheduling import Group, spread
from tests.warm_programs import WarmPrograms

CHANNEL = "archy"
TEMPLATE = "migrated_template"
HERE = Path(__file__).parent
CHILD_WATCHER_S = 5.0
"""Longest wait for the thread that watched a child process which has ended."""

# The default deadline of 0.2 s per example fails on a busy machine.
hypothesis.settings.register_profile(
    "patient",
    parent=hypothesis.settings(),  # the CI profile draws the same examples in each run
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked long")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell without job control lets its background commands ignore Ctrl-C; the programs under test would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput"):  # a worker belongs to the run of its controller
        return
    run = run_guard.begin()
    guard = run_guard.start_guard(run)
    config.add_cleanup(lambda: _end_run(run, guard))
    if TEMPLATE_DIR_VARIABLE not in os.environ:  # a run within a run takes the template of the outer one
        os.environ[TEMPLATE_DIR_VARIABLE] = str(short_folder())


def _end_run(run: run_guard.Run, guard: subprocess.Popen[bytes]) -> None:
    killed = run_guard.clean(run)
    if killed:
        names = ", ".join(killed[: run_guard.MOST_NAMED])
        sys.stderr.write(f"\ntests: ended {len(killed)} processes that the tests left running: {names}\n")
    guard.kill()  # it ignores every other signal
    guard.wait(timeout=10)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A report goes to the main process as UTF-8: lone surrogates, of tests of texts that hurt, are shown as escapes."""
    report = yield
    report.sections = [(name, _encodable(text)) for name, text in report.sections]
    if report.failed and _encodable(str(report.longrepr)) != str(report.longrepr):
        report.longrepr = _encodable(str(report.longrepr))
    return report


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


@pytest.hookimpl(trylast=True)  # after pytest-randomly's shuffle
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="long: run with --long"))
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = spread(items, workers, _group)


def _group(item: pytest.Item) -> Group:
    fixtures = getattr(item, "fixturenames", ())
    if "hub" in fixtures:
        return "hub"
    if "browser" in fixtures:
        return "browser"
    starts_ranges = item.path.relative_to(HERE).parts[0] in ("acceptance", "faults", "systemd")
    runs_a_suite = item.path.name == "test_outside_package.py"
    return "long" if (starts_ranges or runs_a_suite) and not item.get_closest_marker("skip") else "short"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket in it."""
    path = short_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    """The PostgreSQL server of this run, deleted at its end."""
    base = short_folder()
    copy_fresh_cluster(base)
    with (base / "data" / "postgresql.conf").open("a") as file:
        file.write("fsync = off\n")  # no test looks at data lost with the machine's power
    server = EmbeddedPostgres(base)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(base)


class _Admin:
    """Creates and drops databases over one connection, on its own event loop that runs only between tests."""

    def __init__(self, server: EmbeddedPostgres, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._server = server
        self._connection: Connection | None = None
        self._numbers = itertools.count(1)

    def execute(self, sql: str) -> None:
        self._runner.run(self._execute(sql))

    def create_database(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self.execute(f"create database {name} template {template} strategy file_copy")
        return name

    def create_template(self) -> None:
        self.execute(f"create database {TEMPLATE}")
        self._runner.run(self._migrate())

    def close(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())

    async def _execute(self, sql: str) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect("postgres")
        await self._connection.execute(sql, timeout=30)

    async def _connect(self, database: str) -> Connection:
        return await asyncpg.connect(host=str(self._server.socket_dir), user=USER, database=database, timeout=10)

    async def _migrate(self) -> None:
        connection = await self._connect(TEMPLATE)
        try:
            await migrate(connection, CHANNEL)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def _admin(cluster: EmbeddedPostgres) -> Iterator[_Admin]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        admin = _Admin(cluster, runner)
        try:
            admin.create_template()
            yield admin
        finally:
            admin.close()


def _settings(server: EmbeddedPostgres, name: str) -> ServiceSettings:
    database = DatabaseSettings(user=USER, db=name, socket_dir=server.socket_dir)
    return ServiceSettings(database=database, ws_channel=CHANNEL)


@pytest.fixture
def database_settings(cluster: EmbeddedPostgres, _admin: _Admin) -> Iterator[ServiceSettings]:
    """Settings of a new, migrated database for this test alone."""
    name = _admin.create_database(TEMPLATE)
    yield _settings(cluster, name)
    _admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def empty_database_settings(cluster: EmbeddedPostgres, _admin: _Admin) -> Iterator[ServiceSettings]:
    """Settings of a new database for this test alone, without any table."""
    name = _admin.create_database("template0")
    yield _settings(cluster, name)
    _admin.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def programs() -> Iterator[WarmPrograms]:
    """Runs the project's programs without the cost of a start."""
    warm = WarmPrograms()
    yield warm
    warm.stop()


@pytest.fixture
async def database(database_settings: ServiceSettings) -> AsyncIterator[Database]:
    """The test's database."""
    async with open_database(database_settings, application="test") as opened:
        yield opened


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """A connection to the test's database."""
    opened = await database.connect()
    try:
        yield opened
    finally:
        opened.terminate()


@pytest.fixture
async def _no_task_left() -> AsyncIterator[None]:
    """Fail the test if a task outlives it."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test if a task, a thread or the level of a log outlives it.

    The loop itself ends the threads of its default executor.
    """
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_no_task_left")
    before = set(threading.enumerate())
    levels = _log_levels()
    yield
    left = {thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("asyncio_")}
    for thread in left:
        if thread.name.startswith("waitpid-"):  # until Python 3.12 asyncio waits for a child process in a thread
            thread.join(CHILD_WATCHER_S)
    left = {thread for thread in left if thread.is_alive()}
    assert not left, f"threads left behind: {left}"
    changed = {name: level for name, level in _log_levels().items() if level != levels.get(name, level)}
    assert not changed, f"log levels left behind: {changed}"


def _log_levels() -> dict[str, int]:
    """The level of each log that exists."""
    logs = list(logging.root.manager.loggerDict.items())
    return {"root": logging.root.level, **{name: log.level for name, log in logs if isinstance(log, logging.Logger)}}
