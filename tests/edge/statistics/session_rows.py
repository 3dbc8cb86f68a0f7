"""Shots of a session for tests of its statistics."""

from __future__ import annotations

from uuid import UUID, uuid5

from edge.common.vocabulary import Flag, Result
from edge.statistics import FaceFacts, SessionFacts, ShotFacts

NAMESPACE = UUID(int=0)
FACE = FaceFacts(UUID(int=1), 640.0, 640.0, 10)
OTHER = FaceFacts(UUID(int=2), 200.0, 300.0, 10)


def arrow_id(name: str) -> UUID:
    return uuid5(NAMESPACE, name)


def shot(
    number: int,
    points: int | None = 10,
    *,
    dx: float | None = 0.0,
    dy: float = 0.0,
    result: Result = Result.HIT,
    end: int | None = 1,
    is_x: bool = False,
    flags: frozenset[Flag] = frozenset(),
    arrow: str | None = None,
    tag: str | None = None,
    face: FaceFacts | None = FACE,
    slot: str | None = None,
) -> ShotFacts:
    """Shot ``number`` of a session, ``dx`` and ``dy`` mm off the middle of a face; not landed if ``dx`` is None."""
    x = None if dx is None else FACE.x_mm + dx
    y = None if dx is None else FACE.y_mm + dy
    known = None if arrow is None else arrow_id(arrow)
    face_id = face.id if face is not None and result is Result.HIT else None
    return ShotFacts(UUID(int=number), result, points, is_x, flags, end, known, tag, arrow, face_id, x, y, slot)


def session(*shots: ShotFacts, sighters: int = 0, faces: tuple[FaceFacts, ...] = (FACE,)) -> SessionFacts:
    return SessionFacts(70.0, sighters, faces, shots)
