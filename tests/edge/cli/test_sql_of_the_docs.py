"""The SQL of the docs works under the role that the docs name."""

from __future__ import annotations

import re

import asyncpg
import pytest

from edge.common.postgres.connection import Connection
from tests.edge.cli.command_line import CommandLine, shoot_lane
from tests.test_project import ROOT


def test_owner_deletes_a_mistyped_device_without_readings(command_line: CommandLine) -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    statements = [text.replace("bow-2", "target-2") for text in re.findall(r'-c "(delete [^"]*)"', page)]
    assert len(statements) == 2

    async def add(connection: Connection) -> None:
        await shoot_lane(connection)
        await connection.execute("insert into devices (id, kind, driver, lane) values ('target-2', 'target', 'x', 1)")

    async def delete(connection: Connection) -> None:
        for statement in statements:
            await connection.execute(statement)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute(statements[1].replace("target-2", "target-1"))

    def newest() -> str:
        command_line.run("shots", "rebuild", "--session", "last")
        return str(command_line.json("shots", "list")[-1]["result"])

    command_line.on_database(add)
    assert newest() == "unknown"  # the other target has no watermark
    command_line.on_database(delete)
    assert newest() == "miss"
