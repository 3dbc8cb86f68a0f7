"""Which arrows of an end count, when more were shot than the rules allow. Pure.

Of more arrows than an end has the lowest count (World Archery Book 3, edition 2026, 12.2.2), and so of two arrows in one
spot of a multiple face. Each arrow keeps its own value; one that does not count is marked, and totals leave it out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from uuid import UUID

from edge.shots.assembly.model import SessionContext
from edge.shots.assembly.shot import Shot

EXTRA = "extra"
SAME_SPOT = "same_spot"
NOT_COUNTED = frozenset((EXTRA, SAME_SPOT))
"""Flags of shots that count in no total."""

SHOT = frozenset(("hit", "off_face", "off_view", "miss"))


def tallied(shots: Sequence[Shot], context: SessionContext) -> list[Shot]:
    """Mark the shots that count in no total; shots in order of shooting."""
    marked = _not_counted(shots, context)
    return [
        replace(shot, flags=tuple(sorted({*shot.flags, marked[shot.id]}))) if shot.id in marked else shot
        for shot in shots
    ]


def _not_counted(shots: Sequence[Shot], context: SessionContext) -> dict[UUID, str]:
    """The flag of each shot to be left out. Shots that are not decided, or have no value, are left alone."""
    multiple = {face.id for face in context.target.faces if face.is_spot} if context.target else set[UUID]()
    one_each = context.arrows_per_end is not None and context.arrows_per_end <= len(multiple)
    marked: dict[UUID, str] = {}
    spots: dict[Hashable, list[Shot]] = defaultdict(list)
    ends: dict[Hashable, list[Shot]] = defaultdict(list)
    for shot in shots:
        if shot.result in SHOT and shot.points is not None and shot.end_number is not None:
            bow = shot.release.device_id if shot.release else None
            ends[shot.end_number, bow].append(shot)
            if one_each and shot.face_id in multiple:
                spots[shot.end_number, bow, shot.face_id].append(shot)
    for same in spots.values():
        marked |= dict.fromkeys(_highest(same, len(same) - 1), SAME_SPOT)
    if context.arrows_per_end is not None:
        for end in ends.values():
            left = [shot for shot in end if shot.id not in marked]
            marked |= dict.fromkeys(_highest(left, len(left) - context.arrows_per_end), EXTRA)
    return marked


def _highest(shots: Sequence[Shot], how_many: int) -> list[UUID]:
    """The ids of the highest values, the last shot first among equals."""
    worth = sorted(enumerate(shots), key=lambda one: (one[1].points or 0, one[1].is_x, one[0]), reverse=True)
    return [shot.id for _, shot in worth[: max(0, how_many)]]
