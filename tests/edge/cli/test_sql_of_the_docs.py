"""The SQL that the docs tell people to type, under the role they are told to type it as."""

from __future__ import annotations

import re

import asyncpg
import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from tests.edge.cli.judged_lane import Bench, shoot_lane
from tests.test_project import ROOT


async def test_an_operator_registers_an_arrow_and_takes_it_out_of_use(database_settings: ServiceSettings) -> None:
    (block,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "schema.md").read_text(), re.DOTALL)
    async with open_database(database_settings, application="test", role=Role.OPERATOR) as database:
        connection = await database.connect()
        register, retire = block.strip().splitlines()
        await connection.execute(register)
        assert await connection.fetchval("select is_active from arrows where human_identifier = 'A3'") is True
        await connection.execute(retire)
        assert await connection.fetchval("select is_active from arrows where human_identifier = 'A3'") is False
        await connection.close()


def test_the_owner_takes_a_mistyped_device_away_and_none_that_has_sensed(empty_bench: Bench) -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    statements = [text.replace("bow-2", "target-2") for text in re.findall(r'-c "(delete [^"]*)"', page)]
    assert len(statements) == 2

    async def add(connection: Connection) -> None:
        await shoot_lane(connection)
        await connection.execute("insert into devices (id, kind, driver, lane) values ('target-2', 'target', 'x', 1)")

    async def take_away(connection: Connection) -> None:
        for statement in statements:
            await connection.execute(statement)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute(statements[1].replace("target-2", "target-1"))

    def newest() -> str:
        empty_bench.type("shots", "rebuild", "--session", "last")
        return str(empty_bench.json("shots", "list")[-1]["result"])

    empty_bench.on_database(add)
    assert newest() == "unknown"  # a target that nobody has told nothing of it
    empty_bench.on_database(take_away)
    assert newest() == "miss"
