"""Generated histories of a lane whose devices are blind at times: the true shots, and the readings that are left of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

from hypothesis import strategies as st

from edge.common.vocabulary import ReadingKind, ReleaseCause, Result
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import Arrow, ReadingKey, TimedReading
from edge.shots.assembly.timeline import BlindInterval
from tests.edge.shots.assembly.histories import BOWS, QUIVER, TARGET, History
from tests.edge.shots.assembly.lane_readings import CONTEXT
from tests.edge.shots.assembly.lane_readings import TARGET as BUTT

DISTANCE_M = 70.0
OUTCOMES = (Result.HIT, Result.HIT, Result.HIT, Result.MISS, Result.NOT_SHOT, None)
"""None: the arrow is taken off the string."""
LENGTHS_S = (0.05, 0.3, 0.6, 1.5, 4.0, 30.0)


@dataclass(frozen=True)
class TrueShot:
    """The true course of one release."""

    engage: ReadingKey
    release: ReadingKey
    result: Result
    arrow: UUID
    landing: ReadingKey | None


@dataclass
class BlindHistory:
    """All events of a lane, the intervals in which its devices were blind, and the truth."""

    history: History
    shots: list[TrueShot] = field(default_factory=list)

    def __repr__(self) -> str:
        """The times and kinds of the stored readings: the whole would be too long to print."""
        stored = [
            (r.key.device_id, r.kind.value, round(r.t, 3), r.tag and r.tag[:3])
            for r in sorted(self.stored, key=lambda r: r.t)
        ]
        return f"<{stored} blind={list(self.context.blind)} marks={self.context.end_marks} {len(self.shots)} shots>"

    @property
    def context(self) -> SessionContext:
        return self.history.context

    @property
    def stored(self) -> list[TimedReading]:
        """The readings that no gap hides."""
        return [
            r
            for r in self.history.readings
            if not any(b.device_id == r.key.device_id and b.since <= r.t <= b.until for b in self.context.blind)
        ]


@st.composite
def blind_history(draw: st.DrawFn) -> BlindHistory:
    """One or two archers at 70 m, one or two ends, and a few blind intervals around any of the events.

    The bows read every tag, the target most of them. An arrow is on the string for 0.6 s at least, and takes 1 s to get there.
    """
    bows = BOWS[: draw(st.integers(1, 2))]
    lane = _Lane(draw)
    t, marks = 0.5, []
    for _ in range(draw(st.integers(1, 2))):
        last = max(lane.shoot(bow, QUIVER[3 * place : 3 * place + 3], t) for place, bow in enumerate(bows))
        lane.history.add(TARGET, ReadingKind.TAGS, last + 3.5, tags=tuple(tag.hex for tag in lane.in_butt))
        lane.history.add(TARGET, ReadingKind.TAGS, last + 4.5, tags=())
        if not lane.in_butt:
            marks.append(last + 4.5)  # no tag closes the end
        lane.in_butt = []
        t = last + draw(st.sampled_from((5.0, 9.0)))
    context = replace(
        CONTEXT,
        bows=frozenset(bows),
        target=replace(BUTT, distance_m=DISTANCE_M),
        arrows={i: Arrow(i, 6.0, True) for i in QUIVER},
        end_marks=marks,
        now=t + 30.0,
        watermarks=dict.fromkeys((*bows, TARGET), t + 30.0),
    )
    times = sorted(reading.t for reading in lane.history.readings)
    lane.history.context = replace(context, blind=draw(_gaps((*bows, TARGET), times)))
    return BlindHistory(lane.history, lane.shots)


@st.composite
def _gaps(draw: st.DrawFn, devices: tuple[str, ...], times: list[float]) -> list[BlindInterval]:
    """Up to three blind intervals, each over an event or just beside it; a device has one short interval at most."""
    gaps: list[BlindInterval] = []
    for _ in range(draw(st.integers(0, 3))):
        device, length = draw(st.sampled_from(devices)), draw(st.sampled_from(LENGTHS_S))
        limit = CONTEXT.parameters.shortest_change_s
        if length < limit and any(g.device_id == device and g.until - g.since < limit for g in gaps):
            continue
        since = draw(st.sampled_from(times)) - length * draw(st.sampled_from((-0.01, 0.02, 0.5, 0.98)))
        gaps.append(BlindInterval(device, since, since + length))
    return gaps


class _Lane:
    """Lets archers shoot, and keeps the truth."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.history = History()
        self.shots: list[TrueShot] = []
        self.in_butt: list[UUID] = []

    def shoot(self, bow: str, arrows: tuple[UUID, ...], t: float) -> float:
        """One archer's arrows of an end from ``t``; returns the instant of the last release."""
        draw = self._draw
        left = list(arrows[: draw(st.integers(1, 3))])
        while left:
            arrow, outcome = left[0], draw(st.sampled_from(OUTCOMES))
            nocked = t + 1.0 + draw(st.integers(0, 3000)) / 1000
            t = nocked + 0.6 + draw(st.integers(0, 3000)) / 1000
            engage = self.history.add(bow, ReadingKind.ENGAGE, nocked, arrow)
            if outcome is None:
                self.history.add(bow, ReadingKind.RELEASE, t, cause=ReleaseCause.REMOVED)
                continue
            release = self.history.add(bow, ReadingKind.RELEASE, t)
            landing = self._land(arrow, t) if outcome is Result.HIT else None
            self.shots.append(TrueShot(engage.key, release.key, outcome, arrow, landing))
            if outcome is not Result.NOT_SHOT:
                del left[0]
        return t

    def _land(self, arrow: UUID, released: float) -> ReadingKey:
        draw = self._draw
        tag = arrow if draw(st.integers(0, 3)) else None
        # Places of their own, so that no arrow touches another one.
        place = 20.0 + 30.0 * len(self.shots)
        t = released + DISTANCE_M / draw(st.integers(35, 110))
        self.in_butt.append(arrow)
        return self.history.add(TARGET, ReadingKind.LANDING, t, tag, x=place, y=640.0).key
