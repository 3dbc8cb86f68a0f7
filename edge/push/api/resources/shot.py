"""``/shot``: shots with the keys of the original. They come from sensors alone."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict
from starlette.responses import Response

from edge.common.vocabulary import NO_SHOT
from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, Tag, get
from edge.push.api.parameters import After, Answer, Flag, Instant, Limit, Millimetres, Null, Query
from edge.push.api.rows import conditions, one_row, page, row_of

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


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on shots."""

    async def find(call: Call[ShotParams, EmptyBody]) -> Response:
        arguments: list[object] = [HIDDEN_RESULTS]
        where = conditions(_FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += f" and ({_ORDER}) > (select {_ORDER} from shots where id = ${len(arguments)})"
        select = f"select {_COLUMNS} from shots where result <> all($1::text[]){where} order by {_ORDER}"
        return await page(api.reading, call, select, arguments, call.query.limit)

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, _SHOT, call.id)
        return one_row(found, "shot", call.id)

    return [
        get("/shot", Tag.SHOT, "List shots in the order of release.", find, ShotParams, data=list[Shot], is_paged=True),
        get("/shot/{id}", Tag.SHOT, "Show a shot with all that is known about it.", show, NoParams, data=WholeShot),
    ]
