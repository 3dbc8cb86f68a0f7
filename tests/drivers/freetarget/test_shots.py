"""Shots of a lane with a freETarget and a bow that reads no tags: the truth, except for what its dead time hides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drivers.contract import Pulse, Reading, Report, StreamStart
from drivers.freetarget.codec import Dialect
from drivers.freetarget.driver import FreeTarget
from edge.common.vocabulary import Flag, ReadingKind, ReleaseCause, SensorOrigin
from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import Face, ReadingKey, Target, TimedReading
from edge.shots.assembly.placement import Placement
from edge.shots.assembly.shot import Shot
from edge.shots.assembly.timeline import BlindInterval
from simulators.devices.freetarget import Impact
from simulators.world.draws import Draws
from simulators.world.range import EventKind, Release, World
from simulators.world.vocabulary import LANDED, Result
from tests.drivers.freetarget.wired import Wired, new_target

S = 1_000_000
START = 1_800_000_000 * S
BOW_STREAM = UUID(int=2)
END_US = 60 * S
"""Slot of an end at speed 4."""
ENDS = [5, pytest.param(150, marks=pytest.mark.long)]


def timed(device: str, stream: UUID, seq: int, kind: ReadingKind, at_us: float, **values: object) -> TimedReading:
    """A reading by its instant in microseconds, dated to a millisecond unless ``values`` say otherwise."""
    seconds = (at_us - START) / S
    at = datetime.fromtimestamp(START / S, UTC) + timedelta(seconds=seconds)
    made = TimedReading(ReadingKey(device, stream, seq), kind, seconds, at, 0.001)
    return replace(made, **values)  # type: ignore[arg-type]


def bow_readings(world: World, until_us: int, *, has_gates: bool = True) -> list[TimedReading]:
    """The readings of a nock switch, which knows causes by its light gates alone."""
    let_down = {
        release.released_us for release in world.releases(1, START, until_us) if release.result is Result.NOT_SHOT
    }
    readings: list[TimedReading] = []
    for event in world.events(1, START, until_us):
        if event.kind is EventKind.ENGAGE:
            readings.append(timed("bow-1", BOW_STREAM, len(readings) + 1, ReadingKind.ENGAGE, event.at_us))
        elif event.kind is EventKind.RELEASE:
            seen = ReleaseCause.REMOVED if event.at_us in let_down else ReleaseCause.SHOT
            cause = seen if has_gates else None
            readings.append(
                timed("bow-1", BOW_STREAM, len(readings) + 1, ReadingKind.RELEASE, event.at_us, cause=cause)
            )
    return readings


def target_readings(readings: list[Reading]) -> list[TimedReading]:
    """The target's readings, as the shots see them."""
    return [
        timed(
            "target-1",
            reading.stream_id,
            reading.seq,
            ReadingKind.LANDING,
            (reading.stamp.mono_ns or 0) / 1000,
            error_s=reading.stamp.uncertainty_s,
            x=reading.x_mm,
            y=reading.y_mm,
        )
        for reading in readings
    ]


def blind_times(reports: list[Report]) -> list[BlindInterval]:
    """The times in which the target may have missed arrows, after its first start."""
    starts = [report for report in reports if isinstance(report, StreamStart)][1:]
    return [
        BlindInterval(
            "target-1", *((stamp.mono_ns or 0) / 1e9 - START / S for stamp in (start.blind_since, start.stamp))
        )
        for start in starts
        if start.blind_since is not None
    ]


