"""Incremental assembly gives what assembly of all readings gives, at every step of every history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid5

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from edge.common.frames import SensorMap
from edge.common.vocabulary import Flag, ReadingKind, Result
from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.incremental import Changes, IncrementalAssembly
from edge.shots.assembly.model import Arrow, Correction, CorrectionSet, Face, Slot, Target, TimedReading
from edge.shots.assembly.placement import Activation, Calibration, Placement
from edge.shots.assembly.shot import Shot
from edge.shots.assembly.timeline import BlindInterval, PreviousSession
from tests.edge.shots.assembly.histories import (
    BOWS,
    LONG_S,
    QUIVER,
    SCANNER,
    TARGET,
    any_readings,
    arrivals,
    sound_history,
    untagged_history,
)
from tests.edge.shots.assembly.lane_readings import CONTEXT, STREAM, T0, LaneReadings, covered_until

EXAMPLES = 20
MANY = 6000
CALIBRATIONS = (
    None,
    Calibration(uuid5(STREAM, "shifted"), SensorMap(x0=3.0, y0=-40.0), 0.3),
    Calibration(uuid5(STREAM, "turned"), SensorMap(0.0, -1.0, 1.0, 0.0, 1280.0, 0.0), 20.0),
)
FACES = [
    Face(uuid5(STREAM, name), 1, x, 640.0, (60.0,), (10,), None) for name, x in (("left", 570.0), ("right", 700.0))
]
SLOTS = (
    Slot(uuid5(STREAM, "A"), "bow-1", frozenset({FACES[0].id})),
    Slot(uuid5(STREAM, "B"), None, frozenset({FACES[1].id})),
    Slot(uuid5(STREAM, "C"), "bow-2", frozenset({FACES[0].id})),
)
SHARED = replace(CONTEXT, target=Target(1280.0, 1280.0, 18.0, tuple(FACES)), slots=SLOTS)
"""A shared butt: the archers with a device on the bow share a face, and one without has another."""
ALONE = replace(SHARED, slots=SLOTS[:1])
"""One archer with a device on the bow, beside bows of no slot."""
PAUSE_S = 30.0
"""Time between two ends of a history, so that they can be sealed."""


@dataclass(frozen=True)
class Step:
    """The news of one update of the assembler."""

    readings: Sequence[TimedReading]
    context: SessionContext
    restarts: bool
    """The assembler is killed first, and loads everything again."""

    def __repr__(self) -> str:
        """The times and kinds of the readings: the whole would be too long to print."""
        return f"<{[(r.key.device_id, r.kind.value, r.t) for r in self.readings]} now={self.context.now}>"


def shifted(readings: Sequence[TimedReading], by_s: float, number: int) -> list[TimedReading]:
    """The readings later, with sequence numbers of their own."""
    return [
        replace(
            r, t=r.t + by_s, at=T0 + timedelta(seconds=r.t + by_s), key=r.key._replace(seq=r.key.seq + 1000 * number)
        )
        for r in readings
    ]


BLOCKS = any_readings(most=12) | (sound_history() | untagged_history()).map(lambda sound: sound[0].readings)


@st.composite
def several_ends(draw: st.DrawFn) -> list[TimedReading]:
    """Arbitrary or realistic readings in blocks with pauses between them; most blocks end with an empty butt."""
    found: list[TimedReading] = []
    t = 0.0
    for number in range(draw(st.integers(1, 4))):
        block = draw(BLOCKS)
        squeeze = draw(st.sampled_from((1.0, 1.0, 0.3)))
        block = [replace(r, t=r.t * squeeze) for r in block]
        last = max((r.t for r in block), default=0.0)
        found += shifted(block, t, number)
        if block and draw(st.integers(0, 3)) > 0:
            arrow = draw(st.sampled_from(QUIVER))
            lane = LaneReadings().landing(last + 4.0, arrow).tags(last + 9.0)
            found += shifted(lane.readings, t, 100 + number)
        t += last + 10.0 + draw(st.sampled_from((0.5, PAUSE_S, 3 * PAUSE_S)))
    return found


@st.composite
def corrections(draw: st.DrawFn, readings: Sequence[TimedReading]) -> list[Correction]:
    """One or two decisions about any releases and landings."""
    first = [r.key for r in readings if r.kind in (ReadingKind.RELEASE, ReadingKind.LANDING)]
    landings = [r.key for r in readings if r.kind is ReadingKind.LANDING]
    if not first:
        return []
    return [
        Correction(
            draw(st.sampled_from(first)),
            draw(st.sampled_from((None, Result.HIT, Result.MISS, Result.VOID))),
            reason="reviewed",
            landing=draw(st.sampled_from((None, *landings))),
        )
        for _ in range(draw(st.integers(1, 2)))
    ]


@st.composite
def courses(draw: st.DrawFn) -> list[Step]:
    """A session as its assembler learns of it: readings in any order, and every kind of change in between."""
    readings = draw(several_ends())
    in_order = draw(st.booleans())
    arrived = sorted(readings, key=lambda r: r.t) if in_order else draw(arrivals(readings))
    until = max((r.t for r in readings), default=0.0) + LONG_S
    context = replace(
        draw(st.sampled_from((CONTEXT, CONTEXT, SHARED, ALONE))),
        bows=frozenset(BOWS),
        scanners=frozenset({SCANNER}),
        starts=draw(st.sampled_from((0.0, 0.0, 20.0))),
        now=0.0,
        watermarks=dict.fromkeys(BOWS, 0.0),
        arrows={i: Arrow(i, 6.0, True) for i in QUIVER[:4]},
        arrows_per_end=draw(st.sampled_from((None, 2, 6))),
        end_timeout_s=draw(st.sampled_from((8.0, 15.0, 60.0))),
        previous=draw(st.sampled_from((None, PreviousSession(-5.0, -4.0), PreviousSession(25.0, 26.0)))),
    )
    entered: list[Correction] = []
    steps: list[Step] = []
    while arrived or not steps or draw(st.integers(0, 2)):
        chunk, arrived = arrived[: (size := draw(st.integers(0, 9)))], arrived[size:]
        now = max([context.now, *(r.t for r in chunk)]) + draw(st.sampled_from((0.0, 0.1, 6.0, 40.0, 400.0)))
        watermarks = dict(context.watermarks)
        for device in draw(st.sets(st.sampled_from((*BOWS, TARGET)))):
            watermarks[device] = max(watermarks.get(device, 0.0), now - draw(st.sampled_from((0.0, 3.0, 60.0))))
        context = replace(context, now=now, watermarks=watermarks)
        match draw(
            st.sampled_from(
                (
                    "",
                    "",
                    "",
                    "gap",
                    "growing gap",
                    "mark",
                    "correction",
                    "arrow",
                    "close",
                    "device",
                    "calibration",
                    "scanner",
                )
            )
        ):
            case "gap":
                since = draw(st.floats(0.0, until))
                gap = BlindInterval(draw(st.sampled_from((*BOWS, TARGET))), since, since + draw(st.floats(0.01, 30.0)))
                context = replace(context, blind=[*context.blind, gap])
            case "growing gap" if context.blind:
                last = context.blind[-1]
                grown = replace(last, until=last.until + draw(st.floats(0.01, 30.0)))
                context = replace(context, blind=[*context.blind[:-1], grown])
            case "mark":
                context = replace(context, end_marks=[*context.end_marks, draw(st.floats(0.0, until))])
            case "correction":
                entered += draw(corrections(readings))
                judged = frozenset(c.landing for c in entered if c.landing is not None)
                context = replace(context, corrections=CorrectionSet.of(entered, judged))
            case "arrow":
                arrow = Arrow(
                    draw(st.sampled_from(QUIVER)), draw(st.sampled_from((None, 5.0, 9.3))), draw(st.booleans())
                )
                context = replace(context, arrows={**context.arrows, arrow.id: arrow})
            case "close":
                context = replace(context, closes=draw(st.floats(max(0.0, now - 60.0), now + 1.0)))
            case "calibration":
                placement = context.placements.get(TARGET, Placement())
                change = Activation(draw(st.floats(0.0, until)), draw(st.sampled_from(CALIBRATIONS)))
                placement = replace(placement, activations=(*placement.activations, change))
                context = replace(context, placements={TARGET: placement})
            case "scanner":
                context = replace(context, scanners=frozenset(draw(st.sets(st.just(SCANNER)))))
            case "device":
                context = replace(context, bows=frozenset(draw(st.sets(st.sampled_from(BOWS), min_size=1))))
        steps.append(Step(chunk, context, restarts=draw(st.integers(0, 9)) == 0))
    return steps


def assert_equal_at_every_step(steps: Sequence[Step]) -> None:
    """The parts together are the whole, and the reported changes lead from each result to the next."""
    assembly = IncrementalAssembly()
    known: list[TimedReading] = []
    shots: dict[object, Shot] = {}
    parts = 1
    for step in steps:
        known += step.readings
        if step.restarts:
            assembly, shots = IncrementalAssembly(), {}
        changes = assembly.update(known if step.restarts else step.readings, step.context)
        whole = assemble(known, step.context)
        assert repr([shot for part in assembly.found for shot in part.shots]) == repr(whole.shots)
        assert [end for part in assembly.found for end in part.ends] == whole.ends
        assert repr([orphan for part in assembly.found for orphan in part.orphans]) == repr(whole.orphans)
        assert sorted(t for part in assembly.found for t in part.unsettled) == sorted(whole.unsettled)
        assert sorted(t for part in assembly.found for t in part.timed_out) == sorted(whole.timed_out)
        assert min(part.next_change for part in assembly.found) == whole.next_change
        apply(changes, shots)
        assert {i: repr(shot) for i, shot in shots.items()} == {shot.id: repr(shot) for shot in whole.shots}
        parts = max(parts, len(assembly.found))
    event(f"at most {min(parts, 4)} parts")


def apply(changes: Changes, shots: dict[object, Shot]) -> None:
    for gone in changes.gone:
        del shots[gone]
    shots.update({shot.id: shot for shot in changes.shots})


@given(courses())
@settings(max_examples=EXAMPLES, deadline=None)
def test_parts_together_equal_the_whole(steps: list[Step]) -> None:
    assert_equal_at_every_step(steps)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(courses())
@settings(max_examples=MANY, deadline=None)
def test_parts_equal_the_whole_in_many_courses(steps: list[Step]) -> None:
    assert_equal_at_every_step(steps)


def ends_of_three(ends: int) -> list[TimedReading]:
    """A number of ends of three hits each, ten seconds apart, whose arrows are pulled."""
    lane, t = LaneReadings(), 5.0
    for _ in range(ends):
        for arrow in QUIVER[:3]:
            lane.shot(t, arrow).landing(t + 0.36, arrow)
            t += 10.0
        lane.tags(t + 20.0)
        t += 40.0
    return lane.readings


def test_new_shot_assembles_its_own_end_only() -> None:
    readings = ends_of_three(20)
    context = covered_until(readings[-1].t + 10.0, replace(CONTEXT, arrows={i: Arrow(i, 6.0, True) for i in QUIVER}))
    assembly = IncrementalAssembly()
    assembly.update(readings, context)
    later = shifted(LaneReadings().shot(10.0, QUIVER[0]).readings, readings[-1].t, 1)
    changes = assembly.update(later, replace(context, now=readings[-1].t + 10.0))
    assert [shot.release for shot in changes.shots] == [later[1].key]
    assert changes.readings == {reading.key for reading in later}


def test_late_reading_unseals_only_its_own_end() -> None:
    readings = ends_of_three(20)
    late = next(r for r in readings if r.kind is ReadingKind.LANDING and r.t > 400.0)
    context = covered_until(readings[-1].t + 10.0, CONTEXT)
    assembly = IncrementalAssembly()
    assembly.update([r for r in readings if r is not late], context)
    changes = assembly.update([late], context)
    assert len(changes.shots) == 3
    assert late.key in {shot.landing for shot in changes.shots}
    assert len(assembly.found) == 21


def test_growing_gap_unseals_only_the_ends_of_its_growth() -> None:
    """A sensor that chatters all day grows its gap every ten seconds."""
    readings = ends_of_three(20)
    last = readings[-1].t
    context = covered_until(last + 10.0, CONTEXT)
    assembly = IncrementalAssembly()
    assembly.update(readings, replace(context, blind=[BlindInterval("target-1", 100.0, last - 20.0)]))
    assert len(assembly.found) > 5
    changes = assembly.update([], replace(context, blind=[BlindInterval("target-1", 100.0, last - 10.0)]))
    assert 0 < len(changes.shots) <= 6
    changes = assembly.update([], replace(context, blind=[BlindInterval("target-1", 100.0, last - 20.0)]))
    assert 0 < len(changes.shots) <= 6


def test_correction_unseals_only_its_own_end() -> None:
    readings = ends_of_three(20)
    context = covered_until(readings[-1].t + 10.0, CONTEXT)
    assembly = IncrementalAssembly()
    assembly.update(readings, context)
    shot = assembly.found[7].shots[1]
    assert shot.release is not None
    miss = CorrectionSet.of([Correction(shot.release, Result.MISS, 0, reason="seen by the judge")])
    changes = assembly.update([], replace(context, corrections=miss))
    assert [s.result for s in changes.shots] == [Result.HIT, Result.MISS, Result.HIT]


def test_a_landing_after_the_closing_counts_to_the_last_end() -> None:
    """Also where that end is a part of its own: the surplus arrow of the end landed after the session closed."""
    lane = LaneReadings()
    for number in range(3):
        lane.landing(10.0 + 10.0 * number, QUIVER[number])
    lane.tags(60.0, *QUIVER[:3]).tags(70.0).landing(90.3, QUIVER[3])
    *before, late = lane.readings
    context = replace(CONTEXT, arrows_per_end=2, now=85.0, watermarks={"bow-1": 5.0, "target-1": 85.0})
    assembly = IncrementalAssembly()
    assembly.update(before, context)
    assert len(assembly.found) == 2
    for now in (110.0, 120.0):
        context = replace(context, closes=90.0, now=now)
        assembly.update([late], context)
        shots = [shot for part in assembly.found for shot in part.shots]
        assert [(shot.end_number, Flag.EXTRA in shot.flags) for shot in shots] == [
            (1, False), (1, False), (1, True), (1, True),
        ]  # fmt: skip


def test_activation_unseals_only_the_later_ends() -> None:
    readings = ends_of_three(20)
    last = readings[-1].t
    context = covered_until(last + 10.0, CONTEXT)
    assembly = IncrementalAssembly()
    assembly.update(readings, context)
    calibrated = Placement(activations=(Activation(last - 100.0, CALIBRATIONS[1]),))
    changes = assembly.update([], replace(context, placements={TARGET: calibrated}))
    assert 0 < len(changes.shots) <= 6
    again = replace(calibrated, activations=(*calibrated.activations, Activation(last + 5.0, CALIBRATIONS[2])))
    changes = assembly.update([], replace(context, placements={TARGET: again}))
    assert len(changes.shots) <= 3, "an activation after the last landing"
