"""Open, end, close and list sessions from the command line, on a real database, without archstats-shots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge.common.advice import command_prefix
from edge.common.postgres.connection import Connection
from edge.operator import sessions
from tests.edge.cli.command_line import CommandLine, shoot_lane
from tests.edge.lane_rows import build_lane, started_ago


def test_several_lanes_open_end_and_close_together(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = command_line.json("session", "open", "--lane", "2", "--lane", "3")
    assert [(one["lane"], one["state"]) for one in opened] == [(2, "open"), (3, "open")]
    assert "lane 3" in command_line.run("session", "open", "--lane", "1", "--lane", "3", status=1)
    assert [one["lane"] for one in command_line.json("session", "list")] == [2, 3]  # none on lane 1
    assert [one["lane"] for one in command_line.json("session", "list", "--lane", "3")] == [3]
    assert len(command_line.json("session", "end", "--lane", "2", "--lane", "3")) == 2
    assert "lane 1" in command_line.run("session", "end", "--lane", "1", "--lane", "2", status=1)

    async def marks(connection: Connection) -> Any:
        return await connection.fetchval("select count(*) from end_marks")

    assert command_line.on_database(marks) == 2
    monkeypatch.setattr(sessions, "CLOSED_WITHIN_S", 0.2)  # no archstats-shots is running
    message = command_line.run("session", "close", "--lane", "2", "--lane", "3", status=1)
    assert "lane 2, lane 3: still closing" in message
    assert "Start archstats-shots" in message
    message = command_line.run("session", "open", "--lane", "2", status=1)
    assert "still closing" in message
    assert "Start archstats-shots" in message  # closing it again would not help
    first, second = command_line.run("session", "list").splitlines()
    assert first.startswith(str(opened[0]["id"])[:8])
    assert "closing" in first
    assert "wa_40 " in second
    assert second.startswith(str(opened[1]["id"])[:8])


def test_advice_opens_a_session_like_the_last_one_of_its_lane(command_line: CommandLine) -> None:
    unknown = "session open --lane 1 --distance METRES --face FACE`"
    assert unknown in command_line.run("session", "list")
    assert unknown in command_line.run("session", "end", status=1)
    command_line.run("session", "open", "--distance", "30", "--face", "wa_80", "--indoor", "--arrows-per-end", "6")

    async def end_session(connection: Connection) -> None:
        await connection.execute("update sessions set is_opened = false, end_time = now(), closing_time = now()")

    command_line.on_database(end_session)
    typed = f"`{command_prefix()}archstats-sensor session open --lane 1 --distance 30 --face wa_80 --indoor --arrows-per-end 6`"
    for words in (("session", "end"), ("session", "close")):
        assert typed in command_line.run(*words, status=1)


def test_butt_smaller_than_its_face_is_refused(command_line: CommandLine) -> None:
    small = ("session", "open", "--face", "wa_40_triple", "--butt-width", "200", "--butt-height")
    assert "a butt height of 639 mm is too small: a wa_40_triple needs at least 640 mm" in command_line.run(
        *small, "639", status=1
    )
    command_line.run(*small, "640")


def test_backdated_session_takes_earlier_shots(command_line: CommandLine) -> None:
    async def forget_session(connection: Connection) -> None:
        await connection.execute("delete from orphans")
        await connection.execute("delete from shots")
        await connection.execute("delete from sessions")

    command_line.on_database(shoot_lane)
    command_line.run("shots", "rebuild", "--session", "last")
    command_line.on_database(forget_session)
    began = datetime.now(UTC) - timedelta(seconds=60)
    command_line.run("session", "open", "--distance", "18", "--since", began.isoformat())
    command_line.run("shots", "rebuild", "--session", "last")
    assert [shot["result"] for shot in command_line.json("shots", "list")] == ["hit", "miss"]


def test_backdated_session_must_not_overlap_another(command_line: CommandLine) -> None:
    async def end_session(connection: Connection) -> None:
        await connection.execute("update sessions set is_opened = false, end_time = now(), closing_time = now()")

    command_line.on_database(shoot_lane)
    command_line.on_database(end_session)
    began = datetime.now(UTC) - timedelta(seconds=30)
    assert "ended at" in command_line.run("session", "open", "--since", began.isoformat(), status=1)
    assert "is not an instant" in command_line.run("session", "open", "--since", "yesterday", status=2)
    assert "time zone" in command_line.run("session", "open", "--since", "2026-01-01T12:00:00", status=2)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert "is in the future" in command_line.run("session", "open", "--since", later.isoformat(), status=1)


def test_session_list_counts_expired_nockings(command_line: CommandLine) -> None:
    async def nock(connection: Connection) -> None:
        lane = await build_lane(connection, started_ago(400.0))
        await lane.add_reading("bow-1", "engage", 20.0)
        await lane.add_reading("bow-1", "engage", 395.0)  # it may still be shot

    command_line.on_database(nock)
    assert [one["nockings_expired"] for one in command_line.json("session", "list")] == [1]
    assert "  1 nocked and never released" in command_line.run("session", "list")
