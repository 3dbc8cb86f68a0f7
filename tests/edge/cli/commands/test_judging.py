"""Correct, void, assign, rebuild and explain on a real database, without archstats-shots."""

from __future__ import annotations

import re
import shlex

import pytest

from edge.common.postgres.connection import Connection
from edge.common.postgres.roles import Role
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.command_line import CommandLine, shoot_lane
from tests.edge.lane_rows import LaneRows, SessionSetup
from tests.test_project import ROOT


@pytest.fixture
def judge(command_line: CommandLine) -> CommandLine:
    """The command line on a lane with two shots and two orphans."""
    command_line.on_database(shoot_lane)
    command_line.run("shots", "rebuild", "--session", "last")
    return command_line


def results(judge: CommandLine) -> list[tuple[str, int | None]]:
    return [(shot["result"], shot["points"]) for shot in judge.json("shots", "list")]


def test_commands_of_the_judging_page_work(judge: CommandLine) -> None:
    assert PREPARED["judging.md"].endswith("test_judging.py")
    shown = [shlex.split(command) for command in commands(ROOT / "docs" / "judging.md")]
    assert len(shown) >= 15
    for program, *words in shown:
        assert program == "archstats-sensor"
        judge.run(*words)
    assert [orphan["status"] for orphan in judge.json("orphan", "list", "--all")] == ["voided", "assigned"]
    explained = judge.run("why", "last", "--lane", "1")
    assert "A. Judge: rules wa version 1 -> wa_x11 version 1, reason: shot as World Archery's test" in explained
    assert "  rescored   " in explained
    session = str(judge.json("session", "list", "--lane", "1")[0]["id"])
    same = judge.run("shots", "rescore", "--session", session, "--reason", "again")
    assert "nothing changed" in same
    (fact,) = judge.json("shots", "rescore", "--session", session, "--rules", "wa", "--why", "back")
    assert (fact["done"], fact["old"]["rule_set"], fact["new"]["rule_set"]) == (True, "wa_x11", "wa")


def test_rescore_prints_what_changed(judge: CommandLine) -> None:
    first, rules, shot = judge.run(
        "shots", "rescore", "--session", "last", "--rules", "wa_x11", "--why", "x"
    ).splitlines()
    assert first.endswith(": 10 -> 11 points, 1 of 2 shots changed")
    assert rules == "  rules wa version 1 -> wa_x11 version 1"
    assert shot.endswith("end 1  X (10) -> X (11)")
    refused = judge.run("shots", "rescore", "--session", "last", "--rules", "x", "--why", "x", status=2)
    assert "there are no rules 'x'. Give one of wa, wa_x11." in refused


def test_correction_names_operator_and_outlives_rebuild(judge: CommandLine) -> None:
    (changed,) = judge.json("shots", "correct", "last", "--points", "9", "--why", "seen", "--who", "Ann")
    assert (changed["result"], changed["points"], changed["is_x"], changed["revision"], changed["done"]) == (
        "hit",
        9,
        False,
        2,
        True,
    )
    judge.run("shots", "rebuild", "--session", "last")
    assert results(judge) == [("hit", 10), ("hit", 9)]
    (why,) = judge.json("why", "last")
    (recorded,) = why["corrections"]
    assert (recorded["who"], recorded["reason"], recorded["old"]["result"], recorded["new"]["points"]) == (
        "Ann",
        "seen",
        "miss",
        9,
    )
    assert "Ann: result M (miss) -> 9 (hit), reason: seen" in judge.run("why", "last")


def test_voided_shot_is_restored(judge: CommandLine) -> None:
    judge.run("shots", "void", "last", "--why", "after the signal")
    assert results(judge)[-1] == ("void", None)
    assert judge.json("shots", "list")[-1]["void_reason"] == "after the signal"
    judge.run("shots", "restore", "last", "--why", "it was in time")
    assert results(judge)[-1] == ("miss", 0)
    newest = judge.json("shots", "list")[-1]["id"]
    assert "was not corrected" in judge.run("shots", "restore", newest, "--why", "again", status=1)


@pytest.mark.usefixtures("_new_york")
def test_people_read_local_times_and_programs_utc(judge: CommandLine) -> None:
    judge.run("shots", "correct", "last", "--points", "9", "--why", "seen")
    for words in (("session", "list"), ("shots", "list"), ("orphan", "list"), ("why", "last")):
        assert re.search(r"\d\d:\d\d(:\d\d[.\d]*)? E[SD]T ", judge.run(*words)), words
        assert not re.search(r"\d\d:\d\d:\d\d([.\d]*)?(\s\s|Z)", judge.run(*words)), words
        facts = judge.run(*words, "--json")
        assert set(re.findall(r"T\d\d:\d\d:\d\d\.\d{6}([^\"]*)", facts)) == {"Z"}, words


def test_texts_of_people_command_no_terminal(judge: CommandLine) -> None:
    judge.run("shots", "void", "last", "--why", "late \x1b[2J\u202e", "--who", "Ann\u2066")
    assert "voided: late \\x1b[2J\\u202e" in judge.run("shots", "list")
    assert judge.json("shots", "list")[-1]["void_reason"] == "late \\x1b[2J\\u202e"


DERIVED = {
    "--points 10 --x": ("hit", 10),
    "--x": ("hit", 10),
    "--points 0": ("miss", 0),
    "--result not_shot": ("not_shot", None),
    "--result off_face": ("off_face", 0),
}


def test_missing_parts_of_a_score_are_derived(judge: CommandLine) -> None:
    shot = judge.json("shots", "list")[-1]["id"]
    for words, result in DERIVED.items():
        (changed,) = judge.json("shots", "correct", shot, *words.split(), "--why", "seen")
        assert (changed["result"], changed["points"]) == result, words


