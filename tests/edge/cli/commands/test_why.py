"""The evidence of shots whose devices read no tags, as ``why`` prints it."""

from __future__ import annotations

from dataclasses import replace

from edge.cli.commands.why import reading_lines
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.explain import explain
from tests.edge.shots.assembly.lane_readings import ARROW, CONTEXT, LaneReadings, shots

SCANNED = replace(CONTEXT, scanners=frozenset({"arrow-1"}))


def evidence_of_the_first(lane: LaneReadings, context: SessionContext) -> list[list[str]]:
    """The topic and the last words of each line about the readings of the first shot."""
    explained = explain(lane.readings, context, shots(lane, context)[0].id)
    assert explained is not None
    lines = (line.split(maxsplit=1) for line in reading_lines(explained))
    return [[topic, text.split("  ", 2)[-1]] for topic, text in lines]


def test_scan_of_the_arrow_comes_first() -> None:
    lane = LaneReadings().scan(1.0).flown(5.0).landing(5.36, None)
    assert evidence_of_the_first(lane, SCANNED) == [
        ["scan", f"arrow-1 #1  tag {ARROW.hex}"],
        ["engage", "bow-1 #1  tag -"],
        ["release", "bow-1 #2  tag -  cause shot"],
        ["landing", "target-1 #1  tag -  at 640.00 640.00 mm"],
    ]


def test_nocking_that_leaves_a_doubt_is_shown() -> None:
    lane = LaneReadings().shot(5.0, None).shot(12.0, None).landing(12.36, None)
    *_, nocked = evidence_of_the_first(lane, CONTEXT)
    assert nocked == ["nocked", "bow-1 #3  tag -  may be the same arrow: the bow cannot distinguish"]


def test_nocking_that_shows_a_let_down_is_shown() -> None:
    *_, nocked = evidence_of_the_first(LaneReadings().shot(5.0).shot(12.0).landing(12.36), CONTEXT)
    assert nocked == ["nocked", f"bow-1 #3  tag {ARROW.hex}  the same arrow"]
