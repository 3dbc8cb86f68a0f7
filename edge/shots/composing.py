"""A finding written out as a row: arrow, place, score, flight, flags."""

from __future__ import annotations

import math

from edge.shots.context import Arrow, Session
from edge.shots.finding import Finding
from edge.shots.matching import Assignment, Match
from edge.shots.parameters import RULE_VERSION, FlightWindow, Parameters
from edge.shots.placed import Landing, Release
from edge.shots.scoring import Score, score
from edge.shots.sensed import Instant, shot_id
from edge.shots.shot import Result, Shot, TimeSource
from edge.shots.timeline import SECOND, to_datetime, to_ns

NO_SCORE = Score(points=None)
WORTH_NOTHING = frozenset({Result.MISS, Result.OFF_FACE, Result.OFF_VIEW})


def compose(
    finding: Finding, session: Session, end_number: int | None, flight: FlightWindow, parameters: Parameters
) -> Shot:
    """Write the row of a finding."""
    match = finding.match
    release = finding.basis if isinstance(finding.basis, Release) else None
    landing = match.landing if match else finding.basis if isinstance(finding.basis, Landing) else None
    nocking = release.nocking if release else None
    arrow_tag, arrow = _arrow(release, landing, session)
    shaft_mm = (arrow and arrow.diameter_mm) or parameters.shaft_mm(is_indoor=session.is_indoor)
    place = _place(landing)
    result, scored = _score(finding, place, landing, shaft_mm, session, parameters)
    tof_s = _flight_s(match, parameters)
    flags = {*finding.flags, *_flags(release, landing, arrow, finding.ns)}
    if landing is not None and place is None:
        flags.add("no_position")
    if match is not None:
        flags.update(_match_flags(match, tof_s, flight))
    return Shot(
        id=shot_id(finding.basis.key),
        session_id=session.id,
        lane=session.lane,
        end_number=end_number,
        arrow_id=arrow.id if arrow else None,
        arrow_tag=arrow_tag,
        arrow_engage_time=to_datetime(nocking.placed.ns) if nocking else None,
        arrow_disengage_time=to_datetime(release.placed.ns) if release else None,
        arrow_landing_time=to_datetime(landing.placed.ns) if landing and place else None,
        x=place[0] if place else None,
        y=place[1] if place else None,
        result=result,
        points=0 if result in WORTH_NOTHING else scored.points,
        is_x=scored.is_x,
        face_id=scored.face_id,
        face_version=scored.face_version,
        rule_version=RULE_VERSION,
        line_margin_mm=scored.line_margin_mm,
        line_call=scored.line_call,
        diameter_mm=shaft_mm,
        diameter_assumed=not (arrow and arrow.diameter_mm),
        assignment=match.assignment if match else None,
        time_source=TimeSource.TARGET if release is None else TimeSource.BOW if landing is None else TimeSource.BOTH,
        tof_s=tof_s,
        speed_mps=session.distance_m / tof_s if tof_s and session.distance_m else None,
        flags=tuple(sorted(flags)),
        release=release.key if release else None,
        landing=landing.key if landing else None,
    )


def _arrow(release: Release | None, landing: Landing | None, session: Session) -> tuple[str | None, Arrow | None]:
    """The tag as it was read, and the arrow it stands for: nobody's when the tag was probably misread."""
    known = (landing.tag if landing else None) or (release.trusted_tag if release else None)
    return known or (release.tag if release else None), session.arrows.get(known) if known else None


def _place(landing: Landing | None) -> tuple[float, float] | None:
    if landing is None:
        return None
    x_mm, y_mm = landing.placed.sensed.x_mm, landing.placed.sensed.y_mm
    if x_mm is None or y_mm is None or not (math.isfinite(x_mm) and math.isfinite(y_mm)):
        return None
    return x_mm, y_mm


def _score(
    finding: Finding,
    place: tuple[float, float] | None,
    landing: Landing | None,
    shaft_mm: float,
    session: Session,
    parameters: Parameters,
) -> tuple[Result, Score]:
    if finding.verdict is not None:
        return finding.verdict, NO_SCORE
    if place is None or landing is None:
        return Result.UNKNOWN, NO_SCORE
    if session.view_mm is not None and not (
        0 <= place[0] <= session.view_mm[0] and 0 <= place[1] <= session.view_mm[1]
    ):
        return Result.OFF_VIEW, NO_SCORE
    scored = score(
        *place,
        shaft_mm=shaft_mm,
        faces=session.faces,
        line_call_mm=parameters.line_call_mm,
        certain=not landing.bounced,
    )
    return (Result.OFF_FACE if session.faces and scored.face_id is None else Result.HIT), scored


def _flight_s(match: Match | None, parameters: Parameters) -> float | None:
    """Seconds in the air, or None where the clocks cannot tell it within the promised error."""
    if match is None or match.beyond_flight:
        return None
    release, landing = match.release.placed, match.landing.placed
    one, other = release.sensed.uncertainty_s, landing.sensed.uncertainty_s
    flown_s = (landing.ns - release.ns) / SECOND
    if one is None or other is None or flown_s <= 0 or one + other > parameters.speed_error * flown_s:
        return None
    return flown_s if _one_clock(release.sensed.instant, landing.sensed.instant) else None


def _one_clock(one: Instant, other: Instant) -> bool:
    return one.boot_id == other.boot_id and (one.mono_ns is None) == (other.mono_ns is None)


def _flags(release: Release | None, landing: Landing | None, arrow: Arrow | None, ns: int) -> set[str]:
    flags = set()
    if release is not None and release.nocking is None:
        flags.add("no_engage")
    if release is not None and release.nocking is not None:
        flags.update(name for name in ("wrong_tag", "cross_read") if getattr(release.nocking, name))
    if landing is not None and landing.bounced:
        flags.add("bounce")
    if landing is not None and landing.touched:
        flags.add("contact")
    if arrow is not None and arrow.voided_at is not None and arrow.voided_at <= to_datetime(ns):
        flags.add("retired_arrow")
    return flags


def _match_flags(match: Match, tof_s: float | None, flight: FlightWindow) -> set[str]:
    flags = {"tag_mismatch"} if match.tag_mismatch else set()
    landing = match.landing.placed
    told_after_s = (landing.sensed.received_at - landing.sensed.instant.at).total_seconds()
    window_over_ns = match.release.placed.ns + to_ns(flight.landing_s)
    if match.beyond_flight or (
        match.assignment is not Assignment.MANUAL and landing.ns + to_ns(told_after_s) > window_over_ns
    ):
        flags.add("late")
    if tof_s is None and not match.beyond_flight:
        flags.add("clock")
    return flags
