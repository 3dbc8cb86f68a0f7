"""What a person says of a shot, made into a decision that can stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.operator.judging import Decision, Kind, face_points

WORTH_NOTHING = ("off_face", "miss")
WITHOUT_VALUE = ("unknown", "not_shot", "void")
RESULTS = ("hit", *WORTH_NOTHING, "unknown", "not_shot")
"""What a shot can be corrected to; ``void`` has a command of its own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was typed; None was not."""

    result: str | None
    points: int | None
    is_x: bool = False


async def ruled(connection: Connection, shot: asyncpg.Record, verdict: Verdict, who: str, why: str) -> Decision:
    """The decision that a verdict on a shot means. Raises Refused when it contradicts itself or the face."""
    new = complete(verdict, dict(shot), await face_points(connection, shot["session_id"]))
    return _decision(shot, "result", who, why, new)


def restored(shot: asyncpg.Record, who: str, why: str) -> Decision:
    """The decision that takes the earlier ones back. Raises Refused when there is none."""
    if "corrected" not in shot["flags"]:
        raise CommandError(f"nothing was decided of shot {shot['id']}", hint="It is what the sensors say already")
    return _decision(shot, "restore", who, why, {})


def complete(verdict: Verdict, shot: Mapping[str, object], worths: Sequence[int]) -> dict[str, object]:
    """Result, points and X of a verdict; what was not said follows from the rest. Pure.

    ``worths`` are the values of the face, highest first. Raises Refused.
    """
    result, points = verdict.result or _result(verdict, shot), verdict.points
    if result not in (*RESULTS, "void"):
        raise CommandError(f"'{result}' is no result", hint=f"Give one of {', '.join(RESULTS)}")
    if result == "hit":
        points = _points_of_hit(verdict, shot, worths)
    elif points or verdict.is_x:
        raise CommandError(
            f"a shot that is {result} is worth nothing", hint="Leave --points and --x out, or say --result hit"
        )
    else:
        points = 0 if result in WORTH_NOTHING else None
    return {"result": result, "points": points, "is_x": verdict.is_x}


def _result(verdict: Verdict, shot: Mapping[str, object]) -> str:
    if verdict.points == 0 and not verdict.is_x:
        return "miss" if shot["landing_seq"] is None else "off_face"
    if verdict.points is None and not verdict.is_x:
        raise CommandError("nothing to correct was said", hint="Give --points, --x or --result")
    return "hit"


def _points_of_hit(verdict: Verdict, shot: Mapping[str, object], worths: Sequence[int]) -> int | None:
    points = verdict.points
    if points is None and verdict.is_x and worths:
        points = worths[0]
    if points is None and isinstance(shot["points"], int) and shot["points"] > 0:
        points = shot["points"]
    if points is None and worths:
        raise CommandError("a hit is worth something", hint=f"Give --points, one of {', '.join(map(str, worths))}")
    if points is not None and worths and points not in worths:
        raise CommandError(
            f"no ring of this face is worth {points}",
            hint=f"Give one of {', '.join(map(str, worths))}, or --result miss",
        )
    if verdict.is_x and worths and points != worths[0]:
        raise CommandError(f"an X is worth {worths[0]}", hint=f"Leave --points out, or give --points {worths[0]}")
    return points


def _decision(shot: asyncpg.Record, kind: Kind, who: str, why: str, new: Mapping[str, object]) -> Decision:
    role = "landing" if shot["release_seq"] is None else "release"
    if not who.strip() or not why.strip():
        raise CommandError("a decision has a person and a reason", hint="Give --who and --why some text")
    return Decision(
        shot["session_id"],
        kind,
        shot[f"{role}_device_id"],
        shot[f"{role}_stream_id"],
        shot[f"{role}_seq"],
        who,
        why,
        old={key: shot[key] for key in ("result", "points", "is_x")},
        new=new,
    )