def context_of(world: World, until_us: int, watermark_ns: int) -> SessionContext:
    """The session of lane 1, with what the driver states about its target."""
    lane = world.lane(1)
    face = Face(
        UUID(int=3), 1, lane.face.x_mm, lane.face.y_mm, lane.face.radii_mm, lane.face.points, lane.face.x_radius_mm
    )
    return SessionContext(
        session_id=UUID(int=4),
        lane=1,
        starts=0.0,
        closes=None,
        is_indoor=False,
        end_timeout_s=60.0 / world.speed,
        target=Target(lane.butt_width_mm, lane.butt_height_mm, lane.distance_m, (face,)),
        bows=frozenset({"bow-1"}),
        targets=frozenset({"target-1"}),
        now=(until_us - START) / S,
        watermarks={"bow-1": (until_us - START) / S, "target-1": watermark_ns / 1e9 - START / S},
        dead_times_s={"target-1": FreeTarget.info.dead_time_s},
        placements={"target-1": Placement(SensorOrigin(FreeTarget.info.origin), ())},
    )


def shots_of(
    world: World, dialect: Dialect, until_us: int, *, has_gates: bool = True
) -> tuple[list[Shot], list[Release]]:
    """The assembled shots, and the truth of the same releases; an arrow that light gates saw let down is no shot."""
    reports = Wired(new_target(dialect, world), world).run(until_us)
    pulse = [report for report in reports if isinstance(report, Pulse)][-1]
    readings = target_readings([report for report in reports if isinstance(report, Reading)])
    context = context_of(world, until_us, pulse.stamp.mono_ns or 0)
    assembled = assemble([*bow_readings(world, until_us, has_gates=has_gates), *readings], context)
    assert assembled.orphans == []
    releases = world.releases(1, START, until_us)
    return assembled.shots, [one for one in releases if one.result is not Result.NOT_SHOT or not has_gates]


def points_of(world: World, shot: Shot) -> int:
    """The value of the shot's place on the lane's face, by the rings alone."""
    face = world.lane(1).face
    edge_mm = math.dist((shot.x or 0.0, shot.y or 0.0), (face.x_mm, face.y_mm)) - (shot.diameter_mm or 0.0) / 2
    return next((p for radius, p in zip(face.radii_mm, face.points, strict=True) if edge_mm <= radius + 1e-6), 0)


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("dialect", list(Dialect))
def test_shots_equal_the_truth(dialect: Dialect, ends: int) -> None:
    world = World(5, START, 4.0)
    until_us = START + ends * 60 * S
    shots, releases = shots_of(world, dialect, until_us)

    assert len(shots) == len(releases) > 4 * ends
    for shot, release in zip(shots, releases, strict=True):
        assert (shot.x, shot.y) == pytest.approx((release.x_mm, release.y_mm), abs=1e-9) or release.x_mm is None
        if release.result in LANDED:
            assert shot.result in ("hit", "off_face")
            assert (shot.result == "hit") == (release.result is Result.HIT)
        else:
            assert shot.result.value == release.result.value
        assert (shot.arrow_id, Flag.DEAD_TIME in shot.flags) == (None, False)


