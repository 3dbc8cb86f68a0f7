"""Evidence that a command reports before its end is stored with it, however it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from drivers.contract import Command, Progress
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from edge.common.vocabulary import CommandState
from edge.sensor.command_rows import LONGEST_RESULT, ClaimedCommand, CommandRows, Outcome, Value
from edge.sensor.running_command import MOST_AT_ONCE, RunningCommand
from tests.edge.sensor.commands.requested import register_bow, request, until
from tests.edge.sensor.scripted_bow import ScriptedBow, daemon

REPORTED = {"tid": "e200", "tries": 2, "written": True}


async def until_written(connection: Connection, number: int) -> asyncpg.Record:
    """The row of a running command once its evidence is stored."""
    async with asyncio.timeout(10):
        while True:
            row = await until(connection, number, CommandState.RUNNING)
            if row["result"] is not None and json.loads(row["result"]).get("written"):
                return row
            await asyncio.sleep(0.01)


async def test_evidence_is_stored_at_once_and_kept(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.sensor.running_command.PROGRESS_PAUSE_S", 60.0)
    await register_bow(connection)
    bow = ScriptedBow()
    async with daemon(database_settings, bow, tmp_path):
        cancelled = await request(connection, "prove")
        row = await until_written(connection, cancelled)
        assert (row["phase"], json.loads(row["result"])) == ("writes it", REPORTED)
        await connection.execute("update commands set cancel_requested = true where id = $1", cancelled)
        await until(connection, cancelled, CommandState.CANCELLED)
        bow.go_on.set()
        done = await until(connection, await request(connection, "prove"), CommandState.DONE)
        bow.go_on.clear()
        stopped = await request(connection, "prove")
        await until_written(connection, stopped)
    assert json.loads(done["result"]) == REPORTED | {"tries": 3, "is_verified": True}
    for number, state in ((cancelled, CommandState.CANCELLED), (stopped, CommandState.FAILED)):
        row = await until(connection, number, state)
        assert json.loads(row["result"]) == REPORTED


async def test_an_interrupted_command_keeps_its_evidence(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    await register_bow(connection)
    numbers = [await request(connection, "prove") for _ in range(3)]
    async with open_database(database_settings, application="sensor", role=Role.SENSOR) as database:
        opened = await database.connect()
        for number in numbers:
            rows = CommandRows(opened, "bow-1", uuid4())
            assert await rows.claim()
            await rows.write_progress(number, Progress("writes it"), {"written": True})
            if number == numbers[0]:  # its daemon ends, and the next one says so
                assert await CommandRows(opened, "bow-1", uuid4()).interrupt_claims_of_others() == 1
            elif number == numbers[1]:  # its daemon never reports its end
                await connection.execute(
                    "update commands set claimed_at = claimed_at - interval '1 h' where id = $1", number
                )
                assert await connection.fetchval("select expire_commands()") == 1
            else:
                assert await rows.write_outcome(number, Outcome(CommandState.FAILED, error="torn"))
        opened.terminate()
    for row in await connection.fetch("select state, result, phase from commands order by id"):
        assert tuple(row) == ("failed", '{"written": true}', "writes it")


class FakeRows(CommandRows):
    """Keeps what is written, and fails while it is away."""

    def __init__(self) -> None:
        self.written: list[tuple[str, dict[str, Value | None]]] = []
        self.is_away = False

    async def write_progress(self, number: int, progress: Progress, evidence: Mapping[str, Value | None]) -> None:
        if self.is_away:
            raise OSError(f"away at command {number}")
        self.written.append((progress.phase, dict(evidence)))


async def running_command() -> RunningCommand:
    async def execute() -> Outcome:
        return Outcome(CommandState.DONE)

    task = asyncio.create_task(execute())
    await task
    return RunningCommand(ClaimedCommand(1, Command("prove"), "Robin", 30.0), task, 0.0)


async def test_evidence_outlives_an_absent_database() -> None:
    running, rows = await running_command(), FakeRows()
    rows.is_away = True
    running.add(Progress("reads it", values={"tries": 1, "tid": "e2"}))
    with pytest.raises(OSError, match="away"):
        await running.write_progress(rows)
    assert running.with_evidence(Outcome(CommandState.DONE, {"tries": 9})).values == {"tries": 9, "tid": "e2"}
    rows.is_away = False
    running.add(Progress("writes it", values={"tries": 2}))
    await running.write_progress(rows)
    await running.write_progress(rows)
    assert rows.written == [("writes it", {"tries": 2, "tid": "e2"})]


async def test_evidence_is_bounded() -> None:
    running, rows = await running_command(), FakeRows()
    for number in range(LONGEST_RESULT + 5):
        running.add(Progress("reads", values={f"tag {number}": number}))
    running.add(Progress("reads", values={"tag 0": -1, "one more": 1}))
    assert len(running.unwritten) == LONGEST_RESULT
    assert running.unwritten["tag 0"] == -1
    for _ in range(MOST_AT_ONCE):
        running.add(Progress("reads", values={"tag 0": 0}))
        assert running.due_at < 0, "at once"
        await running.write_progress(rows)
    running.add(Progress("reads", values={"tag 0": 0}))
    assert running.due_at > 0, "after the pause"


async def test_a_new_phase_does_not_wait() -> None:
    running, rows = await running_command(), FakeRows()
    for number in range(MOST_AT_ONCE):
        running.add(Progress(f"step {number}"))
        assert running.due_at < 0, "at once"
        await running.write_progress(rows)
        running.add(Progress(f"step {number}", 1, 2))
        assert running.due_at > 0, "the same phase waits"
    running.add(Progress("one more"))
    assert running.due_at > 0, "they are bounded"
    assert [phase for phase, _ in rows.written] == [f"step {number}" for number in range(MOST_AT_ONCE)]
