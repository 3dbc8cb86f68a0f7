"""The commands of docs/scaling.md work in their order, with a password, on a hub and at a centre."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.common.postgres.connection import Connection
from edge.common.postgres.embedded.cluster import DATABASE, USER
from tests.acceptance.test_docs import PREPARED, SYSTEM, commands
from tests.edge.cli.command_line import CommandLine
from tests.edge.lane_rows import build_lane, started_ago
from tests.edge.operator.replication.hubs import DatabaseServer, running_server
from tests.edge.operator.replication.test_refusals import make_hub
from tests.eventually import eventually_blocking
from tests.test_project import ROOT

PAGE = ROOT / "docs" / "scaling.md"
HUB_ADDRESS = "hub-2.local/archstats?passfile=/var/lib/postgresql/.pgpass"
PASSWORD = "not-shown"


@dataclass
class TwoServers:
    """The command line on a hub's and on a centre's server."""

    hub: DatabaseServer
    centre: DatabaseServer
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def on(self, server: DatabaseServer) -> CommandLine:
        """Commands on the database of one server."""
        database = server.settings.database
        self.monkeypatch.setenv("POSTGRES_USER", database.user)
        self.monkeypatch.setenv("POSTGRES_DB", database.db)
        self.monkeypatch.setenv("POSTGRES_SOCKET_DIR", str(database.socket_dir))
        return CommandLine(server.settings, self.capsys)

    def require_password(self) -> None:
        """Let the centre's role into the hub only with its password."""
        rules = self.hub.server.base_dir / "data" / "pg_hba.conf"
        rules.write_text(f"local all archstats_replication scram-sha-256\nlocal all {USER} trust\n")

        async def apply(connection: Connection) -> None:
            await connection.execute(f"alter role archstats_replication password '{PASSWORD}'")
            await connection.execute("select pg_reload_conf()")

        self.on(self.hub).on_database(apply)

    def state_at_centre(self) -> str:
        """State of the only hub at the centre."""
        (link,) = self.on(self.centre).json("db", "replicate", "--status")
        return str(link["state"])

    def replicated_sessions(self) -> int:
        """Number of sessions of hub 2 at the centre."""

        async def count(connection: Connection) -> int:
            found: int = await connection.fetchval("select count(*) from archstats_push.sessions where lane = 2001")
            return found

        return self.on(self.centre).on_database(count)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[TwoServers]:
    """Two servers with empty databases."""
    with running_server() as hub, running_server() as centre:
        yield TwoServers(hub, centre, monkeypatch, capsys)


def shown() -> list[list[str]]:
    """The page's commands of archstats-sensor, without the program's name."""
    words = [shlex.split(command) for command in commands(PAGE)]
    assert {each[0] for each in words} <= {"archstats-sensor", "archstats-push"} | SYSTEM
    return [each[1:] for each in words if each[0] == "archstats-sensor"]


def test_commands_of_the_scaling_page_work(servers: TwoServers, tmp_path: Path) -> None:
    assert PREPARED[PAGE.name].endswith(Path(__file__).name)
    publish, *at_centre, remove = shown()
    assert (publish[:3], remove) == (["db", "replicate", "--hub"], ["db", "replicate", "--remove"])
    servers.on(servers.hub).run("db", "init")
    servers.on(servers.hub).on_database(lambda connection: build_lane(connection, started_ago(60.0)))
    printed = servers.on(servers.hub).run(*publish)
    assert "its lane 1 is lane 2001 at the centre" in printed
    assert "db replicate --from" in printed
    servers.require_password()
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:archstats_replication:{PASSWORD}\n")
    passwords.chmod(0o600)
    address = f"/{DATABASE}?host={servers.hub.server.socket_dir}&passfile={passwords}"
    assert len([words for words in at_centre if HUB_ADDRESS in words[-1]]) == 2
    output = ""
    for words in at_centre:
        output += servers.on(servers.centre).run(*(word.replace(HUB_ADDRESS, address) for word in words))
        if "--from" in words:
            eventually_blocking(lambda: servers.state_at_centre() == "streaming", within_s=30.0)
            assert servers.replicated_sessions() == 1
    assert PASSWORD not in output
    for line in ("subscribed to hub 2", "hub 2: streaming", "the subscription to hub 2 has ended"):
        assert line in output
    assert "centre of several hubs" in servers.on(servers.centre).run("session", "list", status=78)
    (link,) = servers.on(servers.hub).json("db", "replicate", "--status")
    assert (link["state"], link["until_lost_bytes"] > 0) == ("streaming", True)
    servers.on(servers.centre).run("db", "replicate", "--remove", "--hub", "2")
    assert "replicates no longer" in servers.on(servers.hub).run(*remove)
    assert "no replication" in servers.on(servers.hub).run("db", "replicate", "--status")


@pytest.mark.parametrize(
    "options", ["", "--hub 1 --status", "--status --replace", "--hub 1 --json", "--from x --remove"]
)
def test_only_options_of_one_task_are_accepted(command_line: CommandLine, options: str) -> None:
    assert "takes one of" in command_line.run("db", "replicate", *options.split(), status=2)


def test_the_number_of_another_hub_removes_nothing(command_line: CommandLine) -> None:
    command_line.on_database(lambda connection: make_hub(connection, 1))
    assert "not hub 2, so nothing was removed" in command_line.run(
        "db", "replicate", "--remove", "--hub", "2", status=2
    )
    (link,) = command_line.json("db", "replicate", "--status")
    assert link["hub_id"] == 1
