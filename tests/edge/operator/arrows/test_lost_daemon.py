"""The scanner's daemon ends while an arrow is programmed: the error says whether the tag may have been written."""

from __future__ import annotations

import asyncio
import json

import pytest

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.operator.arrows import program_arrow
from edge.operator.arrows.records import find_arrow
from tests.edge.operator.arrows.command_rows import TID, add_arrow, add_scanner, end, start

FACTORY = "e28011700000020f0000000000000000"


async def requested(connection: Connection, kind: str) -> int:
    """Wait for a command of a kind; its number."""
    async with asyncio.timeout(10):
        while (number := await connection.fetchval("select id from commands where kind = $1", kind)) is None:
            await asyncio.sleep(0.01)
    return int(number)


@pytest.mark.parametrize("is_claimed", [False, True])
async def test_a_lost_daemon_leaves_a_tag_only_if_it_ran(
    database: Database, connection: Connection, *, is_claimed: bool
) -> None:
    await add_scanner(connection)
    await add_arrow(connection)
    operator = await database.connect()
    arrow = await find_arrow(operator, "A07")
    working = asyncio.create_task(program_arrow(operator, arrow, "arrow-1", "Robin", lambda _: None))
    number = await requested(connection, "inspect_tag")
    await start(connection, number)
    await end(connection, number, "done", pc="3000", memory=FACTORY, tid=TID, rssi_dbm=-50)
    number = await requested(connection, "program_arrow")
    assert json.loads(await connection.fetchval("select arguments from commands where id = $1", number))["tid"] == TID
    if is_claimed:
        await start(connection, number)
    await connection.execute("update device_status set state = 'stopped'")
    with pytest.raises(CommandError) as raised:
        await working
    operator.terminate()
    assert ("may be unfinished" in raised.value.hint) is is_claimed
    assert await connection.fetchval("select tag_tid from arrows") == (TID if is_claimed else None)
