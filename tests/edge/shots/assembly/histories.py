"""Generated histories of a lane: realistic ones, and arbitrary ones that no range would produce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid5

from hypothesis import strategies as st

from edge.common.vocabulary import ReadingKind, ReleaseCause, Result
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import Arrow, Correction, CorrectionSet, ReadingKey, TimedReading
from edge.shots.assembly.timeline import BlindInterval
from tests.edge.shots.assembly.lane_readings import CONTEXT, STREAM, T0

BOWS = ("bow-1", "bow-2")
TARGET = "target-1"
SCANNER = "arrow-1"
QUIVER = tuple(uuid5(STREAM, f"arrow {number}") for number in range(6))
STRANGER = uuid5(STREAM, "an unregistered arrow")
LONG_S = 90.0
DEAD_TIME_S = 0.5
BREAK_S = 100.0
"""Time between two ends, longer than the time-out that closes the first."""


@dataclass
class History:
    """Readings and their session's context."""

    readings: list[TimedReading] = field(default_factory=list)
    context: SessionContext = CONTEXT

    def add(self, device: str, kind: ReadingKind, t: float, tag: UUID | None = None, **values: object) -> TimedReading:
        seq = sum(r.key.device_id == device for r in self.readings) + 1
        made = TimedReading(
            ReadingKey(device, STREAM, seq), kind, t, T0 + timedelta(seconds=t), 0.0005, tag.hex if tag else None
        )
        self.readings.append(replace(made, **values))  # type: ignore[arg-type]
        return self.readings[-1]


KINDS = (
    ReadingKind.ENGAGE,
    ReadingKind.RELEASE,
    ReadingKind.LANDING,
    ReadingKind.LANDING,
    ReadingKind.TAGS,
    ReadingKind.SCAN,
)
CAUSES = (None, None, ReleaseCause.SHOT, ReleaseCause.REMOVED)
OUTCOMES = (Result.HIT, Result.HIT, Result.HIT, Result.MISS, Result.NOT_SHOT)
TAGS = st.sampled_from((None, STRANGER, *QUIVER[:3]))
POSITIONS = st.sampled_from((None, float("nan"), -5.0, 600.0, 604.0, 640.0, 700.0, 2000.0))
CENTISECONDS = st.integers(0, int(LONG_S * 100)).map(lambda n: n / 100)


@st.composite
def any_readings(draw: st.DrawFn, least: int = 0, most: int = 40) -> list[TimedReading]:
    """Arbitrary readings, with instants close together and few arrows, so that they collide."""
    history = History()
    for t in sorted(draw(st.lists(CENTISECONDS, min_size=least, max_size=most))):
        kind = draw(st.sampled_from(KINDS))
        error = draw(st.sampled_from((None, 0.0005, 0.0005, 0.08)))
        delay_s = draw(st.sampled_from((0.0, 0.0, 4.0, 30.0)))
        if kind is ReadingKind.LANDING:
            history.add(
                TARGET,
                kind,
                t,
                draw(TAGS),
                x=draw(POSITIONS),
                y=draw(POSITIONS),
                error_s=error,
                receive_delay_s=delay_s,
            )
        elif kind is ReadingKind.TAGS:
            tags = draw(st.lists(st.sampled_from(QUIVER[:3]), max_size=3, unique=True))
            history.add(TARGET, kind, t, tags=tuple(tag.hex for tag in tags))
        elif kind is ReadingKind.SCAN:
            history.add(SCANNER, kind, t, draw(TAGS))
        else:
            cause = draw(st.sampled_from(CAUSES)) if kind is ReadingKind.RELEASE else None
            rssi = draw(st.sampled_from((None, -40, -60)))
            history.add(
                draw(st.sampled_from(BOWS)),
                kind,
                t,
                draw(TAGS),
                cause=cause,
                rssi=rssi,
                error_s=error,
                receive_delay_s=delay_s,
            )
    return history.readings


GAPS = st.lists(
    st.builds(
        lambda device, since, length: BlindInterval(device, since, since + length),
        st.sampled_from((*BOWS, TARGET)), CENTISECONDS, st.sampled_from((0.01, 1.0, 20.0)),
    ),
    max_size=3,
)  # fmt: skip