def test_without_gates_a_next_nocking_doubts_a_miss() -> None:
    """A let-down looks like a miss, and the arrow that is nocked next may be the same one. Every hit is the truth."""
    world = World(5, START, 4.0)
    shots, releases = shots_of(world, Dialect.V6, START + 20 * END_US, has_gates=False)
    ends = [(release.released_us - START) // END_US for release in releases]
    seen: Counter[tuple[Result, str]] = Counter()

    assert len(shots) == len(releases)
    for shot, release, end, next_end in zip(shots, releases, ends, [*ends[1:], None], strict=True):
        seen[release.result, shot.result.value] += 1
        if release.result in LANDED:
            assert (shot.x, shot.y) == pytest.approx((release.x_mm, release.y_mm), abs=1e-9)
            assert (shot.result.value, shot.points) == (release.result.value, points_of(world, shot))
            assert shot.flags == ()
        else:
            is_doubted = end == next_end
            assert (shot.x, shot.y, shot.points) == (None, None, None if is_doubted else 0)
            assert shot.result == ("unknown" if is_doubted else "miss")
            assert shot.flags == ((Flag.LET_DOWN,) if is_doubted else ())
    assert seen.keys() == {
        (Result.HIT, "hit"), (Result.OFF_FACE, "off_face"), (Result.MISS, "unknown"), (Result.MISS, "miss"),
        (Result.NOT_SHOT, "unknown"),
    }  # fmt: skip


ALIKE, SLOW_AND_FAST = ((1.2, 1.25), (1.2, 1.25)), ((1.5, 1.6), (0.62, 0.66))
"""Flight times of the two archers' arrows."""
RINGS = [
    pytest.param(500, ALIKE, id="usual"),
    pytest.param(500, SLOW_AND_FAST, id="slow-and-fast"),
    pytest.param(2_000, SLOW_AND_FAST, id="set-to-2-s"),
]


@pytest.mark.parametrize("rounds", [20, pytest.param(2_000, marks=pytest.mark.long)])
@pytest.mark.parametrize(("ring_ms", "flights_s"), RINGS)
@pytest.mark.parametrize("dialect", list(Dialect))
def test_arrows_lost_in_the_dead_time_are_unknown(
    dialect: Dialect, ring_ms: int, flights_s: Sequence[tuple[float, float]], rounds: int
) -> None:
    """Two archers on one target shoot together, then one of them misses the butt."""
    world = World(5, START, release_limit_us=START)
    wired = Wired(new_target(dialect, world), world)
    wired.device.node.settings["MIN_RING_TIME"] = ring_ms
    draws = Draws("together", dialect)
    bows: dict[str, list[TimedReading]] = {"bow-1": [], "bow-2": []}

    def shoot(bow: str, nocked_us: int, released_us: int) -> None:
        made, stream = bows[bow], UUID(int=int(bow[-1]))
        made.append(timed(bow, stream, len(made) + 1, ReadingKind.ENGAGE, nocked_us))
        made.append(timed(bow, stream, len(made) + 1, ReadingKind.RELEASE, released_us, cause=ReleaseCause.SHOT))

    at_us = START
    for _ in range(rounds):
        at_us += 30 * S
        apart_us = round(draws.uniform(0.02, ring_ms / 1000) * S)
        for bow, landed_us, flight_s in zip(bows, (at_us, at_us + apart_us), flights_s, strict=True):
            shoot(bow, landed_us - 8 * S, landed_us - round(draws.uniform(*flight_s) * S))
            wired.run(landed_us)
            wired.device.node.sense(Impact(round(draws.uniform(-300.0, 300.0), 2), 10.0), landed_us)
        shoot("bow-1", at_us + 8 * S, at_us + 15 * S)
    until_us = at_us + 60 * S
    reports = wired.run(until_us)

    pulse = [report for report in reports if isinstance(report, Pulse)][-1]
    readings = target_readings([report for report in reports if isinstance(report, Reading)])
    context = replace(context_of(world, until_us, pulse.stamp.mono_ns or 0), bows=frozenset(bows))
    context = replace(
        context, watermarks={**context.watermarks, "bow-2": context.now}, blind=tuple(blind_times(reports))
    )
    assembled = assemble([*bows["bow-1"], *bows["bow-2"], *readings], context)
    shots = sorted(
        assembled.shots, key=lambda shot: (shot.release.device_id, shot.release.seq) if shot.release else ("", 0)
    )

    assert len(readings) == wired.device.node.lost_in_dead_time == rounds
    assert (len(context.blind) >= rounds) is (ring_ms > 500)
    assert len(shots) == 3 * rounds
    of_bow_1, of_bow_2 = shots[: 2 * rounds], shots[2 * rounds :]
    for first, alone, second in zip(of_bow_1[0::2], of_bow_1[1::2], of_bow_2, strict=True):
        pair = sorted((first.result, second.result))
        assert pair in (["hit", "unknown"], ["unknown", "unknown"]), "which archer's arrow landed may not be clear"
        if "hit" in pair and ring_ms == 500:
            lost = first if first.result == "unknown" else second
            assert Flag.DEAD_TIME in lost.flags
        assert (alone.result, alone.flags) == ("miss", ())
    assert sum(shot.result == "hit" for shot in shots) + len(assembled.orphans) == rounds
