"""The embedded PostgreSQL: shared by all its processes, stopped by the last, back after every kind of death."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from edge.common.config.errors import ConfigError
from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.embedded import cluster as embedded
from edge.common.postgres.embedded.binaries import find_binaries
from edge.common.postgres.embedded.cluster import DATABASE, USER, EmbeddedPostgres, PostgresStartError
from edge.common.postgres.embedded.paths import PORT, default_base_dir
from tests.eventually import eventually_blocking
from tests.postgres import copy_fresh_cluster, short_folder

USER_PROGRAM = """
import sys
from pathlib import Path
from edge.common.postgres.embedded.cluster import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print("started", flush=True)
sys.stdin.readline()
print("last" if server.stop() else "not last", flush=True)
"""


@pytest.fixture
def empty() -> Iterator[Path]:
    """A folder without a cluster. Whatever a failed test left running there is stopped."""
    folder = short_folder()
    yield folder
    if (folder / "data" / "postmaster.pid").exists():
        server = EmbeddedPostgres(folder)
        server.start()
        server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def base(empty: Path) -> Path:
    """A folder with a cluster that is not running."""
    copy_fresh_cluster(empty)
    return empty


def query(server: EmbeddedPostgres, sql: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(
            host=str(server.socket_dir), port=PORT, user=USER, database=DATABASE, timeout=10
        )
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(ask())


def postmaster(base: Path) -> int:
    return int((base / "data" / "postmaster.pid").read_text().split()[0])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def user_process(base: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER_PROGRAM, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def leave(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate("\n", timeout=30)
    return output.strip()


def test_cold_and_warm_start_keep_the_data(empty: Path) -> None:
    server = EmbeddedPostgres(empty)
    server.start()
    pid = postmaster(empty)
    query(server, "create table kept as select 42 as answer")
    assert server.stop()
    assert not alive(pid)
    assert not server.stop()  # nothing to leave any more
    server.start()
    assert query(server, "select answer from kept") == 42
    assert query(server, "show fsync") == "on"
    assert query(server, "show listen_addresses") == ""
    assert server.stop()
    # a clean stop needs no recovery
    assert "was not properly shut down" not in "".join(file.read_text() for file in (empty / "log").iterdir())


def test_no_other_user_may_enter(base: Path) -> None:
    server = EmbeddedPostgres(base)
    server.start()
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((base / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((server.socket_dir / ".s.PGSQL.5432").stat().st_mode) == 0o700
    server.stop()


def test_four_processes_share_one_server_and_the_last_stops_it(empty: Path) -> None:
    users = [user_process(empty) for _ in range(4)]
    assert [line(user) for user in users] == ["started"] * 4
    pid = postmaster(empty)
    assert [leave(user) for user in users] == ["not last"] * 3 + ["last"]
    assert not alive(pid)


def test_a_killed_user_counts_no_more(base: Path) -> None:
    victim, survivor = user_process(base), user_process(base)
    assert [line(victim), line(survivor)] == ["started", "started"]
    pid = postmaster(base)
    victim.kill()
    victim.communicate()
    assert alive(pid)
    assert leave(survivor) == "last"
    assert not alive(pid)


def test_the_next_user_stops_what_a_killed_one_left_running(base: Path) -> None:
    victim = user_process(base)
    assert line(victim) == "started"
    pid = postmaster(base)
    victim.kill()
    victim.communicate()
    heir = EmbeddedPostgres(base)
    heir.start()
    assert postmaster(base) == pid  # shared, not started again
    assert heir.stop()
    assert not alive(pid)


async def test_a_killed_postmaster_is_back_for_a_user_that_stayed(base: Path) -> None:
    settings = ServiceSettings(database=DatabaseSettings(database_dir=base))
    async with open_database(settings, application="test") as database:
        await put(database, "create table kept as select 42 as answer")
        first = postmaster(base)
        os.kill(first, signal.SIGKILL)
        connection = await connect_again(database)  # at once: its children still hold the shared memory
        assert await connection.fetchval("select answer from kept") == 42
        await connection.close()
        second = postmaster(base)
        assert second != first
    assert not alive(second)


async def connect_again(database: Database) -> Connection:
    """As everybody does: try until it works, for the dying server may still take a connection and drop it."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await database.connect()
            except DATABASE_FAULTS:
                await asyncio.sleep(0.05)


async def put(database: Database, sql: str) -> None:
    connection = await database.connect()
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def test_pid_file_with_the_number_of_another_program_is_ignored(base: Path) -> None:
    server = EmbeddedPostgres(base)
    server.start()
    os.kill(postmaster(base), signal.SIGKILL)
    file = base / "data" / "postmaster.pid"
    lines = file.read_text().splitlines()
    eventually_blocking(lambda: not children_of_cluster(base))
    file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.start()
    assert postmaster(base) != os.getpid()
    assert server.stop()


def children_of_cluster(base: Path) -> list[str]:
    """Processes whose working folder is the cluster's data."""
    found = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if cwd.readlink() == base / "data":
                found.append(cwd.parent.name)
        except OSError:
            continue
    return found


