"""``/shot``: shots with the keys of the original. They come from sensors alone."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from starlette.responses import Response

from edge.common.bounds import LARGEST_INT
from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import NO_SHOT, ErrorCode, Result
from edge.operator.corrections import ScoreCorrection, correct_shot, restore_shot
from edge.operator.shots import ShotSummary, find_shot
from edge.push.api.etag import IfMatch
from edge.push.api.judging import PENDING, Decided, decide, decided, require_computed
from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, Operation, Tag, change, get
from edge.push.api.parameters import (
    After,
    Answer,
    B,
    Flag,
    Instant,
    Limit,
    Millimetres,
    Null,
    Q,
    Query,
    Reason,
    WithReason,
)
from edge.push.api.rows import conditions, deleted, one_row, page, row_of
from edge.push.http.envelope import ApiError, RequestRejected

HIDDEN_RESULTS: Final = sorted(NO_SHOT)

# A release whose nocking was not detected counts as nocked at the release.
_COLUMNS: Final = """id, arrow_id, session_id, coalesce(arrow_engage_time, arrow_disengage_time) as arrow_engage_time,
    arrow_disengage_time, arrow_landing_time, x, y"""
_ORDER: Final = "coalesce(arrow_disengage_time, arrow_landing_time), id"
_FILTERS: Final = {
    "id": "id",
    "arrow_id": "arrow_id",
    "session_id": "session_id",
    "arrow_engage_time": "coalesce(arrow_engage_time, arrow_disengage_time)",
    "arrow_disengage_time": "arrow_disengage_time",
    "arrow_landing_time": "arrow_landing_time",
    "x": "x",
    "y": "y",
    "landed": "(arrow_landing_time is not null)",
}
"""Expression of each filter."""
_SHOT: Final = """select shots.*, arrows.human_identifier, faces.human_identifier as face, slots.letter as slot from shots
    left join arrows on (arrows.id, arrows.hub_id) = (shots.arrow_id, shots.hub_id)
    left join faces on (faces.id, faces.hub_id) = (shots.face_id, shots.hub_id)
    left join slots on (slots.id, slots.hub_id) = (shots.slot_id, shots.hub_id)
    where shots.id = $1"""


class Shot(Answer):
    """A shot."""

    id: UUID
    arrow_id: UUID | None
    session_id: UUID
    arrow_engage_time: AwareDatetime | None
    arrow_disengage_time: AwareDatetime | None
    arrow_landing_time: AwareDatetime | None
    x: float | None
    y: float | None


class WholeShot(Shot):
    """A shot with everything that is known about it, as in the events of the feed."""

    model_config = ConfigDict(extra="allow")

    lane: int
    end_number: int | None
    result: str
    points: int | None
    is_x: bool
    revision: int
    human_identifier: str | None
    face: str | None
    slot: str | None


class ShotParams(Query):
    """Filters of ``/shot``, compared for equality; all given ones must match."""

    id: UUID | None = None
    arrow_id: Null | UUID | None = None
    session_id: UUID | None = None
    arrow_engage_time: Null | Instant | None = None
    arrow_disengage_time: Null | Instant | None = None
    arrow_landing_time: Null | Instant | None = None
    x: Null | Millimetres | None = None
    y: Null | Millimetres | None = None
    landed: Flag | None = None
    limit: Limit = 1000
    after: After | None = None


class DeletionParams(Query):
    """The reason of a deletion, which is kept."""

    reason: Reason = "deleted through the HTTP API"


class ScoreBody(WithReason):
    """The score that a judge gives a shot; what is not named follows from the rest.

    The value that a shot has already confirms it.
    """

    result: Literal["hit", "off_face", "miss", "unknown", "not_shot"] | None = None
    points: Annotated[int, Field(ge=0, le=LARGEST_INT)] | None = None
    is_x: bool = False


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on shots."""
    return [*_reading(api), *_judging(api)]


