"""Facts of one session that its statistics are computed from. Millimetres on the butt: +x right, +y up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from edge.common.frames import ButtPoint
from edge.common.vocabulary import NO_SHOT, NOT_COUNTED, Flag, Result

DECIDED = frozenset((Result.HIT, Result.OFF_FACE, Result.OFF_VIEW, Result.MISS))
"""Results of shots that have a value; the others may get one."""


@dataclass(frozen=True, slots=True)
class FaceFacts:
    """One face on the butt."""

    id: UUID
    x_mm: float
    y_mm: float
    best: int
    """The most points that one arrow can score on it by the rules of the session."""
    slots: frozenset[str] = frozenset()
    """Letters of the archers who shoot at it; none on a butt where archers are not distinguished."""

    @property
    def centre(self) -> ButtPoint:
        """Its centre on the butt."""
        return ButtPoint(self.x_mm, self.y_mm)


@dataclass(frozen=True, slots=True)
class ShotFacts:
    """One shot of the session."""

    id: UUID
    result: Result
    points: int | None
    is_x: bool
    flags: frozenset[Flag]
    end_number: int | None
    """Number of its end from 1, ends of sighters included; None for a shot that belongs to none."""
    arrow_id: UUID | None
    arrow_tag: str | None
    arrow_name: str | None
    """Name of the registered arrow."""
    face_id: UUID | None
    x_mm: float | None
    y_mm: float | None
    slot: str | None = None
    """Letter of the place of its archer; None on a butt of one archer, and for a shot that belongs to none."""

    @property
    def is_shot(self) -> bool:
        """Whether it was shot: neither let down nor voided."""
        return self.result not in NO_SHOT

    @property
    def is_decided(self) -> bool:
        """Whether its value is known."""
        return self.result in DECIDED

    @property
    def is_surplus(self) -> bool:
        """Whether it keeps its value and counts in no total."""
        return not self.flags.isdisjoint(NOT_COUNTED)

    @property
    def arrow(self) -> str | None:
        """Identity of its arrow: the registered one's id, else the tag; None for an arrow that was not read."""
        return str(self.arrow_id) if self.arrow_id else self.arrow_tag


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session: its shots in the order of their release."""

    distance_m: float | None
    """Metres to the target; None for a session without a target."""
    sighter_ends: int
    faces: tuple[FaceFacts, ...]
    shots: tuple[ShotFacts, ...]

    @property
    def letters(self) -> Sequence[str]:
        """Letters of the archers who have shot."""
        return sorted({shot.slot for shot in self.shots if shot.is_shot and shot.slot is not None})

    @property
    def is_shared(self) -> bool:
        """Whether several archers have shot at the butt."""
        return len(self.letters) > 1

    def faces_of(self, slot: str | None) -> Sequence[FaceFacts]:
        """The faces that the archer of a slot shoots at; all of them for an archer who is not known."""
        return [face for face in self.faces if slot in face.slots] or self.faces

    def of_slot(self, slot: str) -> SessionFacts:
        """The same session with the shots of one archer."""
        return replace(self, shots=tuple(shot for shot in self.shots if shot.slot == slot))

    def is_sighter(self, shot: ShotFacts) -> bool:
        """Whether the shot belongs to an end of sighters, which counts in no total."""
        return shot.end_number is not None and shot.end_number <= self.sighter_ends
