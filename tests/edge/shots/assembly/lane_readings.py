"""A lane for tests of assembly: one bow, one target at 18 m, and readings with rising sequence numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from edge.common.vocabulary import ReadingKind, ReleaseCause
from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import Arrow, Correction, CorrectionSet, Face, ReadingKey, Target, TimedReading
from edge.shots.assembly.shot import Shot

T0 = datetime(2026, 1, 1, tzinfo=UTC)
STREAM = uuid4()
ARROW, OTHER = uuid4(), uuid4()
FACE = Face(uuid4(), 1, 640.0, 640.0, (61.0, 122.0, 183.0), (10, 9, 8), 30.5)
TARGET = Target(1280.0, 1280.0, 18.0, (FACE,))
CONTEXT = SessionContext(
    session_id=uuid4(), lane=1, starts=0.0, closes=None, is_indoor=False, end_timeout_s=60.0, target=TARGET,
    bows=frozenset({"bow-1"}), targets=frozenset({"target-1"}), now=20.0,
    watermarks={"bow-1": 20.0, "target-1": 20.0}, arrows={i: Arrow(i, 6.0, True) for i in (ARROW, OTHER)},
)  # fmt: skip


class LaneReadings:
    """Builds readings of a lane; each method adds one event and returns the object."""

    def __init__(self) -> None:
        self.readings: list[TimedReading] = []
        self._seqs: dict[str, int] = {}

    def _next_seq(self, device: str) -> int:
        self._seqs[device] = self._seqs.get(device, 0) + 1
        return self._seqs[device]

    def add(self, device: str, kind: ReadingKind, t: float, tag: UUID | None = None, **values: object) -> LaneReadings:
        """Add a reading of any kind; ``values`` are further fields of TimedReading."""
        key = ReadingKey(device, STREAM, self._next_seq(device))
        made = TimedReading(key, kind, t, T0 + timedelta(seconds=t), 0.0005, tag.hex if tag else None)
        self.readings.append(replace(made, **values))  # type: ignore[arg-type]
        return self

    def engage(self, t: float, arrow: UUID | None = ARROW, bow: str = "bow-1", rssi: int | None = None) -> LaneReadings:
        return self.add(bow, ReadingKind.ENGAGE, t, arrow, rssi=rssi)

    def release(self, t: float, bow: str = "bow-1", tag: UUID | None = None, **values: object) -> LaneReadings:
        return self.add(bow, ReadingKind.RELEASE, t, tag, **values)

    def removal(self, t: float) -> LaneReadings:
        """The archer takes the arrow off the string."""
        return self.release(t, cause=ReleaseCause.REMOVED)

    def shot(self, t: float, arrow: UUID | None = ARROW, bow: str = "bow-1") -> LaneReadings:
        """An arrow that is nocked two seconds before its release at ``t``."""
        return self.engage(t - 2, arrow, bow).release(t, bow)

    def flown(self, t: float, bow: str = "bow-1") -> LaneReadings:
        """The same by a bow that reads no tags and knows that the arrow flew."""
        return self.engage(t - 2, None, bow).release(t, bow, cause=ReleaseCause.SHOT)

    def scan(self, t: float, arrow: UUID | None = ARROW) -> LaneReadings:
        """The lane's reader sees an arrow."""
        return self.add("arrow-1", ReadingKind.SCAN, t, arrow)

    def tags(self, t: float, *arrows: UUID) -> LaneReadings:
        """The target reports all the tags in its butt."""
        return self.add("target-1", ReadingKind.TAGS, t, tags=tuple(arrow.hex for arrow in arrows))

    def landing(
        self,
        t: float,
        arrow: UUID | None = ARROW,
        x: float | None = 640.0,
        y: float | None = 640.0,
        receive_delay_s: float = 0.0,
    ) -> LaneReadings:
        return self.add("target-1", ReadingKind.LANDING, t, arrow, x=x, y=y, receive_delay_s=receive_delay_s)


def covered_until(t: float, context: SessionContext = CONTEXT) -> SessionContext:
    """The same context at ``t``, with every device's watermark there."""
    return replace(context, now=t, watermarks=dict.fromkeys(context.bows | context.targets, t))


def corrected(context: SessionContext, *corrections: Correction) -> SessionContext:
    """The same context with corrections, in order of entry."""
    return replace(context, corrections=CorrectionSet.of(corrections))


def shots(lane: LaneReadings, context: SessionContext = CONTEXT) -> list[Shot]:
    """The shots in order of shooting."""
    return assemble(lane.readings, context).shots


def only_shot(lane: LaneReadings, context: SessionContext = CONTEXT) -> Shot:
    """The shot of a lane that has exactly one."""
    (shot,) = shots(lane, context)
    return shot


def orphans(lane: LaneReadings, context: SessionContext = CONTEXT) -> list[ReadingKey]:
    """The landings that await an operator's decision."""
    return [landing.key for landing in assemble(lane.readings, context).orphans]


TWO_BOWS = covered_until(20.0, replace(CONTEXT, bows=frozenset({"bow-1", "bow-2"})))
