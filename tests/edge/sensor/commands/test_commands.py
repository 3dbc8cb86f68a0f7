"""The daemon runs the commands of its device: claimed once, in time, one at a time, and ended safely."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from drivers.errors import DeviceLost
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.roles import Role
from edge.common.vocabulary import CommandState
from edge.sensor.command_rows import CommandRows, Outcome, Value, plain_values
from tests.edge.sensor.commands.requested import register_bow, request, run, until
from tests.edge.sensor.reports import reading
from tests.edge.sensor.scripted_bow import ScriptedBow, daemon
from tests.eventually import eventually


@pytest.fixture
async def registered(connection: Connection) -> Connection:
    """A connection to a database that knows the bow."""
    await register_bow(connection)
    return connection


async def test_commands_run_in_order_with_their_outcome(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path
) -> None:
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        numbers = [await request(registered, kind, '{"threshold": 3}') for kind in ("read", "refuse", "lose", "break")]
        rows = [await until(registered, number, CommandState.DONE, CommandState.FAILED) for number in numbers]
    assert [command.name for command in bow.ran] == ["read", "refuse", "lose", "break"]
    assert bow.ran[0].arguments == {"threshold": 3}
    assert [(row["state"], row["error"], row["hint"]) for row in rows[:3]] == [
        ("done", None, None),
        ("failed", "busy", None),
        ("failed", "the line is closed", "Wait a moment."),
    ]
    assert rows[0]["result"] == '{"gain": null, "name": "bow", "threshold": 100}'
    assert rows[3]["error"] == "defect of the driver: KeyError: 'threshold'"
    for row in rows:
        assert row["requested_at"] <= row["claimed_at"] <= row["finished_at"]
    events = await registered.fetch(
        "select data ->> 'state' as state, lane from events where type = 'command.updated' and data ->> 'id' = $1 order by id",
        str(numbers[0]),
    )
    assert [(event["state"], event["lane"]) for event in events] == [("pending", 1), ("running", 1), ("done", 1)]
    assert await registered.fetchval("select count(*) from events where data ? 'claimed_by'") == 0


async def test_a_running_command_shows_progress_and_delays_no_reading(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path
) -> None:
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        number = await request(registered, "write")
        row = await until(registered, number, CommandState.RUNNING, phase=True)
        assert (row["phase"], row["done"], row["total"]) == ("writes the tag", 2, 5)
        waiting = await request(registered, "read")
        async with registered.transaction():  # a program that holds the row delays no reading
            await registered.execute("select from commands where id = $1 for update", number)
            bow.go_on.set()
            bow.delivered.put_nowait(reading(1))
            async with asyncio.timeout(2):
                while not await registered.fetchval("select count(*) from readings"):
                    await asyncio.sleep(0.01)
            assert len(bow.ran) == 1, "one at a time"
        assert (await until(registered, number, CommandState.DONE))["error"] is None
        await until(registered, waiting, CommandState.DONE)


async def test_cancel_ends_a_running_and_a_waiting_command(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path
) -> None:
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        running, waiting = await request(registered, "write"), await request(registered, "read")
        await until(registered, running, CommandState.RUNNING, phase=True)
        await registered.execute("update commands set cancel_requested = true where id = any($1)", [running, waiting])
        await until(registered, waiting, CommandState.CANCELLED)
        await until(registered, running, CommandState.CANCELLED)
        assert (await run(registered, "read"))["state"] == "done"
    assert [command.name for command in bow.ran] == ["write", "read"]
    assert bow.cancelled == 1


async def test_a_command_ends_at_its_deadline(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.sensor.commands.ENDS_WITHIN_S", 0.2)
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        assert (await run(registered, "write", 0.05))["error"] == "it did not end within 0.05 s"
        assert (await run(registered, "deaf", 0.05))["error"] == "the driver did not end the command within 0.05 s"
        assert (await run(registered, "read"))["error"] == "an earlier command of bow-1 has not ended"
        bow.go_on.set()
        await asyncio.sleep(0)
        assert (await run(registered, "read"))["state"] == "done"


async def test_a_device_that_is_not_open_fails_the_command(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path
) -> None:
    bow = ScriptedBow()
    bow.connected = False
    async with daemon(database_settings, bow, tmp_path):
        async with asyncio.timeout(10):
            while await registered.fetchval("select state from device_status") != "waiting":
                await asyncio.sleep(0.01)
        row = await run(registered, "read")
    assert (row["error"], row["hint"]) == ("bow-1 is not connected: the cable is out", "Plug it in.")
    assert bow.ran == []


async def test_a_device_that_falls_silent_is_the_cause(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path
) -> None:
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        number = await request(registered, "await_answer")
        await until(registered, number, CommandState.RUNNING)
        silent = DeviceLost("silent: no frame for 3 s", device="bow-1", hint="Charge it.", silent=True)
        await eventually(lambda: bow.ran != [])
        bow.delivered.put_nowait(silent)
        row = await until(registered, number, CommandState.FAILED)
    assert row["error"] == "bow-1 fell silent while the command ran: no frame for 3 s"
    assert row["hint"].startswith("Charge it. The device may have carried it out. Read its settings")


async def test_an_expired_command_never_runs(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path
) -> None:
    late = await registered.fetchval(
        "insert into commands (device_id, kind, who, expires_at) values ('bow-1', 'write', 'Robin', now() - interval '1 ms') "
        "returning id"
    )
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        row = await until(registered, late, CommandState.EXPIRED)
        assert (await run(registered, "read"))["state"] == "done"
    assert row["finished_at"] == row["expires_at"]
    assert [command.name for command in bow.ran] == ["read"]


async def test_stopping_the_daemon_ends_the_command(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path
) -> None:
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        number = await request(registered, "write")
        await until(registered, number, CommandState.RUNNING, phase=True)
    row = await until(registered, number, CommandState.FAILED)
    assert row["error"] == "interrupted: the daemon was stopped while the command ran"
    assert bow.cancelled == 1


async def test_the_outcome_is_written_once_the_database_is_back(
    database_settings: ServiceSettings, registered: Connection, tmp_path: Path
) -> None:
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        number = await request(registered, "write")
        await until(registered, number, CommandState.RUNNING, phase=True)
        ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'sensor'"
        for _ in range(3):
            assert await registered.fetchval(ended) >= 0
            await asyncio.sleep(0.05)
        assert bow.cancelled == 0
        bow.go_on.set()
        assert (await until(registered, number, CommandState.DONE))["error"] is None


def test_a_killed_daemon_leaves_its_command_interrupted(database_settings: ServiceSettings, tmp_path: Path) -> None:
    async def begin() -> int:
        async with open_database(database_settings, application="test") as database:
            connection = await database.connect()
            await register_bow(connection)
            number = await request(connection, "write")
            connection.terminate()
            return number

    async def end(number: int) -> asyncpg.Record:
        bow = ScriptedBow()
        async with open_database(database_settings, application="test") as database:
            connection = await database.connect()
            async with daemon(database_settings, bow, tmp_path):
                row = await until(connection, number, CommandState.FAILED)
                assert (await run(connection, "read"))["state"] == "done"
            connection.terminate()
        assert [command.name for command in bow.ran] == ["read"]
        return row

    number = asyncio.run(begin())
    ready, signals = os.pipe()
    child = os.fork()
    if child == 0:  # the daemon that is killed
        asyncio.run(serve_until_killed(database_settings, tmp_path, signals))
        os._exit(1)
    assert os.read(ready, 1) == b"r"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for end_of_pipe in (ready, signals):
        os.close(end_of_pipe)
    row = asyncio.run(end(number))
    assert row["error"] == "interrupted: the daemon ended while the command ran"
    assert "request the command again" in row["hint"]


async def serve_until_killed(settings: ServiceSettings, folder: Path, signals: int) -> None:
    """Run the daemon of the scripted bow, and write a byte once it runs a command."""
    bow = ScriptedBow()
    async with daemon(settings, bow, folder):
        while not bow.ran:
            await asyncio.sleep(0.01)
        os.write(signals, b"r")
        await asyncio.sleep(60)


async def test_two_daemons_never_run_one_command_twice(
    database_settings: ServiceSettings, registered: Connection
) -> None:
    numbers = [await request(registered, "read") for _ in range(8)]
    async with open_database(database_settings, application="sensor", role=Role.SENSOR) as database:
        first, second = await claimed_by_one(database, uuid4()), await claimed_by_one(database, uuid4())
        async with registered.transaction():  # as while the other daemon claims it
            await registered.execute("select from commands where id = $1 for update", numbers[0])
            assert await first.claim() is None, "never out of order"
        claimed = [*await asyncio.gather(*(one.claim() for one in (first, second)))]
        taken = [one for one in claimed if one is not None]
        assert [one.number for one in taken] == numbers[:1]
        owner = first if claimed[0] is not None else second
        other = second if owner is first else first
        assert await other.claim() is None, "one at a time"
        assert not await other.write_outcome(numbers[0], Outcome(CommandState.DONE))
        assert await other.interrupt_claims_of_others() == 1
        assert not await owner.write_outcome(numbers[0], Outcome(CommandState.DONE)), "it is interrupted already"
        assert await owner.is_cancelled(numbers[0])
        next_one = await other.claim()
        assert next_one is not None
        assert next_one.number == numbers[1]
        for rows in (first, second):
            rows._connection.terminate()


async def claimed_by_one(database: Database, daemon_id: UUID) -> CommandRows:
    return CommandRows(await database.connect(), "bow-1", daemon_id)


def test_values_of_a_device_are_plain() -> None:
    values: dict[str, Value] = {"name\0": "a\x1bb", "gain": float("inf"), "on": True, "rate": 0.5, "count": 7}
    assert plain_values(values) == {"name": "a\\x1bb", "gain": None, "on": True, "rate": 0.5, "count": 7}