@st.composite
def any_context(draw: st.DrawFn, readings: Sequence[TimedReading]) -> SessionContext:
    """A context with arbitrary coverage by its devices, and arbitrary corrections."""
    now = draw(CENTISECONDS) + 20.0
    keys = [r.key for r in readings if r.kind in (ReadingKind.RELEASE, ReadingKind.LANDING)]
    corrections = [
        Correction(
            draw(st.sampled_from(keys)),
            draw(st.sampled_from((None, Result.HIT, Result.MISS, Result.VOID, Result.NOT_SHOT))),
            reason="reviewed",
            landing=draw(st.sampled_from((None, *(r.key for r in readings if r.kind is ReadingKind.LANDING)))),
        )
        for _ in range(draw(st.integers(0, 3 if keys else 0)))
    ]
    return replace(
        CONTEXT,
        starts=draw(st.sampled_from((0.0, 0.0, 30.0))),
        closes=draw(st.none() | st.floats(30.0, LONG_S)),
        bows=frozenset(draw(st.sets(st.sampled_from(BOWS)))),
        scanners=frozenset(draw(st.sets(st.just(SCANNER)))),
        dead_times_s=draw(st.sampled_from(({}, {TARGET: 0.5}))),
        now=now,
        watermarks={d: min(now, draw(CENTISECONDS) + 20.0) for d in (*BOWS, TARGET) if draw(st.integers(0, 4))},
        blind=draw(GAPS),
        arrows={i: Arrow(i, 6.0, i != QUIVER[2]) for i in QUIVER},
        arrows_per_end=draw(st.sampled_from((None, 2, 6))),
        end_marks=draw(st.lists(CENTISECONDS, max_size=2)),
        corrections=CorrectionSet.of(corrections),
    )


@st.composite
def any_history(draw: st.DrawFn) -> History:
    """Any readings in any context."""
    readings = draw(any_readings())
    return History(readings, draw(any_context(readings)))


@dataclass(frozen=True)
class Truth:
    """The true outcome of one release."""

    release: ReadingKey
    result: Result
    arrow: UUID
    x: float | None
    flown_s: float | None


@st.composite
def sound_history(draw: st.DrawFn) -> tuple[History, list[Truth]]:
    """Two archers on one lane, each with arrows of their own, which fly at realistic speeds.

    Clock errors stay within the stated uncertainty, landings may be reported twice, and the butt is emptied after each
    end. Every device's watermark covers the history.
    """
    history = History(context=replace(CONTEXT, bows=frozenset(BOWS), arrows={i: Arrow(i, 6.0, True) for i in QUIVER}))
    truth: list[Truth] = []
    events: list[tuple[float, str, ReadingKind, UUID | None, dict[str, object]]] = []
    ended: list[float] = []
    planned: list[tuple[float, str, Result, UUID, float | None, float | None]] = []
    t = 1.0
    for _ in range(draw(st.integers(1, 2))):
        last = t
        for place, bow in enumerate(BOWS):
            mine, at = list(QUIVER[3 * place : 3 * place + 3]), t + 0.41 * place
            while mine:
                arrow, result = mine[0], draw(st.sampled_from(OUTCOMES))
                at += draw(st.integers(3, 12)) + 0.001 * draw(st.integers(0, 9))
                released = at + draw(st.integers(2, 8))
                x = float(draw(st.integers(0, 1280))) if result is Result.HIT else None
                flight = 18.0 / draw(st.integers(35, 95)) if result is Result.HIT else None
                planned.append((released, bow, result, arrow, x, flight))
                events.append((at, bow, ReadingKind.ENGAGE, arrow, {}))
                events.append((released, bow, ReadingKind.RELEASE, None, {}))
                if flight is not None:
                    error = draw(st.sampled_from((0.0005, 0.002)))
                    seen = released + flight + error * draw(st.integers(-1, 1))
                    events.append((seen, TARGET, ReadingKind.LANDING, arrow, {"x": x, "y": 640.0, "error_s": error}))
                    if draw(st.integers(0, 5)) == 0:
                        events.append(
                            (seen + 0.3, TARGET, ReadingKind.LANDING, arrow, {"x": x, "y": 641.0, "error_s": error})
                        )
                at = released
                last = max(last, released)
                if result is Result.NOT_SHOT:
                    continue  # the same arrow again
                del mine[0]
        seen_there = [
            tag.hex for at, _, kind, tag, _ in events if kind is ReadingKind.LANDING and tag is not None and at > t
        ]
        events.append((last + 4.0, TARGET, ReadingKind.TAGS, None, {"tags": tuple(seen_there[-1:])}))
        events.append((last + 8.0, TARGET, ReadingKind.TAGS, None, {"tags": ()}))
        ended.append(last + 8.0)  # without a hit no tag closes the end
        t = last + 20.0
    keys: dict[tuple[float, str], ReadingKey] = {}
    for at, device, kind, tag, values in sorted(events, key=lambda event: event[:3]):
        made = history.add(device, kind, at, tag, **values)
        if kind is ReadingKind.RELEASE:
            keys[at, device] = made.key
    truth = [Truth(keys[at, bow], result, arrow, x, flight) for at, bow, result, arrow, x, flight in sorted(planned)]
    history.context = replace(
        history.context, now=t + 30, end_marks=ended, watermarks=dict.fromkeys((*BOWS, TARGET), t + 30)
    )
    return history, truth


