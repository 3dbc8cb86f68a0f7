"""Correct, void, assign, rebuild and explain from the command line, on a real database; no archstats-shots runs here."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge.cli.commands import session as session_commands
from edge.common.postgres.connection import Connection
from edge.common.postgres.roles import Role
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.judged_lane import Bench, shoot_lane
from tests.edge.shots.lane_rows import StoredLane
from tests.test_project import ROOT


@pytest.fixture
def bench(empty_bench: Bench) -> Bench:
    """Commands on a lane that was shot on."""
    empty_bench.on_database(shoot_lane)
    empty_bench.type("shots", "rebuild", "--session", "last")
    return empty_bench


def results(bench: Bench) -> list[tuple[str, int | None]]:
    return [(shot["result"], shot["points"]) for shot in bench.json("shots", "list")]


def test_every_command_of_the_page_works(bench: Bench) -> None:
    assert PREPARED["judging.md"].endswith("test_judging.py")
    typed = [shlex.split(command) for command in commands(ROOT / "docs" / "judging.md")]
    assert len(typed) >= 15
    for program, *words in typed:
        assert program == "archstats-sensor"
        bench.type(*words)
    assert [orphan["status"] for orphan in bench.json("orphan", "list", "--all")] == ["voided", "assigned"]


def test_a_correction_says_who_and_why_and_holds(bench: Bench) -> None:
    (told,) = bench.json("shots", "correct", "last", "--points", "9", "--why", "seen", "--who", "Ann")
    assert (told["result"], told["points"], told["is_x"], told["revision"], told["done"]) == ("hit", 9, False, 2, True)
    bench.type("shots", "rebuild", "--session", "last")
    assert results(bench) == [("hit", 10), ("hit", 9)]
    (why,) = bench.json("why", "last")
    (said,) = why["corrections"]
    assert (said["who"], said["reason"], said["old"]["result"], said["new"]["points"]) == ("Ann", "seen", "miss", 9)
    assert "Ann: result M (miss) -> 9 (hit), for: seen" in bench.type("why", "last")


def test_what_was_decided_is_taken_back(bench: Bench) -> None:
    bench.type("shots", "void", "last", "--why", "after the signal")
    assert results(bench)[-1] == ("void", None)
    assert bench.json("shots", "list")[-1]["void_reason"] == "after the signal"
    bench.type("shots", "restore", "last", "--why", "it was in time")
    assert results(bench)[-1] == ("miss", 0)
    newest = bench.json("shots", "list")[-1]["id"]
    assert "nothing was decided" in bench.type("shots", "restore", newest, "--why", "again", status=1)


FOLLOWS = {
    "--points 10 --x": ("hit", 10),
    "--x": ("hit", 10),
    "--points 0": ("miss", 0),
    "--result not_shot": ("not_shot", None),
    "--result off_face": ("off_face", 0),
}


def test_what_is_not_said_of_a_correction_follows(bench: Bench) -> None:
    shot = bench.json("shots", "list")[-1]["id"]
    for words, result in FOLLOWS.items():
        (told,) = bench.json("shots", "correct", shot, *words.split(), "--why", "seen")
        assert (told["result"], told["points"]) == result, words


REFUSED = {
    "correct last --points 7 --why w": ["7", "10, 9, 1"],
    "correct last --x --points 9 --why w": ["X", "10"],
    "correct last --result miss --points 3 --why w": ["miss", "--result hit"],
    "correct last --result hit --why w": ["--points", "10, 9, 1"],
    "correct last --result great --why w": ["great", "not_shot"],
    "correct last --why w": ["--points"],
    "void last --why ' '": ["--why"],
    "void ffff0000 --why w": ["ffff0000", "shots list"],
    "void 'no id' --why w": ["no id", "last"],
    "rebuild --session 0000ffff": ["session", "session list"],
    "restore last --why w": ["nothing was decided of any shot", "shots list"],
    "restore last --lane 1 --why w": ["nothing was decided of any shot of lane 1"],
}


def test_what_cannot_be_is_refused_with_a_remedy(bench: Bench) -> None:
    before = results(bench)
    for words, names in REFUSED.items():
        told = bench.type("shots", *shlex.split(words), status=1)
        assert len(told.strip().splitlines()) == 1, words
        assert [name for name in names if name not in told] == [], told
    assert results(bench) == before


def test_a_landing_is_given_to_the_shot_it_belongs_to(bench: Bench) -> None:
    assert [orphan["status"] for orphan in bench.json("orphan", "list")] == ["open", "open"]
    (told,) = bench.json("orphan", "assign", "last", "--to", "last", "--why", "tag not read")
    newest = bench.json("shots", "list")[-1]
    assert (told["status"], told["shot_id"], told["done"]) == ("assigned", newest["id"], True)
    assert (newest["result"], newest["assignment"], newest["x"]) == ("hit", "manual", 900.0)
    assert "landing already" in bench.type("orphan", "assign", "last", "--to", "last", "--why", "w", status=1)
    assert [orphan["x"] for orphan in bench.json("orphan", "list")] == [100.0]


def test_a_landing_becomes_a_shot_of_its_own_or_nothing(bench: Bench) -> None:
    bench.type("orphan", "assign", "last", "--alone", "--why", "bow sensor off")
    bench.type("orphan", "void", "last", "--why", "a hammer")
    assert "waits for a person" in bench.type("orphan", "list")
    assert [shot["result"] for shot in bench.json("shots", "list")] == ["hit", "void", "miss", "hit"]
    bench.type("orphan", "reopen", bench.json("orphan", "list", "--all")[0]["id"], "--why", "no hammer there")
    assert [orphan["x"] for orphan in bench.json("orphan", "list")] == [100.0]
    assert "either" in bench.type("orphan", "assign", "last", "--why", "w", status=2)


def test_why_tells_what_a_shot_rests_on(bench: Bench) -> None:
    hit, miss = bench.json("shots", "list")
    said = bench.type("why", str(hit["id"])[:8])
    for word in (
        "release",
        "bow-1 #2",
        "target-1 #1",
        "0.400 s",
        "possible",
        "same tag",
        "chosen",
        "told 4.0 s later",
        "± 0.5 ms",
        "margin",
    ):
        assert word in said
    said = bench.type("why", str(miss["id"]))
    assert "nothing landed" in said
    assert "target-1 saw everything" in said
    (facts,) = bench.json("why", str(hit["id"]))
    assert facts["explanation"]["flight"]["seen_s"] == pytest.approx(0.4)
    assert facts["explanation"]["ring"]["zone_mm"] == 30.5


def test_why_tells_which_releases_a_landing_might_belong_to(bench: Bench) -> None:
    async def shoot_between(connection: Connection) -> None:
        lane = StoredLane(connection)
        (row,) = await connection.fetch("select start_time from sessions")
        lane.zero = row["start_time"]
        await lane.add_reading("bow-1", "release", 33.9, tag=None)  # 0.1 s before the orphan: too fast for any arrow
        await lane.set_watermarks(58.0)

    bench.on_database(shoot_between)
    bench.type("shots", "rebuild", "--session", "last")
    near, far = (str(orphan["id"]) for orphan in bench.json("orphan", "list"))
    said = bench.type("why", near)
    assert "+0.100 s, impossible" in said
    assert "no release lies near" in bench.type("why", far)
    assert bench.json("why", near)[0]["candidates"][0]["possible"] is False


def test_a_rebuild_says_that_nothing_changed(bench: Bench) -> None:
    (told,) = bench.json("shots", "rebuild", "--session", "last")
    assert (told["done"], told["shots"], told["revised"]) == (True, 2, 0)


def test_an_operator_alone_notes_what_the_assembler_will_do(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = bench.settings.database.user
    monkeypatch.setenv("POSTGRES_USER", Role.OPERATOR)
    told = bench.type("shots", "correct", "last", "--points", "9", "--why", "seen", status=1)
    assert "it is noted" in told
    assert "Start archstats-shots" in told
    assert results(bench)[-1] == ("miss", 0)
    monkeypatch.setenv("POSTGRES_USER", owner)
    bench.type("shots", "rebuild", "--session", "last")
    assert results(bench)[-1] == ("hit", 9)


def test_sessions_of_several_lanes_are_opened_ended_and_closed_together(
    empty_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = empty_bench.json("session", "open", "--lane", "2", "--lane", "3")
    assert [(one["lane"], one["state"]) for one in opened] == [(2, "open"), (3, "open")]
    assert "lane 3" in empty_bench.type("session", "open", "--lane", "1", "--lane", "3", status=1)
    assert [one["lane"] for one in empty_bench.json("session", "list")] == [2, 3]  # nothing on lane 1
    assert [one["lane"] for one in empty_bench.json("session", "list", "--lane", "3")] == [3]
    assert len(empty_bench.json("session", "end", "--lane", "2", "--lane", "3")) == 2
    assert "lane 1" in empty_bench.type("session", "end", "--lane", "1", "--lane", "2", status=1)

    async def marks(connection: Connection) -> Any:
        return await connection.fetchval("select count(*) from end_marks")

    assert empty_bench.on_database(marks) == 2
    monkeypatch.setattr(session_commands, "CLOSED_WITHIN_S", 0.2)  # no archstats-shots runs here
    told = empty_bench.type("session", "close", "--lane", "2", "--lane", "3", status=1)
    assert "lane 2, lane 3: still closing" in told
    assert "Start archstats-shots" in told
    told = empty_bench.type("session", "open", "--lane", "2", status=1)
    assert "still closing" in told
    assert "Start archstats-shots" in told  # to close it once more would lead nowhere
    first, second = empty_bench.type("session", "list").splitlines()
    assert first.startswith(str(opened[0]["id"])[:8])
    assert "closing" in first
    assert "wa_40 " in second
    assert second.startswith(str(opened[1]["id"])[:8])


def test_a_butt_that_is_too_small_for_its_face_is_refused(empty_bench: Bench) -> None:
    small = ("session", "open", "--face", "wa_40_triple", "--butt-width", "200", "--butt-height")
    assert "--butt-height 639 is too small: a wa_40_triple needs at least 640 mm" in empty_bench.type(
        *small, "639", status=1
    )
    empty_bench.type(*small, "640")


def test_what_was_shot_before_a_session_is_taken_in_on_request(bench: Bench) -> None:
    async def forget_session(connection: Connection) -> None:
        await connection.execute("delete from orphans")
        await connection.execute("delete from shots")
        await connection.execute("delete from sessions")

    bench.on_database(forget_session)
    began = datetime.now(UTC) - timedelta(seconds=60)
    bench.type("session", "open", "--distance", "18", "--since", began.isoformat())
    bench.type("shots", "rebuild", "--session", "last")
    assert [result for result, _ in results(bench)] == ["hit", "miss"]


def test_a_session_takes_nothing_in_that_is_of_another(bench: Bench) -> None:
    async def end_session(connection: Connection) -> None:
        await connection.execute("update sessions set is_opened = false, end_time = now(), closing_time = now()")

    bench.on_database(end_session)
    began = datetime.now(UTC) - timedelta(seconds=30)
    assert "ended at" in bench.type("session", "open", "--since", began.isoformat(), status=1)
    assert "no instant" in bench.type("session", "open", "--since", "yesterday", status=2)
    assert "time zone" in bench.type("session", "open", "--since", "2026-01-01T12:00:00", status=2)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert "still to come" in bench.type("session", "open", "--since", later.isoformat(), status=1)


def test_without_any_shot_it_says_so(empty_bench: Bench) -> None:
    assert "No shot yet" in empty_bench.type("shots", "list")
    assert "no session yet" in empty_bench.type("shots", "rebuild", "--session", "last", status=1)
    assert "no shot, voided" in empty_bench.type("why", "last", status=1)
    alone = ("last", "--alone", "--why", "w")
    assert "no landing waits for a person" in empty_bench.type("orphan", "assign", *alone, status=1)
    assert "nothing was said of any landing" in empty_bench.type("orphan", "reopen", "last", "--why", "w", status=1)


def test_the_list_of_sessions_tells_of_arrows_that_were_nocked_and_never_released(empty_bench: Bench) -> None:
    async def nock(connection: Connection) -> None:
        lane = StoredLane(connection, ago_s=400.0)
        await lane.build()
        await lane.add_reading("bow-1", "engage", 20.0)
        await lane.add_reading("bow-1", "engage", 395.0)  # it may still be shot

    empty_bench.on_database(nock)
    assert [one["nockings_expired"] for one in empty_bench.json("session", "list")] == [1]
    assert "  1 nocked and never released" in empty_bench.type("session", "list")
