"""Shots as the table ``shots`` holds them: made from drafts, corrected by operators, and counted within their end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID, uuid5

from edge.common.vocabulary import Assignment, Flag, Result, TimeSource
from edge.shots.assembly.context import RULE_VERSION, SessionContext
from edge.shots.assembly.ends import End, end_at
from edge.shots.assembly.flight import arrived_after_verdict, measured_flight_s
from edge.shots.assembly.model import Arrow, ReadingKey, TimedReading
from edge.shots.assembly.nockings import Draft
from edge.shots.assembly.scoring import Score

SHOT_NAMESPACE = UUID("7d0b7a52-0f43-5b0e-8c4e-3a0a4c9d2f11")
ARROW_SHOT = frozenset((Result.HIT, Result.OFF_FACE, Result.OFF_VIEW, Result.MISS))
"""Results that take an arrow of the end."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot. Field names are the columns of ``shots``."""

    id: UUID
    end_number: int | None
    arrow_id: UUID | None
    arrow_tag: str | None
    arrow_engage_time: datetime | None
    arrow_disengage_time: datetime | None
    arrow_landing_time: datetime | None
    x: float | None
    """Place on the butt."""
    y: float | None
    calibration_id: UUID | None
    """The calibration that gave the place; None for the nominal one."""
    result: Result
    points: int | None
    is_x: bool
    face_id: UUID | None
    face_version: int | None
    rule_version: int
    rule_set: str
    rule_set_version: int
    slot_id: UUID | None
    line_margin_mm: float | None
    line_call: bool
    diameter_mm: float | None
    diameter_assumed: bool
    assignment: Assignment | None
    time_source: TimeSource
    tof_s: float | None
    speed_mps: float | None
    launch_mps: float | None
    flags: tuple[Flag, ...]
    void_reason: str | None
    engage: ReadingKey | None
    release: ReadingKey | None
    landing: ReadingKey | None


@lru_cache(maxsize=4096)
def shot_id(key: ReadingKey) -> UUID:
    """The permanent id of the shot made of this release, or of this landing without one."""
    return uuid5(SHOT_NAMESPACE, f"{key.device_id}/{key.stream_id}/{key.seq}")


def make_shot(
    draft: Draft, arrow: Arrow | None, diameter: float, score: Score, context: SessionContext, ends: Sequence[End]
) -> Shot:
    """Make the shot of a scored draft."""
    release, landing, first = draft.release, draft.landing, draft.first
    if arrow is not None and arrow.is_retired(first.t):
        draft.flags.add(Flag.RETIRED_ARROW)
    if draft.bounced:
        draft.flags.add(Flag.BOUNCE)
    if score.is_wrong_face:
        draft.flags.add(Flag.WRONG_FACE)
    if draft.tag is not None and draft.bow_tag is None and (landing is None or landing.tag is None):
        draft.flags.add(Flag.SCANNED)
    slot = context.slot_of_shot(release.key.device_id if release else None, score.face_id)
    if landing is not None and landing.tag == draft.read_tag:
        draft.flags.discard(Flag.WRONG_TAG)  # the bow was right: the arrow had been pulled unseen
    if release is not None and landing is not None and arrived_after_verdict(release, landing, context):
        draft.flags.add(Flag.LATE)
    point = context.butt_point(landing) if landing is not None else None
    calibration = context.calibration_of(landing) if landing is not None and point is not None else None
    tof = measured_flight_s(draft, context)
    distance = context.distance_m
    return Shot(
        id=shot_id(first.key),
        end_number=end_at(ends, first.t),
        arrow_id=arrow.id if arrow else None,
        arrow_tag=draft.tag,
        arrow_engage_time=_time_of(draft.engage, first) if draft.engage else None,
        arrow_disengage_time=release.at if release else None,
        arrow_landing_time=_time_of(landing, first) if landing and point else None,
        x=point.x if point else None,
        y=point.y if point else None,
        calibration_id=calibration.id if calibration else None,
        result=score.result,
        points=score.points,
        is_x=score.is_x,
        face_id=score.face_id,
        face_version=score.face_version,
        rule_version=RULE_VERSION,
        rule_set=context.rule_set,
        rule_set_version=context.rule_set_version,
        slot_id=slot.id if slot else None,
        line_margin_mm=score.line_margin_mm,
        line_call=score.line_call or draft.bounced,
        diameter_mm=diameter if landing else None,
        diameter_assumed=arrow is None or arrow.diameter_mm is None,
        assignment=draft.assignment,
        time_source=TimeSource.BOTH if release and landing else TimeSource.BOW if release else TimeSource.TARGET,
        tof_s=tof,
        speed_mps=distance / tof if tof and distance else None,
        launch_mps=release.launch_mps if release else None,
        flags=tuple(sorted(draft.flags)),
        void_reason=None,
        engage=draft.engage.key if draft.engage else None,
        release=release.key if release else None,
        landing=landing.key if landing else None,
    )


