"""Arrows that struck one another. Pure.

An arrow that remains in the nock of another scores the value of the arrow that it struck (World Archery Book 3,
14.2.6.3 in the numbering before 2026). Two shafts cannot stand closer together than they are thick, so one that landed closer did strike the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edge.shots.assembly.butt import TagPresence
from edge.shots.assembly.ends import End, closing_of
from edge.shots.assembly.model import ReadingKey, SessionContext, TimedReading
from edge.shots.assembly.scoring import Score


@dataclass(frozen=True, slots=True)
class Landed:
    """A landing as it was scored by itself."""

    landing: TimedReading
    diameter_mm: float
    score: Score


@dataclass(frozen=True, slots=True)
class Contact:
    """A landing beside another arrow, and what it is worth by the rule."""

    struck: ReadingKey
    """The landing of the other arrow."""
    apart_mm: float
    score: Score


def find_contacts(
    landed: Iterable[Landed], stays: Sequence[TagPresence], ends: Sequence[End], context: SessionContext
) -> dict[ReadingKey, Contact]:
    """Landings near an arrow that was in the butt, by the landing's key."""
    left = {stay.landing: stay.until for stay in stays if stay.landing is not None and stay.until is not None}
    in_butt: list[tuple[Landed, float]] = []
    found: dict[ReadingKey, Contact] = {}
    for one in sorted(landed, key=lambda one: (one.landing.t, one.landing.key)):
        place, t = one.landing.place, one.landing.t
        if place is None or one.score.result not in ("hit", "off_face"):
            continue
        in_butt = [(other, until) for other, until in in_butt if until > t]
        near = [
            (math.dist(place, other.landing.place), other)
            for other, _ in in_butt
            if other.landing.place is not None and other.landing.key.device_id == one.landing.key.device_id
        ]
        score = one.score
        if near:
            apart, other = min(near, key=lambda pair: (pair[0], pair[1].landing.key))
            if apart <= context.parameters.contact_mm:
                score = _by_rule(one, other, apart)
                found[one.landing.key] = Contact(other.landing.key, apart, score)
        in_butt.append((replace(one, score=score), left.get(one.landing.key, closing_of(ends, t))))
    return found


def _by_rule(one: Landed, other: Landed, apart_mm: float) -> Score:
    if apart_mm >= (one.diameter_mm + other.diameter_mm) / 2:
        return one.score
    struck = other.score
    return replace(
        one.score,
        result=struck.result,
        points=struck.points,
        is_x=struck.is_x,
        face_id=struck.face_id,
        face_version=struck.face_version,
        line_call=one.score.line_call or one.score.points != struck.points,
    )
