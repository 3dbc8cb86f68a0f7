"""``session export`` and ``session paper`` on a real database."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path

import pytest

from edge.common.postgres.connection import Connection
from edge.installer.command import NAME_FIRST
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.command_line import CommandLine
from tests.edge.lane_rows import OUTDOORS, LaneRows, build_lane
from tests.edge.operator.export.past_sessions import add_session
from tests.edge.shot_rows import add_orphan, add_shot
from tests.test_project import ROOT


async def shoot_session(connection: Connection) -> LaneRows:
    """Seven shots by two archers, one of whom has a name that a spreadsheet would compute."""
    lane = await build_lane(connection, OUTDOORS)
    for letter, name in (("A", "=cmd|'/c calc'!A1"), ("B", "<script>alert(1)</script>")):
        archer = await connection.fetchval("insert into archers (name) values ($1) returning id", name)
        await connection.execute(
            "insert into slots (session_id, letter, face, archer_id) values ($1, $2, '1', $3)",
            lane.session_id, letter, archer,
        )  # fmt: skip
    for number, (points, is_x) in enumerate(
        [(9, False), (10, True), (10, False), (8, False), (7, False), (10, False), (9, False)]
    ):
        shot_id = await add_shot(lane, 640.0 + number, 650.5, points, is_x=is_x)
        slot = await connection.fetchval("select id from slots where letter = $1", "AB"[number % 2])
        await connection.execute("update shots set slot_id = $2 where id = $1", shot_id, slot)
    await add_shot(lane, None, None, None, result="unknown")
    await add_orphan(lane, 100.0, 100.0)
    await lane.set_watermarks(900.0)
    return lane


@pytest.fixture
def shot_session(command_line: CommandLine) -> str:
    """The id of a session with shots."""
    return str(command_line.on_database(shoot_session).session_id)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_shots_and_ends_are_exported(command_line: CommandLine, shot_session: str) -> None:
    shots = rows(command_line.run("session", "export", shot_session, "--output", "-"))
    assert [(row["number"], row["slot"], row["value"], row["end"]) for row in shots] == [
        ("1", "A", "9", "1"), ("2", "B", "X", "1"), ("3", "A", "10", "1"), ("4", "B", "8", "1"), ("5", "A", "7", "1"),
        ("6", "B", "10", "1"), ("7", "A", "9", "2"), ("8", "", "?", "2"),
    ]  # fmt: skip
    assert shots[0]["archer"] == "'=cmd|'/c calc'!A1"
    assert (shots[0]["released_at"], shots[1]["x_mm"], shots[1]["face_y_mm"]) == (
        "2026-01-01T10:00:30.000000Z",
        "641.0",
        "10.5",
    )
    named = command_line.run("session", "export", "last", "--as", "ends", "--output", "-", NAME_FIRST)
    name, _, text = named.partition("\n")
    assert name.startswith("lane-1-2026-01-01-")
    ends = rows(text)
    assert [(row["slot"], row["end"], row["arrow_1"], row["arrow_3"], row["sum"], row["running"]) for row in ends] == [
        ("A", "1", "10", "7", "26", "26"), ("A", "2", "9", "", "9", "35"), ("B", "1", "X", "8", "28", "28"), ("", "2", "?", "", "0", "0"),
    ]  # fmt: skip
    found = json.loads(command_line.run("session", "export", "--as", "json", "--output", "-"))
    (listed,) = command_line.json("session", "list")
    totals = {one["slot"]: one["points"] for one in found["archers"]}
    assert (sum(totals.values()), totals["A"], totals["B"]) == (listed["points"], 35, 28)
    assert [one["points"] for one in listed["slots"]] == [35, 28]


def test_a_file_is_replaced_only_when_asked(
    command_line: CommandLine, shot_session: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out, said = command_line.both("session", "export", shot_session)
    path = tmp_path / f"lane-1-2026-01-01-{shot_session[:8]}-shots.csv"
    assert (out, path.read_bytes().count(b"\r\n")) == ("", 9)
    assert f"written to {path.name}" in said
    message = command_line.run("session", "export", shot_session, "--as", "ends", "--output", path.name, status=1)
    assert "exists already, so nothing was written" in message
    command_line.run("session", "export", shot_session, "--as", "ends", "--output", path.name, "--force")
    assert path.read_bytes().startswith(b"slot,archer,")
    assert "cannot be written" in command_line.run("session", "export", "--output", "no/such/folder", status=1)


def test_pages_hold_no_script_and_speak_two_languages(command_line: CommandLine, shot_session: str) -> None:
    sheet = command_line.run("session", "export", "--as", "scoresheet", "--language", "de", "--output", "-")
    assert "<script" not in sheet
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in sheet
    assert "Schusszettel" in sheet
    assert sheet.count("<article") == 3
    page = command_line.run("session", "export", "--as", "certificate", "--language", "en", "--output", "-")
    assert "Simulated devices" in page
    assert "style=" not in page
    (found,) = command_line.json("session", "certificate", shot_session)
    assert (found["session"]["id"], found["counts"]["unknown"], found["counts"]["orphans_open"]) == (shot_session, 1, 1)


def test_an_end_on_paper_is_compared(command_line: CommandLine, shot_session: str) -> None:
    assert "No end on paper yet" in command_line.run("session", "paper")
    equal = command_line.run("session", "paper", shot_session, "10 9,7", "--end", "1", "--slot", "A", "--who", "Bea")
    assert equal == "slot A  end   1  paper 10 9 7 = 26  sensors 10 9 7 = 26  equal\n"
    out, _ = command_line.both("session", "paper", "last", "x,9,8", "--end", "1", "--slot", "B", status=1)
    assert out == (
        "slot B  end   1  paper X 9 8 = 27  sensors X 10 8 = 28  DIFFERS: only on paper 9, only by the sensors 10\n"
    )
    out, _ = command_line.both("session", "paper", "--json", status=1)
    assert [json.loads(line)["agrees"] for line in out.splitlines()] == [True, False]
    assert "no slot is given" in command_line.run("session", "paper", "last", "9", "--end", "1", status=1)
    assert "'11' is no value" in command_line.run("session", "paper", "last", "11", "--end", "1", status=2)
    assert "give --end with VALUES" in command_line.run("session", "paper", "last", "9", status=2)
    _, said = command_line.both("session", "paper", "last", "--end", "1", "--slot", "B", "--withdraw")
    assert "end 1 on paper is withdrawn" in said
    assert len(command_line.json("session", "paper")) == 1


def test_past_sessions_are_listed(command_line: CommandLine) -> None:
    assert "No past session" in command_line.run("session", "history")

    async def shoot(connection: Connection) -> None:
        lane = await build_lane(connection, OUTDOORS)
        await add_session(lane, {"Kim": [10, 9, 8], "Lee": [7, 7, None]})
        await lane.connection.execute("update shots set slot_id = null where points is null")
        await add_session(lane, {"Kim": [9, 9, 8]})

    command_line.on_database(shoot)
    lines = command_line.run("session", "history", "--lane", "1").splitlines()
    assert [line for line in lines if line.startswith("  ")][:4] == [
        "  A Kim: 3 arrows, 26 points  average 8.67  best 27",
        "  A Kim: 3 arrows, 27 points  average 9.00  personal best",
        "  B Lee: 2 arrows, 14 points  average 7.00  best 14",
        "  no archer: 1 arrows, 0 points",
    ]
    assert len(command_line.json("session", "history", "--archer", "Lee")) == 1
    assert "  no slot  1 arrows  0 points" in command_line.run("session", "list").splitlines()


def test_commands_of_the_docs_work(
    command_line: CommandLine, shot_session: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shot_session
    assert PREPARED["export.md"].endswith("sessions/test_files.py")
    words = [shlex.split(command) for command in commands(ROOT / "docs" / "range" / "export.md")]
    assert all(program == "archstats-sensor" for program, *_ in words)
    for _, *command in words:
        status = int("paper" in command and "--withdraw" not in command)  # the archer shot 10, 9 and 7
        command_line.run(*command, status=status)
    assert sorted(one.name.rpartition("-")[2] for one in tmp_path.iterdir()) == [
        "certificate.html", "ends.csv", "sheet.html", "shots.csv",
    ]  # fmt: skip


def test_four_archers_have_the_same_totals_everywhere(command_line: CommandLine) -> None:
    values: dict[str, list[int | None]] = {"Kim": [10, 9, 8, 7], "Lee": [9, None, 9], "Max": [10, 10, 10, 1], "Zoe": []}

    async def shoot(connection: Connection) -> str:
        return str(await add_session(await build_lane(connection, OUTDOORS), values))

    session = command_line.on_database(shoot)
    points = {"A": 34, "B": 18, "C": 31, "D": 0}
    listed = next(one for one in command_line.json("session", "list") if one["id"] == session)
    assert {one["letter"]: one["points"] for one in listed["slots"]} == points
    (found,) = command_line.json("session", "stats", session)
    shot = {letter: total for letter, total in points.items() if letter != "D"}
    assert {one["letter"]: one["totals"]["points"] for one in found["slots"]} == shot
    exported = json.loads(command_line.run("session", "export", session, "--as", "json", "--output", "-"))
    assert {one["slot"]: (one["archer"], one["points"], one["arrows"]) for one in exported["archers"]} == {
        letter: (name, points[letter], len(values[name])) for letter, name in zip("ABCD", values, strict=True)
    }
    ends = rows(command_line.run("session", "export", session, "--as", "ends", "--output", "-"))
    last = {row["slot"]: int(row["running"]) for row in ends}
    assert last == shot
    (past,) = [one for one in command_line.json("session", "history") if one["id"] == session]
    assert {one["slot"]: one["points"] for one in past["archers"]} == points
    assert (past["points"], listed["points"], found["totals"]["points"]) == (83, 83, 83)
