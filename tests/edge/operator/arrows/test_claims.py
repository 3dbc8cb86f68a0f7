"""A tag is claimed before it is written, and released only where nothing was written for certain."""

from __future__ import annotations

import json

import asyncpg
import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from tests.edge.operator.arrows.command_rows import (
    OTHER_TID,
    TID,
    add_arrow,
    add_scanner,
    claim,
    end,
    programmed,
    request,
    start,
)


@pytest.fixture(autouse=True)
async def _scanner(connection: Connection, database_settings: ServiceSettings) -> None:
    del database_settings
    await add_scanner(connection)


async def tag_of(connection: Connection) -> tuple[str | None, bool]:
    row = await connection.fetchrow("select tag_tid, is_write_unfinished from arrows where human_identifier = 'A07'")
    assert row is not None
    return row["tag_tid"], row["is_write_unfinished"]


async def test_a_done_command_marks_the_arrow_programmed(connection: Connection) -> None:
    arrow = await add_arrow(connection)
    number = await programmed(connection, arrow, lock=True)
    row = await connection.fetchrow("select * from arrows")
    assert row is not None
    assert (row["is_programmed"], row["tag_tid"], row["is_locked"]) == (True, TID, True)
    finished_at = await connection.fetchval("select finished_at from commands where id = $1", number)
    assert row["programmed_at"] == finished_at
    (event,) = await connection.fetch("select lane, data from events where type = 'arrow.programmed'")
    data = json.loads(event["data"])
    assert event["lane"] == 1
    assert data.pop("programmed_at") is not None
    assert data == {
        "id": str(arrow), "human_identifier": "A07", "tid": TID, "is_locked": True, "who": "Robin",
        "command_id": number, "device_id": "arrow-1",
    }  # fmt: skip


async def test_a_check_of_a_programmed_tag_keeps_its_date(connection: Connection) -> None:
    arrow = await add_arrow(connection)
    await programmed(connection, arrow, lock=True)
    before = await connection.fetchval("select programmed_at from arrows")
    number = await request(connection, arrow)
    await start(connection, number)
    await end(connection, number, "done", epc=arrow.hex, tid=TID, written=False, is_locked=False)
    row = await connection.fetchrow("select programmed_at, is_locked from arrows")
    assert row is not None
    assert tuple(row) == (before, True)


async def test_evidence_that_nothing_was_written_releases_the_tag(connection: Connection) -> None:
    arrow = await add_arrow(connection)
    for state in ("failed", "cancelled"):
        assert await claim(connection, arrow)
        number = await request(connection, arrow)
        await start(connection, number)
        await end(connection, number, state, written=False, refusal="no_tag")
        assert await tag_of(connection) == (None, False)


@pytest.mark.parametrize("how", ["expired", "cancelled"])
async def test_a_command_that_never_ran_releases_the_tag(connection: Connection, how: str) -> None:
    arrow = await add_arrow(connection)
    await claim(connection, arrow)
    number = await request(connection, arrow)
    if how == "expired":
        await connection.execute("update commands set expires_at = now() - interval '1 s'")
        await connection.fetchval("select expire_commands()")
    else:
        await connection.execute("update commands set cancel_requested = true where id = $1", number)
    assert await tag_of(connection) == (None, False)


@pytest.mark.parametrize("stored", [{}, {"written": True}, {"written": False}], ids=str)
async def test_an_interrupted_command_keeps_the_claim(connection: Connection, stored: dict[str, bool]) -> None:
    arrow = await add_arrow(connection)
    await claim(connection, arrow)
    number = await request(connection, arrow)
    await start(connection, number)
    await connection.execute("update commands set result = $1::text::jsonb", json.dumps(stored) if stored else None)
    await connection.execute("update commands set claimed_at = now() - interval '1 h'")
    await connection.fetchval("select expire_commands()")
    assert await connection.fetchval("select state from commands where id = $1", number) == "failed"
    assert await tag_of(connection) == (TID, True)


async def test_an_unfinished_write_survives_a_later_failure(connection: Connection) -> None:
    """The second attempt proves only that it wrote nothing itself."""
    arrow = await add_arrow(connection)
    await claim(connection, arrow)
    for written in (True, False):
        number = await request(connection, arrow)
        await start(connection, number)
        await end(connection, number, "failed", written=written)
        assert await tag_of(connection) == (TID, True)
    assert not await claim(connection, arrow, OTHER_TID)
    await programmed(connection, arrow)
    assert await tag_of(connection) == (TID, False)


async def test_a_done_command_with_another_epc_proves_nothing(connection: Connection) -> None:
    arrow = await add_arrow(connection)
    await claim(connection, arrow)
    number = await request(connection, arrow)
    await start(connection, number)
    await end(connection, number, "done", epc="0" * 32, tid=TID, written=True)
    assert await tag_of(connection) == (TID, True)
    assert not await connection.fetchval("select is_programmed from arrows")


async def test_no_command_writes_into_a_tag_that_is_not_claimed(connection: Connection) -> None:
    arrow, other = await add_arrow(connection), await add_arrow(connection, "A08")
    with pytest.raises(asyncpg.RestrictViolationError, match="is not claimed for the arrow"):
        await request(connection, arrow)
    await claim(connection, arrow)
    with pytest.raises(asyncpg.RestrictViolationError, match="is not claimed for the arrow"):
        await request(connection, other)
    with pytest.raises(asyncpg.UniqueViolationError):
        await claim(connection, other)
    await request(connection, arrow)
    with pytest.raises(asyncpg.RestrictViolationError, match="arrow A07 is being programmed already"):
        await request(connection, arrow)


async def test_a_voided_arrow_gets_no_tag(connection: Connection) -> None:
    arrow = await add_arrow(connection)
    await claim(connection, arrow)
    await connection.execute("update arrows set is_active = false, voided_date = now()")
    assert not await claim(connection, arrow)
    with pytest.raises(asyncpg.RestrictViolationError, match="is not claimed for the arrow"):
        await request(connection, arrow)
