"""The SQL that the docs tell people to type, under the role they are told to type it as."""

from __future__ import annotations

import re

import asyncpg
import pytest

from edge.cli.range_setup import range_devices, register_devices
from edge.common.database import open_database
from edge.common.roles import Role
from edge.common.settings import ServiceSettings
from tests.edge.shots.lane_floor import LaneFloor
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


async def test_the_owner_takes_a_mistyped_device_away_and_none_that_has_sensed(
    database_settings: ServiceSettings,
) -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    statements = re.findall(r'-c "(delete [^"]*)"', page)
    assert len(statements) == 2
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        await register_devices(connection, [device for device in range_devices(2) if device.name == "bow-2"])
        floor = LaneFloor(connection)
        await floor.build()
        await floor.shoot(20.0)
        await connection.execute(
            "insert into session_devices (session_id, device_id, kind) select id, 'bow-2', 'bow' from sessions"
        )
        for statement in statements:
            await connection.execute(statement)
        assert [row["id"] for row in await connection.fetch("select id from devices where id like 'bow%'")] == ["bow-1"]
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute(statements[1].replace("bow-2", "bow-1"))
        await connection.close()
