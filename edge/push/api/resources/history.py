"""``/session/history``: past sessions with averages, spread and personal bests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from edge.common.config.errors import CommandError
from edge.operator.export.files import json_text
from edge.operator.export.history import LIMIT, MOST, HistoryFilter, PastSession, read_history
from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, Tag, get
from edge.push.api.parameters import Lane, Query, Text
from edge.push.http.content import compressed
from edge.push.http.envelope import data_response, reject


class HistoryParams(Query):
    """Filters of past sessions; all given ones must match."""

    lane: Lane | None = None
    archer: (
        Annotated[Text, Field(min_length=1, description="Name of an archer who shot, letter for letter.")] | None
    ) = None
    limit: Annotated[int, Field(ge=1, le=MOST, description="Most sessions of one answer.")] = LIMIT
    after: UUID | None = None


def operations(api: Api) -> list[AnyOperation]:
    """Return the operation on past sessions."""

    async def find(call: Call[HistoryParams, EmptyBody]) -> Response:
        query = call.query
        try:
            async with api.reading.connection() as connection:
                found = await read_history(
                    connection, HistoryFilter(query.lane, query.archer, query.limit, query.after)
                )
        except CommandError as fault:
            raise reject(422, "unknown_session", fault.message, "query", "after") from fault
        response = data_response(json_text([asdict(one) for one in found.sessions]))
        if found.following is not None:
            given = [(name, value) for name, value in call.request.query_params.multi_items() if name != "after"]
            following = urlencode([*given, ("after", str(found.following))])
            response.headers["link"] = f'<{call.request.url.path}?{following}>; rel="next"'
        return compressed(call.request, response)

    return [
        get("/session/history", Tag.EXPORT, "List past sessions, newest first, with averages, spread and personal bests.", find,
            HistoryParams, data=Sequence[PastSession], is_paged=True),
    ]  # fmt: skip
