"""From an event of the Arch-Stats link to a reading: pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drivers.contract import Reading, ReadingKind, ReleaseCause, Source, Stamp
from drivers.link.codec import Engage, Event, Landing, Pin, Release, ReleaseCode, Tags

NO_TAG = "the arrow's tag was not read"
NO_POSITION = "the sensor gave no position"


@dataclass(frozen=True, slots=True)
class Origin:
    """What every reading of one device carries."""

    device_id: str
    source: Source


@dataclass(frozen=True, slots=True)
class _Values:
    kind: ReadingKind
    tag: str | None = None
    tags: tuple[str, ...] | None = None
    x_mm: float | None = None
    y_mm: float | None = None
    rssi_dbm: int | None = None
    cause: ReleaseCause | None = None
    quality: int | None = None
    missing: tuple[str, ...] = ()


def _values(event: Event) -> _Values:
    match event:
        case Engage(rssi_dbm, tag):
            return _Values(ReadingKind.ENGAGE, tag=tag, rssi_dbm=rssi_dbm, missing=_missing(tag=tag is None))
        case Release(cause, tag):
            removed = ReleaseCause.REMOVED if cause is ReleaseCode.REMOVED else None
            return _Values(ReadingKind.RELEASE, tag=tag, cause=removed, missing=_missing(tag=tag is None))
        case Landing(x_mm, y_mm, quality, tag):
            return _Values(
                ReadingKind.LANDING,
                tag=tag,
                x_mm=x_mm,
                y_mm=y_mm,
                quality=quality,
                missing=_missing(tag=tag is None, position=x_mm is None or y_mm is None),
            )
        case Tags(tags):
            return _Values(ReadingKind.TAGS, tags=tuple(sorted(set(tags))))
        case Pin(x_mm, y_mm):
            return _Values(
                ReadingKind.PIN, x_mm=x_mm, y_mm=y_mm, missing=_missing(position=x_mm is None or y_mm is None)
            )


def _missing(*, tag: bool = False, position: bool = False) -> tuple[str, ...]:
    return (NO_POSITION,) * position + (NO_TAG,) * tag


def reading_of(
    event: Event,
    *,
    origin: Origin,
    stream_id: UUID,
    seq: int,
    stamp: Stamp,
    received_at: datetime,
    undated: str | None = None,
) -> Reading:
    """The reading of an event. ``undated`` says why the stamp is only the time of receipt."""
    values = _values(event)
    reasons = (undated, *values.missing) if undated else values.missing
    return Reading(
        device_id=origin.device_id,
        stream_id=stream_id,
        seq=seq,
        kind=values.kind,
        stamp=stamp,
        received_at=received_at,
        source=origin.source,
        tag=values.tag,
        tags=values.tags,
        x_mm=values.x_mm,
        y_mm=values.y_mm,
        rssi_dbm=values.rssi_dbm,
        cause=values.cause,
        quality=values.quality,
        reason="; ".join(reasons) or None,
    )
