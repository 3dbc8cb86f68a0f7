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
        number = await request(connection, arrow)
        await start(connection, number)
        await end(connection, number, state, written=False, refusal="no_tag")
        assert await tag_of(connection) == (None, False)


@pytest.mark.parametrize("how", ["expired", "cancelled"])
async def test_a_command_that_never_ran_releases_the_tag(connection: Connection, how: str) -> None:
    arrow = await add_arrow(connection)
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
    for written in (True, False):
        number = await request(connection, arrow)
        await start(connection, number)
        await end(connection, number, "failed", written=written)
        assert await tag_of(connection) == (TID, True)
    with pytest.raises(asyncpg.RestrictViolationError, match=f"is, or may be, in tag {TID}"):
        await request(connection, arrow, OTHER_TID)
    await programmed(connection, arrow)
    assert await tag_of(connection) == (TID, False)


@pytest.mark.parametrize(
    "read", [{"bank_epc": "0" * 32}, {"inventory_epc": "0" * 32}, {"inventory_epc": None}], ids=str
)
async def test_a_done_command_without_its_epc_proves_nothing(
    connection: Connection, read: dict[str, str | None]
) -> None:
    arrow = await add_arrow(connection)
    number = await request(connection, arrow)
    await start(connection, number)
    await end(connection, number, "done", epc=arrow.hex, tid=TID, written=True, **read)
    assert await tag_of(connection) == (TID, True)
    assert not await connection.fetchval("select is_programmed from arrows")


async def test_one_arrow_and_one_tag_are_programmed_at_a_time(connection: Connection) -> None:
    arrow, other = await add_arrow(connection), await add_arrow(connection, "A08")
    await request(connection, arrow)
    for one, tid in ((arrow, TID), (arrow, OTHER_TID), (other, TID)):
        with pytest.raises(asyncpg.RestrictViolationError, match="is being programmed already"):
            await request(connection, one, tid)
    assert await connection.fetchval("select count(*) from arrows where tag_tid is not null") == 1


async def test_a_tag_of_another_arrow_is_not_claimed(connection: Connection) -> None:
    arrow, other = await add_arrow(connection), await add_arrow(connection, "A08")
    await programmed(connection, other, OTHER_TID)
    await connection.execute("update arrows set is_active = false, voided_date = now() where id = $1", other)
    for tid, memory in ((OTHER_TID, "0" * 32), (TID, other.hex), (TID, other.hex.upper())):
        with pytest.raises(asyncpg.RestrictViolationError, match=r"that of arrow A08|lower-case"):
            await request(connection, arrow, tid, memory)
    torn = await add_arrow(connection, "A09")  # of its UUID the memory may hold any number of words
    await connection.execute(
        "insert into arrows (id, human_identifier) values ($1, 'A10')", f"{torn.hex[:4]}{'5' * 28}"
    )
    with pytest.raises(asyncpg.RestrictViolationError, match="that of arrow A10, not of A09"):
        await request(connection, torn, TID, "5" * 32)
    assert await tag_of(connection) == (None, False)


async def test_a_voided_arrow_gets_no_tag(connection: Connection) -> None:
    arrow = await add_arrow(connection)
    await connection.execute("update arrows set is_active = false, voided_date = now()")
    with pytest.raises(asyncpg.RestrictViolationError, match="no active arrow has the UUID"):
        await request(connection, arrow)


@pytest.mark.parametrize("is_programmed", [False, True])
async def test_only_its_own_tag_is_claimed_for_a_known_uuid(connection: Connection, *, is_programmed: bool) -> None:
    """The UUID may be in a tag that is not known: a blank one would be the second."""
    arrow = await add_arrow(connection, is_programmed=is_programmed, is_tag_unknown=not is_programmed)
    facts = "select is_programmed, is_tag_unknown, tag_tid from arrows"
    with pytest.raises(asyncpg.RestrictViolationError, match="the tag on the scanner does not hold it"):
        await request(connection, arrow)
    number = await request(connection, arrow, memory=arrow.hex)
    await start(connection, number)
    await end(connection, number, "failed", written=True)
    assert tuple(await connection.fetchrow(facts) or ()) == (is_programmed, True, None)
    number = await request(connection, arrow, memory=arrow.hex)
    await start(connection, number)
    await end(connection, number, "done", epc=arrow.hex, tid=TID, written=False, write_attempts=0)
    assert tuple(await connection.fetchrow(facts) or ()) == (True, False, TID)


async def test_a_tag_that_held_the_uuid_stays_in_mind(connection: Connection) -> None:
    arrow = await add_arrow(connection)
    number = await request(connection, arrow, memory=arrow.hex)
    await start(connection, number)
    await end(connection, number, "failed", written=False)
    with pytest.raises(asyncpg.RestrictViolationError, match="may be in a tag already"):
        await request(connection, arrow, OTHER_TID)


async def test_a_lock_alone_keeps_the_date_of_the_write(connection: Connection) -> None:
    arrow = await add_arrow(connection)
    await programmed(connection, arrow)
    before = await connection.fetchval("select programmed_at from arrows")
    number = await request(connection, arrow, memory=arrow.hex)
    await start(connection, number)
    await end(connection, number, "done", epc=arrow.hex, tid=TID, written=True, write_attempts=0, is_locked=True)
    assert tuple(await connection.fetchrow("select programmed_at, is_locked from arrows") or ()) == (before, True)