def test_a_half_made_cluster_does_not_count(empty: Path) -> None:
    (empty / "data.new").mkdir(parents=True)
    (empty / "data.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(empty)
    server.start()
    assert query(server, "select 1") == 1
    assert server.stop()
    assert not (empty / "data.new").exists()


def test_data_of_another_major_version_is_refused(empty: Path) -> None:
    (empty / "data").mkdir()
    (empty / "data" / "PG_VERSION").write_text("9\n")
    server = EmbeddedPostgres(empty)
    with pytest.raises(ConfigError, match="the stored data belongs to PostgreSQL 9") as caught:
        server.start()
    assert "Dump it" in caught.value.hint
    assert not server.stop()
    shutil.rmtree(empty / "data")


def test_a_folder_that_is_no_cluster_is_left_alone(empty: Path) -> None:
    (empty / "data").mkdir()
    (empty / "data" / "photo.jpg").write_text("mine")
    with pytest.raises(ConfigError, match="is not a PostgreSQL cluster"):
        EmbeddedPostgres(empty).start()
    assert (empty / "data" / "photo.jpg").read_text() == "mine"


def test_a_server_that_cannot_start_says_why(base: Path) -> None:
    server = EmbeddedPostgres(base)
    server.start()
    server.stop()
    with (base / "data" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = many\n")
    with pytest.raises(PostgresStartError, match="shared_buffers"):
        server.start()
    assert not server.stop()


def test_a_path_too_long_for_a_socket_gets_a_short_one(empty: Path) -> None:
    deep = empty / ("d" * 100)
    server = EmbeddedPostgres(deep)
    assert EmbeddedPostgres(deep).socket_dir == server.socket_dir
    server.start()
    try:
        assert query(server, "select 1") == 1
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    finally:
        assert server.stop()
    shutil.rmtree(server.socket_dir)


def test_a_socket_folder_of_another_user_is_refused(empty: Path) -> None:
    deep = empty / ("e" * 100)
    server = EmbeddedPostgres(deep)
    server.socket_dir.symlink_to(empty)
    try:
        with pytest.raises(ConfigError, match="belongs to another user or is not a folder"):
            server.start()
    finally:
        server.socket_dir.unlink()


def test_the_terminals_ctrl_c_does_not_reach_the_server(base: Path) -> None:
    server = EmbeddedPostgres(base)
    server.start()
    assert os.getsid(postmaster(base)) != os.getsid(0)
    assert server.stop()


def test_postgresql_variables_and_spaces_in_paths_do_no_harm(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("LC_ALL", "xx_XX")
    server = EmbeddedPostgres(empty / "it's a range")
    server.start()
    assert query(server, "select 1") == 1
    assert server.stop()


@pytest.mark.parametrize("name", ['"range"', "$HOME", "`id`", "a\\b", "a,b"])
def test_a_path_that_a_shell_would_misread_is_refused(empty: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot work in a folder with one of"):
        EmbeddedPostgres(empty / name).start()
    assert not (empty / name).exists()


def test_a_folder_with_other_files_is_left_alone(empty: Path) -> None:
    (empty / "thesis.txt").write_text("precious")
    empty.chmod(0o755)
    with pytest.raises(ConfigError, match=r"holds other files \(thesis.txt\)"):
        EmbeddedPostgres(empty).start()
    assert [path.name for path in empty.iterdir()] == ["thesis.txt"]
    assert stat.S_IMODE(empty.stat().st_mode) == 0o755


def test_where_no_folder_can_be_is_the_fault_of_the_settings(empty: Path) -> None:
    (empty / "file").touch()
    for place in (Path("/proc/x"), empty / "file", empty / "file" / "below"):
        with pytest.raises(ConfigError, match=str(place)):
            EmbeddedPostgres(place).start()


def test_where_the_data_lies_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_base_dir() == tmp_path / "archstats" / "postgres"
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_base_dir() == tmp_path / ".local" / "state" / "archstats" / "postgres"


def test_programs_that_do_not_run_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"the PostgreSQL in {tmp_path} does not run") as caught:
        find_binaries(tmp_path)
    assert "archstats-edge[embedded]" in caught.value.hint


def test_a_starter_that_never_ends_is_not_waited_for_for_ever(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LOCK_WAIT_S", 0.1)
    starter = EmbeddedPostgres(empty)
    with starter._one_at_a_time(), pytest.raises(PostgresStartError, match="starting or stopping"):
        EmbeddedPostgres(empty).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_needs_no_user_namespace(empty: Path) -> None:
    """Run as a user without rights, with Debian's own programs, because the wheel's may lie where only root may go."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("no PostgreSQL of the system's")
    empty.chmod(0o755)
    own = empty / "own"
    own.mkdir()
    os.chown(own, 65534, 65534)
    code = Path(embedded.__file__).parents[4]
    copy = empty / "code"
    shutil.copytree(code / "edge", copy / "edge", ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        "from pathlib import Path; from edge.common.postgres.embedded.cluster import EmbeddedPostgres;"
        f"server = EmbeddedPostgres(Path({str(own / 'pg')!r}), Path({str(programs[-1])!r}));"
        "server.start(); print('last' if server.stop() else 'not last')"
    )
    ran = subprocess.run(
        ["/usr/bin/python3", "-c", script], user=65534, group=65534, extra_groups=(), cwd=copy, capture_output=True,
        text=True, timeout=60, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert (ran.stdout.strip(), ran.stderr) == ("last", "")
