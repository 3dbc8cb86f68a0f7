"""What people decided. Keyed by the reading a shot rests on and applied last, so that no recomputation undoes a judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edge.shots.sensed import Key
from edge.shots.shot import Result, Shot

CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Correction:
    """One decision. Fields that are None leave the shot as it is; of several decisions on one shot the last one counts.

    ``landing`` gives a release the landing that is its own; it alone acts before matching, because a landing is used once.
    """

    key: Key
    """Of the shot: the release, or the landing of a shot without one."""
    result: Result | None = None
    points: int | None = None
    is_x: bool | None = None
    landing: Key | None = None
    void_reason: str | None = None


def manual_landings(corrections: Iterable[Correction]) -> Mapping[Key, Key]:
    """Landings that people gave to releases: landing -> release."""
    by_release = {correction.key: correction.landing for correction in corrections if correction.landing is not None}
    return {landing: release for release, landing in by_release.items()}


def corrected(shot: Shot, corrections: Iterable[Correction]) -> Shot:
    """The shot as people decided; ``corrections`` are this shot's own, the oldest first."""
    for correction in corrections:
        if correction.result is not None:
            shot = replace(
                shot,
                result=correction.result,
                points=_worth(correction.result, shot.points),
                is_x=False,
                line_call=False,
            )
        if correction.points is not None:
            shot = replace(shot, points=correction.points, line_call=False)
        if correction.is_x is not None:
            shot = replace(shot, is_x=correction.is_x)
        if correction.void_reason is not None:
            shot = replace(shot, result=Result.VOID, points=None, is_x=False, void_reason=correction.void_reason)
        shot = replace(shot, flags=tuple(sorted({*shot.flags, CORRECTED})))
    return shot


def _worth(result: Result, points: int | None) -> int | None:
    if result in (Result.MISS, Result.OFF_FACE, Result.OFF_VIEW):
        return 0
    return points if result is Result.HIT else None
