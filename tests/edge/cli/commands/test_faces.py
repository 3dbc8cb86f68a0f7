"""Faces, slots and rules of ``session open`` from the command line, on a real database."""

from __future__ import annotations

import shlex
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from edge.common.postgres.connection import Connection
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.command_line import CommandLine
from tests.edge.lane_rows import ARROW, CENTRE_MM, build_lane, started_ago
from tests.test_project import ROOT


async def add_bow(connection: Connection) -> None:
    await connection.execute("insert into devices (id, kind, driver, lane) values ('bow-4', 'bow', 'link', 4)")


def test_commands_of_the_faces_page_work(command_line: CommandLine) -> None:
    assert PREPARED["faces.md"].endswith("test_faces.py")
    command_line.on_database(add_bow)
    shown = [shlex.split(command) for command in commands(ROOT / "docs" / "faces.md")]
    assert len(shown) > 5
    said = {words[4]: command_line.run(*words[1:]) for words in shown if words[1] == "session"}
    assert "face 4: wa_40, centre 920.0 mm across, 360.0 mm up" in said["2"]
    assert said["1"].count("\n") == 1

    async def read(connection: Connection) -> Any:
        return await connection.fetch(
            "select lane, letter, face, bow_device_id, a.name from slots p join sessions s on s.id = session_id "
            "left join archers a on a.id = archer_id order by letter"
        )

    slots = [tuple(row) for row in command_line.on_database(read)]
    assert slots == [(4, "A", "left", "bow-4", "Kim"), (4, "B", "right", None, "Lee Park")]


def test_advice_repeats_faces_slots_and_rules(command_line: CommandLine) -> None:
    command_line.on_database(add_bow)
    (opened,) = command_line.json("session", "open", "--lane", "7", "--face", "wa_40_triple")
    assert [(face["human_identifier"], face["x_mm"]) for face in opened["faces"]] == [
        ("A", 620.0),
        ("B", 620.0),
        ("C", 620.0),
    ]
    place = ["--face", "l=wa_40@300,620", "--face", "r=wa_60@800,620"]
    more = ["--slot", "A=l,bow=bow-4,archer=Lee Park", "--slot", "B=r", "--rules", "wa_x11"]
    command_line.run("session", "open", "--lane", "4", *place, *more)

    async def end_session(connection: Connection) -> None:
        await connection.execute("update sessions set is_opened = false, end_time = now(), closing_time = now()")

    command_line.on_database(end_session)
    advised = shlex.split(command_line.run("session", "end", "--lane", "4", status=1).split("`")[1])
    assert [word for word in (*place, *more) if word not in advised] == []
    command_line.run(*advised[advised.index("session") :])
    assert "wa_40, wa_60" in command_line.run("session", "list")


def test_advice_repeats_a_sheet_of_spots(command_line: CommandLine) -> None:
    sheet = [f"kim=worcester_spot@{x},{y}" for x, y in ((620, 620), (420, 820), (820, 820))]
    words = [word for face in (*sheet, "lee=wa_40_triangle@300,300") for word in ("--face", face)]
    command_line.run("session", "open", "--lane", "4", *words)
    advised = shlex.split(command_line.run("session", "end", "--lane", "5", status=1).split("`")[1])
    assert "FACE" in advised, "lane 5 had no session"

    async def end_session(connection: Connection) -> None:
        await connection.execute("update sessions set is_opened = false, end_time = now(), closing_time = now()")

    command_line.on_database(end_session)
    advised = shlex.split(command_line.run("session", "end", "--lane", "4", status=1).split("`")[1])
    assert [advised[i + 1] for i, word in enumerate(advised) if word == "--face"] == words[1::2]


async def shoot_one_spot(connection: Connection) -> None:
    """Two arrows in one of two faces that share a name."""
    lane = await build_lane(connection, started_ago(60.0))
    await connection.execute("update targets set max_x = 3000")
    await connection.execute("update faces set name = 'kim', human_identifier = 'kim 1'")
    await connection.execute(
        "insert into faces (target_id, human_identifier, name, code, version, x, y, radii, points, x_radius) "
        "select target_id, 'kim 2', name, code, version, 2000, y, radii, points, x_radius from faces"
    )
    await connection.execute("update sessions set arrows_per_end = 2")
    for t, x in ((10.0, CENTRE_MM), (20.0, CENTRE_MM + 100.0)):
        tag = uuid4().hex
        await lane.add_reading("bow-1", "engage", t - 2, tag=tag)
        await lane.add_reading("bow-1", "release", t, tag=tag)
        await lane.add_reading("target-1", "landing", t + 0.4, x_mm=x, y_mm=CENTRE_MM, tag=tag)
    await lane.set_watermarks(58.0)


