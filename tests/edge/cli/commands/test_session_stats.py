"""``session stats`` on a real database: for people, for programs, and for sessions that cannot be meant."""

from __future__ import annotations

import shlex

from edge.common.vocabulary import Result
from edge.operator.statistics.lines import statistics_lines
from edge.statistics import SessionFacts, session_statistics
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.command_line import CommandLine, shoot_lane
from tests.edge.statistics.session_rows import session, shot
from tests.test_project import ROOT

SPOTS = [(100, 40), (-100, -40), (40, 100), (-40, -100), (80, -80), (-80, 80)]


def shown(facts: SessionFacts) -> list[str]:
    return list(statistics_lines(facts, session_statistics(facts)))


def test_statistics_of_stored_sessions(command_line: CommandLine) -> None:
    assert "there is no session yet" in command_line.run("session", "stats", status=1)
    command_line.run("session", "open", "--lane", "2")
    assert command_line.run("session", "stats").splitlines()[1:] == ["No shot yet."]
    command_line.on_database(shoot_lane)
    (listed,) = command_line.json("session", "list", "--lane", "1")
    command_line.run("shots", "rebuild", "--session", listed["id"])
    assert "'last' is not clear" in command_line.run("session", "stats", status=1)
    (found,) = command_line.json("session", "stats", "last", "--lane", "1")
    assert (found["lane"], found["totals"]["arrows"], found["totals"]["points"]) == (1, 2, 10)
    text = command_line.run("session", "stats", found["session_id"][:8])
    assert text.startswith(f"session {found['session_id'][:8]}: lane 1, 18 m, opened ")
    assert "2 arrows: 10 points of 20, average 5.00" in text
    message = command_line.run("session", "stats", found["session_id"], "--lane", "2", status=1)
    assert "is on lane 1, not on lane 2" in message
    assert PREPARED["statistics.md"].endswith("test_session_stats.py")
    for program, *words in map(shlex.split, commands(ROOT / "docs" / "statistics.md")):
        assert program == "archstats-sensor"
        command_line.run(*words, *(() if "--lane" in words else ("--lane", "1")))


def test_sums_and_ends_are_lines() -> None:
    facts = session(
        shot(1, 9), shot(2, 10, end=2, is_x=True), shot(3, 7, end=2), shot(4, 0, dx=None, end=2, result=Result.MISS),
        shot(5, None, dx=None, end=3, result=Result.PENDING), sighters=1,
    )  # fmt: skip
    assert shown(facts)[:6] == [
        "4 arrows: 17 points of 30, average 5.67",
        "  2 hits, 1 X, 1 misses, 1 not decided",
        "Ends, highest first; S: sighters, which do not count",
        "   S1   9        sum   9",
        "    1   X  7  M  sum  17  total 17",
        "    2   ?        sum   0  total 17",
    ]


def test_group_sight_and_trend_are_lines() -> None:
    facts = session(*(shot(i, 8, dx=x + 200.0, dy=y - 30.0) for i, (x, y) in enumerate(SPOTS)))
    assert shown(facts)[4:] == [
        "Group of 6 arrows",
        "  Group centre      200 mm right, 30 mm low (known to ± 36 mm)",
        "  Group size        226 mm (6 arrows)",
        "  Sight             right 2.4 mm (0.85 m from the eye to the sight)",
        "  Spread (1 sigma)  87 mm (95 %: 59-149)",
        "  Half the arrows   within 102 mm, 95 of 100 within 213 mm",
        "  Mean radius       110 mm",
    ]
    few = shown(session(shot(1, dx=3.0), shot(2, dx=-2.0)))
    assert few[5:] == [
        "  Group centre      0.5 mm right, 0.0 mm high",
        "  Group size        5.0 mm (2 arrows)",
        "  Sight             No change: too few arrows to be sure",
        "  Spread (1 sigma)  needs 6 arrows",
        "  Mean radius       2.5 mm",
    ]
    steady = shown(session(*(shot(i, 8, dx=float(x), dy=float(y)) for i, (x, y) in enumerate(SPOTS * 2))))
    assert "  Sight             No change: too few arrows to be sure" in steady
    assert steady[-1] == (
        "  Later half        same as the earlier half (± 50 mm; spread 87 mm (95 %: 59-149), then 87 mm (95 %: 59-149))"
    )


def test_archers_who_share_a_butt_have_own_lines() -> None:
    arrows = [shot(i, 7, dx=10.0 * i, slot="AB"[i % 2]) for i in range(1, 5)]
    lines = shown(session(*arrows, shot(5, 0, dx=None, result=Result.MISS)))
    assert lines[0] == "5 arrows of 2 archers: 28 points of 50, average 5.60"
    assert [line for line in lines if not line.startswith(" ")][2:] == [
        "Slot A: 2 arrows, 14 points of 20",
        "Slot B: 2 arrows, 14 points of 20",
    ]
    assert lines[3:9] == [
        "  slot A",
        "    1   7  7  sum  14  total 14",
        "  slot B",
        "    1   7  7  sum  14  total 14",
        "  no slot",
        "    1   M     sum   0  total 0",
    ]
    assert "  Group centre      30 mm right, 0.0 mm high" in lines


def test_a_bad_arrow_is_named() -> None:
    facts = session(
        *(shot(i, 8, dx=x / 10, dy=y / 10 + (150 if i % 4 == 3 else 0), arrow=f"L1-0{i % 4}") for i, (x, y) in enumerate(SPOTS * 2)),
        shot(20, 8, tag="3f00a2b1c4d5"),
    )  # fmt: skip
    lines = shown(facts)
    lines = lines[lines.index("Arrows, from the other arrows") + 1 :]
    assert [line.split()[0] for line in lines] == ["L1-00", "L1-01", "L1-02", "L1-03", "tag"]
    assert "1 shot   average  8.00" in lines[-1]
    assert [line for line in lines if "check arrow L1-03: 148 mm off in 3 shots" in line] == [lines[3]]
