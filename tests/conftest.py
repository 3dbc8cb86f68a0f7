"""Fixtures for all tests: a PostgreSQL of the run's own, a fresh database for each test, and nothing left behind."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.embedded.cluster import USER, EmbeddedPostgres
from edge.common.postgres.migrate import migrate
from tests.postgres import TEMPLATE_DIR_VARIABLE, copy_fresh_cluster
from tests.scheduling import Length, spread

CHANNEL = "archy"
TEMPLATE = "migrated_template"
HERE = Path(__file__).parent

# By itself it counts an example that takes 0.2 s as a failure: on a busy machine any may.
hypothesis.settings.register_profile(
    "patient",
    parent=hypothesis.settings(),  # which in CI draws the same examples each time
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked long")


def pytest_configure(config: pytest.Config) -> None:
    if TEMPLATE_DIR_VARIABLE in os.environ:  # a worker has it from the process that started it
        return
    place = tempfile.mkdtemp(prefix="as-", dir="/tmp")  # a socket's path must be short
    os.environ[TEMPLATE_DIR_VARIABLE] = place
    config.add_cleanup(lambda: shutil.rmtree(place))


@pytest.hookimpl(trylast=True)  # after the shuffle
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="long: run with --long"))
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = spread(items, workers, _length)


def _length(item: pytest.Item) -> Length:
    if "hub" in getattr(item, "fixturenames", ()):
        return "together"
    starts_ranges = item.path.relative_to(HERE).parts[0] in ("acceptance", "faults", "systemd")
    return "long" if starts_ranges and not item.get_closest_marker("skip") else "short"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path is short enough to hold a unix socket."""
    path = Path(tempfile.mkdtemp(prefix="as-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server of this run, in a short path, thrown away at the end."""
    base = Path(tempfile.mkdtemp(prefix="as-", dir="/tmp"))  # a socket's path must be short
    copy_fresh_cluster(base)
    with (base / "data" / "postgresql.conf").open("a") as file:
        file.write("fsync = off\n")  # what is lost with the machine's power is not what any test looks at
    server = EmbeddedPostgres(base)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(base)


class _Admin:
    """Makes and drops databases over one connection, on a loop of its own that only runs between tests."""

    def __init__(self, server: EmbeddedPostgres, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._server = server
        self._connection: Connection | None = None
        self._numbers = itertools.count(1)

    def do(self, sql: str) -> None:
        self._runner.run(self._do(sql))

    def new(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self.do(f"create database {name} template {template} strategy file_copy")
        return name

    def make_template(self) -> None:
        self.do(f"create database {TEMPLATE}")
        self._runner.run(self._migrate())

    def close(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())

    async def _do(self, sql: str) -> None:
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
            admin.make_template()
            yield admin
        finally:
            admin.close()


def _settings(server: EmbeddedPostgres, name: str) -> ServiceSettings:
    database = DatabaseSettings(user=USER, db=name, socket_dir=server.socket_dir)
    return ServiceSettings(database=database, ws_channel=CHANNEL)


@pytest.fixture
def database_settings(cluster: EmbeddedPostgres, _admin: _Admin) -> Iterator[ServiceSettings]:
    """A new, migrated database of this test alone."""
    name = _admin.new(TEMPLATE)
    yield _settings(cluster, name)
    _admin.do(f"drop database {name} with (force)")


@pytest.fixture
def empty_database_settings(cluster: EmbeddedPostgres, _admin: _Admin) -> Iterator[ServiceSettings]:
    """A new database of this test alone, without any table."""
    name = _admin.new("template0")
    yield _settings(cluster, name)
    _admin.do(f"drop database {name} with (force)")


@pytest.fixture
async def _no_task_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No task and no thread outlives its test; those of a loop's default executor are ended by the loop itself."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_no_task_left")
    before = set(threading.enumerate())
    yield
    left = {thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("asyncio_")}
    assert not left, f"threads left behind: {left}"
