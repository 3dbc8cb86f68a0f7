"""``/session``: sessions with the keys of the original."""

from __future__ import annotations

import json
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime
from starlette.responses import Response

from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, Tag, get
from edge.push.api.parameters import After, Answer, Flag, Instant, Lane, Limit, Null, OneLaneParams, Query, Text
from edge.push.api.rows import conditions, one_row, page, row_of
from edge.push.http.envelope import data_response

COLUMNS: Final = "id, is_opened, start_time, location, is_indoor, end_time"

FILTERS: Final = {name: name for name in ("id", "is_opened", "is_indoor", "location", "start_time", "end_time", "lane")}
"""Expression of each filter."""


class Session(Answer):
    """A session of one lane."""

    id: UUID
    is_opened: bool
    start_time: AwareDatetime
    location: str
    is_indoor: bool
    end_time: AwareDatetime | None


class SessionParams(Query):
    """Filters of ``/session``, compared for equality; all given ones must match."""

    id: UUID | None = None
    is_opened: Flag | None = None
    is_indoor: Flag | None = None
    location: Text | None = None
    start_time: Instant | None = None
    end_time: Null | Instant | None = None
    lane: Lane | None = None
    limit: Limit = 1000
    after: After | None = None


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on sessions."""

    async def find(call: Call[SessionParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            last = f"(select s.hub_id, s.number from sessions s where s.id = ${len(arguments)})"
            where += f" and (hub_id, number) > {last}"
        select = f"select {COLUMNS} from sessions where true{where} order by hub_id, number"
        return await page(api.reading, call, select, arguments, call.query.limit)

    async def open_one(call: Call[OneLaneParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(
                connection,
                f"select {COLUMNS} from sessions where is_opened and lane = $1",
                call.query.lane,
            )
        if found is None:
            return data_response(json.dumps(None))
        return one_row(found, "session", "open")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"select {COLUMNS} from sessions where id = $1", call.id)
        return one_row(found, "session", call.id)

    return [
        get(
            "/session",
            Tag.SESSION,
            "List sessions, oldest first.",
            find,
            SessionParams,
            data=list[Session],
            is_paged=True,
        ),
        get(
            "/session/open",
            Tag.SESSION,
            "Show the open session of a lane, or null.",
            open_one,
            OneLaneParams,
            data=Session | None,
        ),
        get("/session/{id}", Tag.SESSION, "Show a session.", show, NoParams, data=Session, has_etag=True),
    ]