def test_faces_of_one_name_are_spots(command_line: CommandLine) -> None:
    command_line.on_database(shoot_one_spot)
    command_line.run("shots", "rebuild", "--session", "last")
    found = [(shot["points"], shot["flags"]) for shot in command_line.json("shots", "list")]
    assert found == [(10, ["same_spot"]), (9, [])]


async def shoot_two_archers(connection: Connection) -> None:
    """Arrows of the archers A and B: on the own face, and A's on the face of B."""
    lane = await build_lane(connection, started_ago(60.0))
    await lane.add_device("bow-2", "bow", 1)
    await connection.execute("update targets set max_x = 3000")
    await connection.execute(
        "insert into faces (target_id, human_identifier, name, code, version, x, y, radii, points, x_radius) "
        "select target_id, 'B', 'right', code, version, 2000, y, radii, points, x_radius from faces"
    )
    await connection.execute(
        "insert into slots (session_id, letter, face, bow_device_id) values ($1, 'A', '1', 'bow-1'), ($1, 'B', 'right', 'bow-2')",
        lane.session_id,
    )
    for t, bow, x in ((10.0, "bow-1", CENTRE_MM), (20.0, "bow-2", 2000.0), (30.0, "bow-1", 2050.0)):
        tag = ARROW.hex if bow == "bow-1" else uuid4().hex
        await lane.add_reading(bow, "engage", t - 2, tag=tag)
        await lane.add_reading(bow, "release", t, tag=tag)
        await lane.add_reading("target-1", "landing", t + 0.4, x_mm=x, y_mm=CENTRE_MM, tag=tag)
    await lane.set_watermarks(58.0)
    with pytest.raises(asyncpg.CheckViolationError, match="slot C has no face"):
        await connection.execute("insert into slots (session_id, letter, face) values ($1, 'C', 'up')", lane.session_id)


def test_shots_belong_to_slots(command_line: CommandLine) -> None:
    command_line.on_database(shoot_two_archers)
    command_line.run("shots", "rebuild", "--session", "last")
    shots = command_line.json("shots", "list")
    assert [(shot["slot"], shot["points"], shot["flags"]) for shot in shots] == [
        ("A", 10, []),
        ("B", 10, []),
        ("A", 0, ["wrong_face"]),
    ]
    shafts = [(shot["diameter_mm"], shot["diameter_assumed"], shot["rule_set"]) for shot in shots]
    assert shafts == [(6.0, False, "wa"), (5.5, True, "wa"), (6.0, False, "wa")]
    known, assumed, _ = command_line.run("shots", "list").splitlines()
    assert "slot A" in known
    assert "5.5 mm shaft assumed" in assumed
    assert [
        (slot["letter"], slot["arrows"], slot["points"]) for slot in command_line.json("session", "list")[0]["slots"]
    ] == [
        ("A", 2, 10),
        ("B", 1, 10),
    ]
    assert "  slot A  no name  face 1  2 arrows  10 points" in command_line.run("session", "list")
    explained = command_line.run("why", shots[1]["id"])
    assert "  slot       B" in explained
    assert "  shaft      5.5 mm is assumed: the arrow's own diameter is not known" in explained
    assert "  rules      wa version 1, assembly version" in explained
    stray = command_line.run("why", shots[2]["id"])
    assert "  ring       50.00 mm from the centre of another archer's face; the 6 mm shaft reaches in" in stray
    assert "mm to the nearest line of its archer's face" in stray


def test_mistyped_faces_slots_and_rules_are_refused(command_line: CommandLine) -> None:
    command_line.on_database(add_bow)

    def refused(*options: str, status: int = 2) -> str:
        return command_line.run("session", "open", "--lane", "4", *options, status=status)

    assert "there is no face 'wa40'. Did you mean wa_40? See all" in refused("--face", "wa40")
    assert "there are no rules 'wa_11'. Did you mean wa_x11? Give" in refused("--rules", "wa_11")
    assert "is not a slot" in refused("--slot", "E")
    assert "slot A is given twice" in refused("--slot", "A", "--slot", "A")
    assert "there is no version '2' of the rules wa" in refused("--rules", "wa@2")
    message = command_line.run("session", "open", "--lane", "3", "--lane", "4", "--slot", "A,archer=Kim", status=2)
    assert "archer Kim cannot shoot on lanes 3, 4 at the same time" in message
    assert "no bow of lane 4" in refused("--slot", "A,bow=bow-9", status=1)
    assert "device bow-4 is no bow of lane 3" in command_line.run(
        "session", "open", "--lane", "3", "--slot", "A,bow=bow-4", status=1
    )
    assert command_line.json("session", "list") == []
