"""A lane for tests of the rules: one bow, one target at 18 m, and readings with rising sequence numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from edge.shots.assembly.assemble import Shot, assemble
from edge.shots.assembly.model import Arrow, Face, ReadingKey, SessionContext, Target, TimedReading

T0 = datetime(2026, 1, 1, tzinfo=UTC)
STREAM = uuid4()
ARROW, OTHER = uuid4(), uuid4()
FACE = Face(uuid4(), 1, 640.0, 640.0, (61.0, 122.0, 183.0), (10, 9, 8), 30.5)
TARGET = Target(1280.0, 1280.0, 18.0, (FACE,))
SCENE = SessionContext(
    session_id=uuid4(), lane=1, starts=0.0, closes=None, is_indoor=False, end_timeout_s=60.0, target=TARGET,
    bows=frozenset({"bow-1"}), targets=frozenset({"target-1"}), now=20.0,
    watermarks={"bow-1": 20.0, "target-1": 20.0}, arrows={i: Arrow(i, 6.0, True) for i in (ARROW, OTHER)},
)  # fmt: skip


class Line:
    """Builds readings with rising sequence numbers."""

    def __init__(self) -> None:
        self.readings: list[TimedReading] = []
        self._seqs: dict[str, int] = {}

    def _next(self, device: str) -> int:
        self._seqs[device] = self._seqs.get(device, 0) + 1
        return self._seqs[device]

    def add(self, device: str, kind: str, t: float, tag: UUID | None = None, **values: object) -> Line:
        key = ReadingKey(device, STREAM, self._next(device))
        made = TimedReading(key, kind, t, T0 + timedelta(seconds=t), 0.0005, tag.hex if tag else None)
        self.readings.append(replace(made, **values))  # type: ignore[arg-type]
        return self

    def engage(self, t: float, arrow: UUID | None = ARROW, bow: str = "bow-1", rssi: int | None = None) -> Line:
        return self.add(bow, "engage", t, arrow, rssi=rssi)

    def release(self, t: float, bow: str = "bow-1", tag: UUID | None = None, cause: str | None = None) -> Line:
        return self.add(bow, "release", t, tag, cause=cause)

    def shot(self, t: float, arrow: UUID | None = ARROW, bow: str = "bow-1") -> Line:
        """Nocked two seconds before its release."""
        return self.engage(t - 2, arrow, bow).release(t, bow)

    def tags(self, t: float, *arrows: UUID) -> Line:
        """The target tells all the tags in its butt."""
        return self.add("target-1", "tags", t, tags=tuple(arrow.hex for arrow in arrows))

    def landing(
        self,
        t: float,
        arrow: UUID | None = ARROW,
        x: float | None = 640.0,
        y: float | None = 640.0,
        told_after: float = 0.0,
    ) -> Line:
        return self.add("target-1", "landing", t, arrow, x=x, y=y, receive_delay_s=told_after)


def told_until(t: float, context: SessionContext = SCENE) -> SessionContext:
    """The same scene at ``t``, when every device told everything up to then."""
    return replace(context, now=t, watermarks=dict.fromkeys(context.bows | context.targets, t))


def shots(line: Line, context: SessionContext = SCENE) -> list[Shot]:
    """In order of shooting."""
    return assemble(line.readings, context).shots


def only(line: Line, context: SessionContext = SCENE) -> Shot:
    """The one shot that there is."""
    (shot,) = shots(line, context)
    return shot


def orphans(line: Line, context: SessionContext = SCENE) -> list[ReadingKey]:
    """The landings that wait for a person."""
    return [landing.key for landing in assemble(line.readings, context).orphans]


TWO_BOWS = told_until(20.0, replace(SCENE, bows=frozenset({"bow-1", "bow-2"})))