@dataclass(frozen=True)
class UntaggedTruth:
    """The true outcome of one arrow that flew."""

    release: ReadingKey
    result: Result
    x: float | None
    flown_s: float | None
    end: int
    scanned: UUID | None
    """The arrow that was scanned last before the nocking."""


@st.composite
def untagged_history(draw: st.DrawFn) -> tuple[History, list[UntaggedTruth]]:
    """One archer, whose let-downs the bow reports as arrows taken off the string. Some arrows are scanned before nocking.

    Every device's watermark covers the history.
    """
    history = History()
    truth: list[UntaggedTruth] = []
    at = 1.0
    for end in range(1, draw(st.integers(1, 3)) + 1):
        for _ in range(draw(st.integers(1, 6))):
            outcome = draw(st.sampled_from(OUTCOMES))
            scanned: UUID | None = None
            for _ in range(draw(st.sampled_from((0, 1, 1, 2)))):
                at += 1.0
                scanned = draw(st.sampled_from(QUIVER))
                history.add(SCANNER, ReadingKind.SCAN, at, scanned)
            at += draw(st.integers(3, 12)) + 0.001 * draw(st.integers(0, 9))
            history.add(BOWS[0], ReadingKind.ENGAGE, at)
            at += draw(st.integers(2, 8))
            if outcome is Result.NOT_SHOT:
                history.add(BOWS[0], ReadingKind.RELEASE, at, cause=ReleaseCause.REMOVED)
                continue
            release = history.add(BOWS[0], ReadingKind.RELEASE, at, cause=ReleaseCause.SHOT)
            x = float(draw(st.integers(400, 880))) if outcome is Result.HIT else None
            flight = 18.0 / draw(st.integers(35, 95)) if outcome is Result.HIT else None
            if flight is not None:
                history.add(TARGET, ReadingKind.LANDING, at + flight, x=x, y=640.0, error_s=0.002)
            truth.append(UntaggedTruth(release.key, outcome, x, flight, end, scanned))
        at += BREAK_S
    history.context = replace(
        CONTEXT,
        bows=frozenset({BOWS[0]}),
        scanners=frozenset({SCANNER}),
        dead_times_s={TARGET: DEAD_TIME_S},
        arrows={i: Arrow(i, 6.0, True) for i in QUIVER},
        now=at + 30,
        watermarks=dict.fromkeys((BOWS[0], TARGET, SCANNER), at + 30),
    )
    return history, truth


@st.composite
def arrivals(draw: st.DrawFn, readings: Sequence[TimedReading]) -> list[TimedReading]:
    """The readings in any order of arrival that keeps each device's own sequence."""
    waiting = {
        device: sorted((r for r in readings if r.key.device_id == device), key=lambda r: r.key.seq)
        for device in sorted({r.key.device_id for r in readings})
    }
    arrived: list[TimedReading] = []
    while waiting:
        device = draw(st.sampled_from(sorted(waiting)))
        arrived.append(waiting[device].pop(0))
        if not waiting[device]:
            del waiting[device]
    return arrived
