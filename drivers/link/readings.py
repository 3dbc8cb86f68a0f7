"""Events of the Arch-Stats link as readings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drivers.contract import Reading, ReadingKind, ReleaseCause, Source, Stamp
from drivers.link.codec import Engage, Event, Landing, Pin, Release, ReleaseCode, Tags

NO_TAG = "the arrow's tag was not read"
NO_POSITION = "the sensor gave no position"


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """The values that an event alone does not carry."""

    device_id: str
    source: Source
    stream_id: UUID
    stamp: Stamp
    received_at: datetime
    undated: str | None = None
    """Reason why the stamp is only the time of receipt."""


def reading_of(event: Event, seq: int, context: ReadingContext) -> Reading:
    """The reading of event number ``seq``."""
    match event:
        case Engage(rssi_dbm, tag):
            return _reading(ReadingKind.ENGAGE, seq, context, _missing(tag=tag is None), tag=tag, rssi_dbm=rssi_dbm)
        case Release(code, tag):
            cause = ReleaseCause.REMOVED if code is ReleaseCode.REMOVED else None
            return _reading(ReadingKind.RELEASE, seq, context, _missing(tag=tag is None), tag=tag, cause=cause)
        case Landing(x_mm, y_mm, quality, tag):
            missing = _missing(tag=tag is None, position=x_mm is None or y_mm is None)
            return _reading(ReadingKind.LANDING, seq, context, missing, tag=tag, x_mm=x_mm, y_mm=y_mm, quality=quality)
        case Tags(tags):
            return _reading(ReadingKind.TAGS, seq, context, (), tags=tuple(sorted(set(tags))))
        case Pin(x_mm, y_mm):
            missing = _missing(position=x_mm is None or y_mm is None)
            return _reading(ReadingKind.PIN, seq, context, missing, x_mm=x_mm, y_mm=y_mm)


def _reading(
    kind: ReadingKind,
    seq: int,
    context: ReadingContext,
    missing: tuple[str, ...],
    *,
    tag: str | None = None,
    tags: tuple[str, ...] | None = None,
    x_mm: float | None = None,
    y_mm: float | None = None,
    rssi_dbm: int | None = None,
    cause: ReleaseCause | None = None,
    quality: int | None = None,
) -> Reading:
    reasons = (context.undated, *missing) if context.undated else missing
    return Reading(
        device_id=context.device_id,
        stream_id=context.stream_id,
        seq=seq,
        kind=kind,
        stamp=context.stamp,
        received_at=context.received_at,
        source=context.source,
        tag=tag,
        tags=tags,
        x_mm=x_mm,
        y_mm=y_mm,
        rssi_dbm=rssi_dbm,
        cause=cause,
        quality=quality,
        reason="; ".join(reasons) or None,
    )


def _missing(*, tag: bool = False, position: bool = False) -> tuple[str, ...]:
    return (NO_POSITION,) * position + (NO_TAG,) * tag
