"""Sums of scores: of a session, of one end, of one arrow. A miss counts as 0; an undecided arrow is left out and counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from edge.common.vocabulary import Result
from edge.statistics.model import SessionFacts, ShotFacts

_MISSED = frozenset((Result.MISS, Result.OFF_FACE, Result.OFF_VIEW))


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over shots. Shots that were let down or voided, and surplus arrows, add nothing."""

    arrows: int
    decided: int
    undecided: int
    """Arrows without a value yet: in flight, or not known. They add nothing to any other number but ``arrows``."""
    scored: int
    """Decided arrows with points; fewer than ``decided`` only where no face scores."""
    points: int
    hits: int
    """Arrows that scored, or that hit a butt without a scoring face."""
    xs: int
    misses: int
    """Arrows of value 0: beside the zones, beside the butt."""
    average: float | None
    """Points per scored arrow; None without one."""


@dataclass(frozen=True, slots=True)
class EndTotals:
    """One end as on a score sheet."""

    slot: str | None
    """Letter of its archer on a butt that several share; None for shots that belong to no slot, and where one archer shoots."""
    number: int | None
    """Number from 1, ends of sighters included; None for the shots that belong to no end."""
    is_sighter: bool
    shots: tuple[UUID, ...]
    """Its shots, the highest value first, undecided ones last; surplus arrows too."""
    totals: Totals
    running: int | None
    """Points up to and with this end, of its archer where several share the butt; None for an end of sighters, which counts in no
    total.
    """


def totals(shots: Iterable[ShotFacts]) -> Totals:
    """Return the sums over shots."""
    counted = [shot for shot in shots if shot.is_shot and not shot.is_surplus]
    decided = [shot for shot in counted if shot.is_decided]
    scored = [shot.points for shot in decided if shot.points is not None]
    points = sum(scored)
    return Totals(
        arrows=len(counted),
        decided=len(decided),
        undecided=len(counted) - len(decided),
        scored=len(scored),
        points=points,
        hits=sum(1 for shot in decided if _is_hit(shot)),
        xs=sum(1 for shot in decided if shot.is_x),
        misses=sum(1 for shot in decided if _is_miss(shot)),
        average=points / len(scored) if scored else None,
    )


def session_totals(session: SessionFacts) -> Totals:
    """Return the sums of a session, without its sighters."""
    return totals(shot for shot in session.shots if not session.is_sighter(shot))


def end_totals(session: SessionFacts) -> tuple[EndTotals, ...]:
    """Return the ends of a session in their order, archer by archer where several share the butt; shots without an end come last."""
    shots_of: dict[tuple[str | None, int | None], list[ShotFacts]] = {}
    is_shared = session.is_shared
    for shot in session.shots:
        if shot.is_shot:
            slot = shot.slot if is_shared else None
            shots_of.setdefault((slot, shot.end_number), []).append(shot)
    running: dict[str | None, int] = {}
    ends = []
    for slot, number in sorted(shots_of, key=lambda key: tuple((one is None, one) for one in key)):
        shots = shots_of[slot, number]
        is_sighter = session.is_sighter(shots[0])
        sums = totals(shots)
        total = running[slot] = running.get(slot, 0) + (0 if is_sighter else sums.points)
        highest_first = sorted(shots, key=_value, reverse=True)  # equal values stay in the order of their release
        ids = tuple(shot.id for shot in highest_first)
        ends.append(EndTotals(slot, number, is_sighter, ids, sums, None if is_sighter else total))
    return tuple(ends)


def _is_hit(shot: ShotFacts) -> bool:
    return shot.result is Result.HIT if shot.points is None else shot.points > 0


def _is_miss(shot: ShotFacts) -> bool:
    return shot.result in _MISSED or (shot.points == 0 and not shot.is_x)


def _value(shot: ShotFacts) -> float:
    if not shot.is_decided:
        return -1.0
    return (shot.points or 0) + (0.5 if shot.is_x else 0.0)
