"""``last`` names what it chose, and is refused where it is not clear."""

from __future__ import annotations

import pytest

from edge.common.postgres.connection import Connection
from tests.edge.cli.command_line import CommandLine
from tests.edge.lane_rows import build_lane, started_ago

NEW_YORK = pytest.mark.usefixtures("_new_york")


@pytest.fixture
def two_lanes(command_line: CommandLine) -> CommandLine:
    """Lane 1 with a shot and an orphan, and lane 2, opened later: both sessions are open."""

    async def build(connection: Connection) -> None:
        lane = await build_lane(connection, started_ago(90.0))
        await lane.shoot(20.0)
        await lane.land(20.4)
        await lane.land(34.0, 100.0)
        await lane.set_watermarks(88.0)
        other = await build_lane(connection, started_ago(60.0), 2)
        await other.shoot(30.0)
        await other.land(30.4)
        await other.land(44.0, 100.0)
        await other.set_watermarks(58.0)

    command_line.on_database(build)
    for session in command_line.json("session", "list"):
        command_line.run("shots", "rebuild", "--session", session["id"])
    return command_line


def close(command_line: CommandLine, lane: int, ended: str) -> None:
    async def work(connection: Connection) -> None:
        await connection.execute(
            f"update sessions set is_opened = false, closing_time = {ended}, end_time = {ended} where lane = $1", lane
        )

    command_line.on_database(work)


def ids(command_line: CommandLine) -> dict[int, str]:
    return {session["lane"]: session["id"] for session in command_line.json("session", "list")}


@NEW_YORK
def test_last_is_refused_while_several_lanes_are_open(two_lanes: CommandLine) -> None:
    by_lane = ids(two_lanes)
    for words in (("shots", "list"), ("shots", "rebuild")):
        message = two_lanes.run(*words, "--session", "last", status=1)
        assert "'last' is not clear: sessions are open on the lanes 1, 2" in message
        for lane, session_id in by_lane.items():
            typed = f"archstats-sensor {' '.join(words)} --session {session_id}`  session {session_id[:8]}"
            assert f"{typed}: lane {lane}, 18 m, opened 20" in message
    for command in ("why last", "shots void last --why late"):
        message = two_lanes.run(*command.split(), status=1)
        assert f"  --lane 2  session {by_lane[2][:8]}: lane 2, 18 m, opened 20" in message
    (voided,) = two_lanes.json("shots", "void", "last", "--why", "late", "--lane", "1")
    assert voided["lane"] == 1
    assert {shot["lane"] for shot in two_lanes.json("shots", "list", "--session", "last", "--lane", "1")} == {1}


@NEW_YORK
def test_last_names_the_session_that_it_chose(two_lanes: CommandLine) -> None:
    close(two_lanes, 2, "clock_timestamp()")  # it began later, but lane 1 is still open
    by_lane = ids(two_lanes)
    listed, named = two_lanes.both("shots", "list", "--session", "last", "--json")
    assert f'"session_id": "{by_lane[1]}"' in listed
    assert by_lane[2] not in listed
    assert named.startswith(f"session {by_lane[1][:8]}: lane 1, 18 m, opened 20")
    assert named.endswith((" EST\n", " EDT\n"))
    assert two_lanes.json("why", "last")[0]["shot"]["lane"] == 1


def test_last_of_closed_sessions_is_clear_when_one_came_after(two_lanes: CommandLine) -> None:
    close(two_lanes, 2, "clock_timestamp()")
    close(two_lanes, 1, "clock_timestamp()")
    assert "were shot at the same time on the lanes 1, 2" in two_lanes.run("why", "last", status=1)
    close(two_lanes, 1, "start_time + interval '25 s'")  # before lane 2 was opened
    assert {shot["lane"] for shot in two_lanes.json("shots", "list", "--session", "last")} == {2}


def test_last_orphan_is_refused_where_several_lanes_have_one(two_lanes: CommandLine) -> None:
    orphans = {orphan["lane"]: orphan["id"] for orphan in two_lanes.json("orphan", "list")}
    message = two_lanes.run("orphan", "void", "last", "--why", "a fly", status=1)
    assert "there are such landings on the lanes 1, 2" in message
    assert f"  {orphans[1][:8]}  lane 1, landed 20" in message
    two_lanes.run("orphan", "void", orphans[1][:8], "--why", "a fly")
    two_lanes.run("orphan", "void", "last", "--why", "a fly")
    assert two_lanes.json("orphan", "list") == []
