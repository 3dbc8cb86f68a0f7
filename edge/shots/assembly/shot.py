"""One shot as the table holds it. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from edge.shots.assembly.by_hand import CorrectionSet
from edge.shots.assembly.draft import Assignment, Draft
from edge.shots.assembly.ends import End, end_at
from edge.shots.assembly.flight import arrived_after_verdict, measured_flight_s
from edge.shots.assembly.model import Arrow, ReadingKey, SessionContext, TimedReading
from edge.shots.assembly.parameters import RULE_VERSION
from edge.shots.assembly.scoring import Score

SHOT_NAMESPACE = UUID("7d0b7a52-0f43-5b0e-8c4e-3a0a4c9d2f11")


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot as it now looks. Field names are the columns of ``shots``."""

    id: UUID
    end_number: int | None
    arrow_id: UUID | None
    arrow_tag: str | None
    arrow_engage_time: datetime | None
    arrow_disengage_time: datetime | None
    arrow_landing_time: datetime | None
    x: float | None
    y: float | None
    result: str
    points: int | None
    is_x: bool
    face_id: UUID | None
    face_version: int | None
    rule_version: int
    line_margin_mm: float | None
    line_call: bool
    diameter_mm: float | None
    diameter_assumed: bool
    assignment: Assignment | None
    time_source: str
    tof_s: float | None
    speed_mps: float | None
    flags: tuple[str, ...]
    void_reason: str | None
    engage: ReadingKey | None
    release: ReadingKey | None
    landing: ReadingKey | None


def shot_id(key: ReadingKey) -> UUID:
    """The shot made of this release, or of this landing without one, for ever."""
    return uuid5(SHOT_NAMESPACE, f"{key.device_id}/{key.stream_id}/{key.seq}")


def make_shot(
    draft: Draft, arrow: Arrow | None, diameter: float, score: Score, context: SessionContext, ends: Sequence[End]
) -> Shot:
    """What is known of a shot, once it was judged and scored."""
    release, landing, first = draft.release, draft.landing, draft.first
    if arrow is not None and arrow.is_retired(first.t):
        draft.flags.add("retired_arrow")
    if draft.bounced:
        draft.flags.add("bounce")
    if landing is not None and landing.tag == draft.read_tag:
        draft.flags.discard("wrong_tag")  # the bow was right: the arrow had been pulled, and nobody told
    if release is not None and landing is not None and arrived_after_verdict(release, landing, context):
        draft.flags.add("late")
    place = landing.place if landing is not None else None
    tof = measured_flight_s(draft, context)
    distance = context.distance_m
    return Shot(
        id=shot_id(first.key),
        end_number=end_at(ends, first.t),
        arrow_id=arrow.id if arrow else None,
        arrow_tag=draft.tag,
        arrow_engage_time=_instant(draft.engage, first) if draft.engage else None,
        arrow_disengage_time=release.at if release else None,
        arrow_landing_time=_instant(landing, first) if landing and place else None,
        x=place[0] if place else None,
        y=place[1] if place else None,
        result=score.result,
        points=score.points,
        is_x=score.is_x,
        face_id=score.face_id,
        face_version=score.face_version,
        rule_version=RULE_VERSION,
        line_margin_mm=score.line_margin_mm,
        line_call=score.line_call or draft.bounced,
        diameter_mm=diameter if landing else None,
        diameter_assumed=arrow is None or arrow.diameter_mm is None,
        assignment=draft.assignment,
        time_source="both" if release and landing else "bow" if release else "target",
        tof_s=tof,
        speed_mps=distance / tof if tof and distance else None,
        flags=tuple(sorted(draft.flags)),
        void_reason=None,
        engage=draft.engage.key if draft.engage else None,
        release=release.key if release else None,
        landing=landing.key if landing else None,
    )


def _instant(reading: TimedReading, first: TimedReading) -> datetime:
    """When it was, by the clock of the shot's first reading: a step of the wall clock moves no engage behind its release."""
    return first.at + timedelta(seconds=reading.t - first.t)


def corrected(shot: Shot, said: CorrectionSet) -> Shot:
    """The shot as a person decided it is worth."""
    first = shot.release or shot.landing
    verdict = said.verdicts.get(first) if first is not None else None
    if verdict is None or verdict.result is None:
        return shot
    return replace(
        shot,
        result=verdict.result,
        points=verdict.points,
        is_x=verdict.is_x,
        void_reason=(verdict.reason or "taken back") if verdict.result == "void" else None,
        flags=tuple(sorted({*shot.flags, "corrected"})),
    )
