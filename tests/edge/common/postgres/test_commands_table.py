"""The table of commands holds its own rules, whatever an operator's program inserts."""

from __future__ import annotations

import asyncpg
import pytest

from edge.common.postgres.connection import Connection

INSERT = "insert into commands (device_id, kind, who) values ('bow-1', 'read_config', 'Robin') returning id"


@pytest.fixture
async def bow(connection: Connection) -> Connection:
    """A database with one bow, and an operator's rights."""
    await connection.execute("insert into devices (id, kind, driver, lane) values ('bow-1', 'bow', 'bow.link', 1)")
    await connection.execute("set role archstats_operator")
    return connection


async def test_a_new_row_is_a_mere_request(bow: Connection) -> None:
    row = await bow.fetchrow(
        """
        insert into commands (device_id, kind, who, state, claimed_by, claimed_at, result, finished_at, cancel_requested)
        values ('bow-1', 'read_config', 'Robin', 'done', gen_random_uuid(), now(), '{"threshold": 1}', now(), true)
        returning state, claimed_by, claimed_at, result, finished_at, cancel_requested, expires_at - requested_at as waits
        """
    )
    assert row is not None
    assert tuple(row)[:6] == ("pending", None, None, None, None, False)
    assert row["waits"].total_seconds() == 10


@pytest.mark.parametrize(
    "values",
    [
        "'bow-1', 'read_config', 'Robin', now() + interval '1 h', '{}', 30",
        "'bow-1', 'read config; drop', 'Robin', now(), '{}', 30",
        "'bow-1', 'read_config', ' ', now(), '{}', 30",
        "'bow-1', 'read_config', 'Robin', now(), '[]', 30",
        "'bow-1', 'read_config', 'Robin', now(), jsonb_build_object('x', repeat('x', 4000)), 30",
        "'bow-1', 'read_config', 'Robin', now(), '{}', 601",
        "'bow-9', 'read_config', 'Robin', now(), '{}', 30",
    ],
)
async def test_wrong_commands_are_refused(bow: Connection, values: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await bow.execute(
            f"insert into commands (device_id, kind, who, expires_at, arguments, deadline_s) values ({values})"
        )


async def test_a_cancelled_command_cannot_be_claimed_and_stays_so(bow: Connection) -> None:
    number = await bow.fetchval(INSERT)
    await bow.execute("update commands set cancel_requested = true where id = $1", number)
    await bow.execute("update commands set cancel_requested = false where id = $1", number)
    row = await bow.fetchrow("select state, cancel_requested, finished_at is not null as ended from commands")
    assert row is not None
    assert tuple(row) == ("cancelled", True, True)


async def test_a_running_command_fails_long_after_its_deadline(bow: Connection) -> None:
    number = await bow.fetchval(INSERT.replace("who)", "who, deadline_s)").replace("'Robin')", "'Robin', 5)"))
    await bow.execute("reset role")
    running = "update commands set state = 'running', claimed_by = gen_random_uuid(), claimed_at = now() - interval '1 s' * $2 where id = $1"
    await bow.execute(running, number, 34.0)
    await bow.execute("set role archstats_operator")
    assert await bow.fetchval("select expire_commands()") == 0, "its daemon may still report the end"
    await bow.execute("reset role")
    await bow.execute(running, number, 35.0)
    await bow.execute("set role archstats_operator")
    assert await bow.fetchval("select expire_commands()") == 1
    row = await bow.fetchrow("select state, error, hint, finished_at is not null as ended from commands")
    assert row is not None
    assert (row["state"], row["ended"]) == ("failed", True)
    assert "the daemon of bow-1 did not report the end" in row["error"]
    assert "read its settings" in row["hint"]


async def test_commands_of_90_days_ago_are_removed(bow: Connection) -> None:
    old, recent = [await bow.fetchval(INSERT) for _ in range(2)]
    await bow.execute("update commands set cancel_requested = true")
    await bow.execute("reset role")
    aged = "update commands set finished_at = now() - make_interval(days => $2) where id = $1"
    await bow.execute(aged, old, 91)
    await bow.execute(aged, recent, 89)
    added = await bow.fetchval(INSERT)
    assert [row["id"] for row in await bow.fetch("select id from commands order by id")] == [recent, added]