def _time_of(reading: TimedReading, first: TimedReading) -> datetime:
    """The reading's time by the clock of the shot's first reading: a clock step puts no engage after its release."""
    return first.at + timedelta(seconds=reading.t - first.t)


def correct_shot(shot: Shot, context: SessionContext) -> Shot:
    """Apply an operator's correction of the result, if there is one. An X that an operator saw is worth what the rules say."""
    first = shot.release or shot.landing
    correction = context.corrections.results.get(first) if first is not None else None
    if correction is None or correction.result is None:
        return shot
    points = correction.points
    if correction.is_x and context.target is not None and context.target.faces:
        hit = [face for face in context.target.faces if face.id == shot.face_id]
        points = max(face.x_worth for face in hit or context.faces_of_slot(shot.slot_id))
    return replace(
        shot,
        result=correction.result,
        points=points,
        is_x=correction.is_x,
        void_reason=(correction.reason or "taken back") if correction.result is Result.VOID else None,
        flags=tuple(sorted({*shot.flags, Flag.CORRECTED})),
    )


def flag_not_counted(shots: Sequence[Shot], context: SessionContext) -> list[Shot]:
    """Flag the shots that count in no total; ``shots`` in order of shooting.

    Of more arrows than an end allows the lowest count (World Archery Book 3, edition 2026, 12.2.2), and likewise of two
    arrows in one spot of a multiple face. Each arrow keeps its own value; totals leave the flagged ones out.
    """
    flagged = _not_counted(shots, context)
    return [
        replace(shot, flags=tuple(sorted({*shot.flags, flagged[shot.id]}))) if shot.id in flagged else shot
        for shot in shots
    ]


def _not_counted(shots: Sequence[Shot], context: SessionContext) -> dict[UUID, Flag]:
    """The flag of each shot that does not count. Undecided shots and shots without a value stay as they are."""
    spots = {face.id for face in context.target.faces if face.is_spot} if context.target else set[UUID]()
    spots_of: dict[Hashable, set[UUID]] = {slot.id: spots & slot.faces for slot in context.slots}
    flagged: dict[UUID, Flag] = {}
    by_spot: dict[Hashable, list[Shot]] = defaultdict(list)
    by_end: dict[Hashable, list[Shot]] = defaultdict(list)
    for shot in shots:
        if shot.result in ARROW_SHOT and shot.points is not None and shot.end_number is not None:
            archer = shot.slot_id or (shot.release.device_id if shot.release else None)
            by_end[shot.end_number, archer].append(shot)
            own = spots_of.get(archer, spots)
            if context.arrows_per_end is not None and context.arrows_per_end <= len(own) and shot.face_id in own:
                by_spot[shot.end_number, archer, shot.face_id].append(shot)
    for same in by_spot.values():
        flagged |= dict.fromkeys(_highest(same, len(same) - 1), Flag.SAME_SPOT)
    if context.arrows_per_end is not None:
        for end in by_end.values():
            left = [shot for shot in end if shot.id not in flagged]
            flagged |= dict.fromkeys(_highest(left, len(left) - context.arrows_per_end), Flag.EXTRA)
    return flagged


def _highest(shots: Sequence[Shot], count: int) -> list[UUID]:
    """The ids of the shots of the highest values, of equals the later shot first."""
    ranked = sorted(enumerate(shots), key=lambda one: (one[1].points or 0, one[1].is_x, one[0]), reverse=True)
    return [shot.id for _, shot in ranked[: max(0, count)]]