REFUSED = {
    "correct last --points 7 --why w": ["7", "10, 9, 1"],
    "correct last --x --points 9 --why w": ["X", "10"],
    "correct last --result miss --points 3 --why w": ["miss", "--result hit"],
    "correct last --result hit --why w": ["--points", "10, 9, 1"],
    "correct last --result great --why w": ["great", "not_shot"],
    "correct last --why w": ["nothing to correct: neither a result nor points nor an X was given"],
    "void last --why ' '": ["--why"],
    "void ffff0000 --why w": ["ffff0000", "shots list"],
    "void 'no id' --why w": ["no id", "last"],
    "rebuild --session 0000ffff": ["session", "session list"],
    "restore last --why w": ["no shot was corrected", "shots list"],
    "restore last --lane 1 --why w": ["no shot was corrected on lane 1"],
}


def test_impossible_correction_is_refused_with_remedy(judge: CommandLine) -> None:
    before = results(judge)
    for words, names in REFUSED.items():
        message = judge.run("shots", *shlex.split(words), status=1)
        assert len(message.strip().splitlines()) == 1, words
        assert [name for name in names if name not in message] == [], message
    assert results(judge) == before


def test_orphan_is_assigned_to_a_shot(judge: CommandLine) -> None:
    assert [orphan["status"] for orphan in judge.json("orphan", "list")] == ["open", "open"]
    (changed,) = judge.json("orphan", "assign", "last", "--to", "last", "--why", "tag not read")
    newest = judge.json("shots", "list")[-1]
    assert (changed["status"], changed["shot_id"], changed["done"]) == ("assigned", newest["id"], True)
    assert (newest["result"], newest["assignment"], newest["x"]) == ("hit", "manual", 900.0)
    assert "already has a landing" in judge.run("orphan", "assign", "last", "--to", "last", "--why", "w", status=1)
    assert [orphan["x"] for orphan in judge.json("orphan", "list")] == [100.0]


def test_orphan_becomes_its_own_shot_or_is_voided(judge: CommandLine) -> None:
    judge.run("orphan", "assign", "last", "--alone", "--why", "bow sensor off")
    judge.run("orphan", "void", "last", "--why", "a hammer")
    assert "No open orphan" in judge.run("orphan", "list")
    assert [shot["result"] for shot in judge.json("shots", "list")] == ["hit", "void", "miss", "hit"]
    judge.run("orphan", "reopen", judge.json("orphan", "list", "--all")[0]["id"], "--why", "no hammer there")
    assert [orphan["x"] for orphan in judge.json("orphan", "list")] == [100.0]
    assert "either" in judge.run("orphan", "assign", "last", "--why", "w", status=2)


def test_why_explains_a_shot(judge: CommandLine) -> None:
    hit, miss = judge.json("shots", "list")
    lines = judge.run("why", str(hit["id"])[:8])
    for word in (
        "release",
        "bow-1 #2",
        "target-1 #1",
        "0.400 s",
        "possible",
        "same tag",
        "chosen",
        "received 4.0 s later",
        "± 0.5 ms",
        "margin",
    ):
        assert word in lines
    lines = judge.run("why", str(miss["id"]))
    assert "no landing" in lines
    assert "target-1 watched all the time" in lines
    (facts,) = judge.json("why", str(hit["id"]))
    assert facts["explanation"]["flight"]["seen_s"] == pytest.approx(0.4)
    assert facts["explanation"]["ring"]["zone_mm"] == 30.5


def test_why_lists_the_releases_near_an_orphan(judge: CommandLine) -> None:
    async def shoot_between(connection: Connection) -> None:
        (row,) = await connection.fetch("select start_time from sessions")
        rows = LaneRows(connection, SessionSetup(row["start_time"]))
        await rows.add_reading("bow-1", "release", 33.9, tag=None)  # 0.1 s before the orphan: no arrow is that fast
        await rows.set_watermarks(58.0)

    judge.on_database(shoot_between)
    judge.run("shots", "rebuild", "--session", "last")
    near, far = (str(orphan["id"]) for orphan in judge.json("orphan", "list"))
    lines = judge.run("why", near)
    assert "+0.100 s, impossible" in lines
    assert "no release is near" in judge.run("why", far)
    assert judge.json("why", near)[0]["candidates"][0]["possible"] is False


def test_rebuild_reports_no_revision_when_nothing_changed(judge: CommandLine) -> None:
    (changed,) = judge.json("shots", "rebuild", "--session", "last")
    assert (changed["done"], changed["shots"], changed["revised"]) == (True, 2, 0)


def test_operator_without_assembler_leaves_a_request(judge: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = judge.settings.database.user
    monkeypatch.setenv("POSTGRES_USER", Role.OPERATOR)
    message = judge.run("shots", "correct", "last", "--points", "9", "--why", "seen", status=1)
    assert "the request is recorded" in message
    assert "Start archstats-shots" in message
    assert results(judge)[-1] == ("miss", 0)
    monkeypatch.setenv("POSTGRES_USER", owner)
    judge.run("shots", "rebuild", "--session", "last")
    assert results(judge)[-1] == ("hit", 9)


def test_empty_database_is_reported(command_line: CommandLine) -> None:
    assert "No shot yet" in command_line.run("shots", "list")
    assert "no session yet" in command_line.run("shots", "rebuild", "--session", "last", status=1)
    assert "there is no shot, apart from void ones" in command_line.run("why", "last", status=1)
    alone = ("last", "--alone", "--why", "w")
    assert "there is no open orphan" in command_line.run("orphan", "assign", *alone, status=1)
    assert "no orphan was assigned or voided" in command_line.run("orphan", "reopen", "last", "--why", "w", status=1)
