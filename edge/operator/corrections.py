"""Correct, void and restore shots. A correction is a row that outlives every rebuild; measured values never change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import CorrectionKind, Flag, Result
from edge.operator.shots import ShotSummary
from edge.shots.assembly.model import ReadingKey

WORTH_NOTHING = (Result.OFF_FACE, Result.MISS)
"""Results with 0 points."""
CORRECTABLE_RESULTS = (Result.HIT, *WORTH_NOTHING, Result.UNKNOWN, Result.NOT_SHOT)
"""Results that a shot can be corrected to; ``void`` has a command of its own."""


@dataclass(frozen=True, slots=True)
class ScoreCorrection:
    """The score that an operator gives a shot. A value that is None follows from the others."""

    result: Result | None
    points: int | None
    is_x: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """A complete score."""

    result: Result
    points: int | None
    is_x: bool


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """One row for ``corrections``: ``old`` and ``new`` depend on the kind."""

    session_id: UUID
    kind: CorrectionKind
    reading: ReadingKey
    """The shot's release, or its landing when it has no release; for an orphan its landing."""
    who: str
    reason: str
    old: Mapping[str, object]
    new: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RecordedCorrection:
    """One row of ``corrections``."""

    at: datetime
    who: str
    kind: CorrectionKind
    reason: str
    old: Mapping[str, object]
    new: Mapping[str, object]


async def correct_shot(
    connection: Connection, shot: ShotSummary, score: ScoreCorrection, who: str, reason: str
) -> None:
    """Give a shot another score. Raises CommandError when the score contradicts itself or the face."""
    values = await face_values(connection, shot)
    complete = complete_score(score, shot, values)
    new = {"result": complete.result, "points": complete.points, "is_x": complete.is_x}
    await record_correction(connection, _of_shot(shot, CorrectionKind.RESULT, who, reason, new))


async def restore_shot(connection: Connection, shot: ShotSummary, who: str, reason: str) -> None:
    """Take back all corrections of a shot. Raises CommandError when there are none."""
    if Flag.CORRECTED not in shot.flags:
        raise CommandError(
            f"shot {shot.id} was not corrected", hint="It already has the value that the sensors measured."
        )
    await record_correction(connection, _of_shot(shot, CorrectionKind.RESTORE, who, reason, {}))


async def record_correction(connection: Connection, correction: NewCorrection) -> None:
    """Insert a correction. The database requests a rebuild of the session in the same transaction.

    Raises CommandError when the operator's name or the reason is empty.
    """
    if not correction.who.strip() or not correction.reason.strip():
        raise CommandError("a correction needs a name and a reason", hint="Give --who and --why some text.")
    await connection.execute(
        """
        insert into corrections (session_id, kind, device_id, stream_id, seq, who, reason, old, new)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        correction.session_id,
        correction.kind,
        *correction.reading,
        clean(correction.who),
        clean(correction.reason),
        json.dumps(correction.old, default=str),
        json.dumps(correction.new, default=str),
    )


async def corrections_of(connection: Connection, shot: ShotSummary) -> list[RecordedCorrection]:
    """All corrections of a shot and of its landing, oldest first."""
    rows = await connection.fetch(
        """
        select at, who, kind, reason, old::text as old, new::text as new from corrections
        where (device_id, stream_id, seq) in (($1, $2, $3), ($4, $5, $6)) order by id
        """,
        *(shot.release or (None, None, None)),
        *(shot.landing or (None, None, None)),
    )
    return [
        RecordedCorrection(
            row["at"],
            row["who"],
            CorrectionKind(row["kind"]),
            row["reason"],
            json.loads(row["old"]),
            json.loads(row["new"]),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class FaceValues:
    """The values that a shot can have."""

    zones: Sequence[int]
    """Of the zones, highest first; none without a face."""
    has_x: bool = True
    x_points: int | None = None
    """Of an X, where the rules give it another one."""


async def face_values(connection: Connection, shot: ShotSummary) -> FaceValues:
    """The values that a shot can have on its archer's face and on the one it scored on; without a slot, on any face of the butt."""
    rows = await connection.fetch(
        """
        select f.points, f.x_radius is not null as has_x, s.x_points
        from faces f join targets t on t.id = f.target_id join sessions s on s.id = t.session_id
        where s.id = $1 and (f.name = coalesce((select face from slots where session_id = s.id and letter = $2), f.name)
            or f.id = (select face_id from shots where id = $3))
        """,
        shot.session_id,
        shot.slot,
        shot.id,
    )
    zones = sorted({worth for row in rows for worth in row["points"]}, reverse=True)
    with_x = [row["x_points"] for row in rows if row["has_x"]]
    return FaceValues(zones, bool(with_x) or not rows, next(iter(with_x), None))


def complete_score(score: ScoreCorrection, shot: ShotSummary, values: FaceValues) -> Score:
    """The complete score that a correction gives to a shot. Pure. Raises CommandError when it contradicts itself or the face."""
    result = _result(score, shot)
    if result is Result.HIT:
        worth = shot.points if score.points is None else score.points
        x_points = values.x_points
        is_x = score.is_x or (x_points is not None and worth == x_points and x_points not in values.zones)
        return Score(result, _points_of_hit(replace(score, is_x=is_x), shot, values), is_x)
    if score.points or score.is_x:
        raise CommandError(
            f"a shot with the result {result} has no points", hint="Leave out --points and --x, or give --result hit."
        )
    return Score(result, 0 if result in WORTH_NOTHING else None, is_x=False)


def parse_result(text: str) -> Result:
    """The result that an operator names. Raises CommandError when there is no such result."""
    try:
        return Result(text)
    except ValueError:
        raise _no_result(text) from None


def _no_result(text: str) -> CommandError:
    return CommandError(f"'{text}' is not a result", hint=f"Give one of {', '.join(CORRECTABLE_RESULTS)}.")


def _result(score: ScoreCorrection, shot: ShotSummary) -> Result:
    if score.result is not None:
        if score.result in (*CORRECTABLE_RESULTS, Result.VOID):
            return score.result
        raise _no_result(score.result)
    if score.is_x:
        return Result.HIT
    if score.points is None:
        raise CommandError(
            "nothing to correct: neither a result nor points nor an X was given",
            hint="Give one of them: see `archstats-sensor shots correct --help`.",
        )
    if score.points == 0:
        return Result.MISS if shot.landing is None else Result.OFF_FACE
    return Result.HIT


def _points_of_hit(score: ScoreCorrection, shot: ShotSummary, values: FaceValues) -> int | None:
    points, zones = score.points, values.zones
    x_worth = next(iter(zones), None) if values.x_points is None else values.x_points
    if score.is_x and not values.has_x:
        raise CommandError("this face has no X", hint="Leave out --x, and give --points.")
    if score.is_x and x_worth is not None:
        if points not in (None, x_worth):
            raise CommandError(f"an X is worth {x_worth}", hint=f"Leave out --points, or give --points {x_worth}.")
        return x_worth
    if points is None and shot.points:
        points = shot.points
    listed = ", ".join(map(str, zones))
    if points is None and zones:
        raise CommandError("a hit needs points", hint=f"Give --points, one of {listed}.")
    if points is not None and zones and points not in zones:
        raise CommandError(f"no ring of this face is worth {points}", hint=f"Give one of {listed}, or --result miss.")
    return points


def _of_shot(
    shot: ShotSummary, kind: CorrectionKind, who: str, reason: str, new: Mapping[str, object]
) -> NewCorrection:
    old = {"result": shot.result, "points": shot.points, "is_x": shot.is_x}
    return NewCorrection(shot.session_id, kind, shot.reading, who, reason, old, new)