def _reading(api: Api) -> list[AnyOperation]:

    async def find(call: Call[ShotParams, EmptyBody]) -> Response:
        arguments: list[object] = [HIDDEN_RESULTS]
        where = conditions(_FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += f" and ({_ORDER}) > (select {_ORDER} from shots where id = ${len(arguments)})"
        select = f"select {_COLUMNS} from shots where result <> all($1::text[]){where} order by {_ORDER}"
        return await page(api.reading, call, select, arguments, call.query.limit, "shots")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, _SHOT, call.id)
        tag = None if found is None else _tag(json.loads(found)["revision"])
        return one_row(found, "shot", call.id, tag)

    summary = "Show a shot with all that is known about it."
    return [
        get("/shot", Tag.SHOT, "List shots in the order of release.", find, ShotParams, data=list[Shot], is_paged=True),
        get("/shot/{id}", Tag.SHOT, summary, show, NoParams, data=WholeShot, has_etag=True),
    ]


def _judging(api: Api) -> list[AnyOperation]:
    async def judged(call: Call[Q, B], record: Callable[[Connection, ShotSummary], Awaitable[None]]) -> bool:
        async def checked(connection: Connection, shot: ShotSummary) -> None:
            if call.if_match is not None:
                _require_revision(call.if_match, shot, await row_of(connection, _SHOT, shot.id) or "null")
            await record(connection, shot)

        return await decide(
            api, call, lambda connection: find_shot(connection, str(call.id)), lambda shot: shot.session_id, checked
        )

    async def correct(call: Call[NoParams, ScoreBody]) -> Response:
        body = call.body
        score = ScoreCorrection(None if body.result is None else Result(body.result), body.points, is_x=body.is_x)
        return decided(
            done=await judged(call, lambda db, shot: correct_shot(db, shot, score, call.who, body.reason)),
        )

    async def void(call: Call[NoParams, WithReason]) -> Response:
        return decided(done=await judged(call, lambda db, shot: _void(db, shot, call.who, call.body.reason)))

    async def restore(call: Call[NoParams, WithReason]) -> Response:
        return decided(done=await judged(call, lambda db, shot: restore_shot(db, shot, call.who, call.body.reason)))

    async def delete(call: Call[DeletionParams, EmptyBody]) -> Response:
        done = await judged(call, lambda db, shot: _void(db, shot, call.who, call.query.reason))
        require_computed(done=done, subject=f"the deletion of shot {call.id}")
        return deleted()

    one = "/shot/{id}"
    of_decision: dict[str, Any] = {"status": 202, "data": Decided, "has_etag": True, "errors": PENDING}
    return [
        Operation(
            "DELETE", one, Tag.SHOT, "Void a shot: it leaves the list and all totals, and stays on record.", delete,
            DeletionParams, EmptyBody, status=204, has_etag=True, errors=PENDING,
        ),
        change(
            "POST", f"{one}/correct", Tag.SHOT, "Give a shot another score, or confirm the one it has.", correct,
            ScoreBody, **of_decision,
        ),
        change("POST", f"{one}/void", Tag.SHOT, "Take a shot out of all totals.", void, WithReason, **of_decision),
        change(
            "POST", f"{one}/restore", Tag.SHOT, "Take back all corrections of a shot.", restore, WithReason,
            **of_decision,
        ),
    ]  # fmt: skip


async def _void(connection: Connection, shot: ShotSummary, who: str, reason: str) -> None:
    if shot.result is Result.VOID:
        raise CommandError(f"shot {shot.id} is void already", hint="Restore it to count it again.")
    await correct_shot(connection, shot, ScoreCorrection(Result.VOID, None), who, reason)


def _tag(revision: int) -> str:
    return f'"{revision}"'


def _require_revision(condition: IfMatch, shot: ShotSummary, row_json: str) -> None:
    """Raise RequestRejected (412) with the shot as it is now, unless it has the revision that the operator saw."""
    if "*" in condition.tags or str(shot.revision) in condition.tags:
        return
    row = json.loads(row_json)
    before, now = row.get("previous_value") or {}, {name: row[name] for name in ("result", "points", "is_x")}
    was = f"; before it was {_value(before)}" if before else ""
    message = f"the shot was changed meanwhile: it is now {_value(now)}, revision {shot.revision}{was}"
    error = ApiError(ErrorCode.CHANGED_MEANWHILE, message, ("header", "if-match"))
    raise RequestRejected(412, (error,), {"etag": _tag(shot.revision)}, row_json)


def _value(value: dict[str, object]) -> str:
    points = "" if value["points"] is None else f" with {value['points']} points"
    return f"{value['result']}{points}{', an X' if value['is_x'] else ''}"
