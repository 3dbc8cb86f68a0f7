"""``/statistics``: groups, averages and intervals of a session, as page, command line and exports show them."""

from __future__ import annotations

from uuid import UUID

from pydantic import ConfigDict
from starlette.responses import Response

from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, Tag, get
from edge.push.api.parameters import Answer, Lane, Query
from edge.push.api.statistics import Statistics
from edge.push.http.content import compressed
from edge.push.http.envelope import data_response, reject


class StatisticsParams(Query):
    """``lane`` or ``session``, for the statistics of a lane's last session or of one session."""

    lane: Lane | None = None
    session: UUID | None = None


class SessionStatistics(Answer):
    """The statistics of a session; see docs/statistics.md."""

    model_config = ConfigDict(extra="allow")

    session_id: UUID | None
    lane: int | None


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations."""
    statistics = Statistics(api.reading)

    async def one(call: Call[StatisticsParams, EmptyBody]) -> Response:
        query = call.query
        if query.session is None:
            return compressed(call.request, data_response(await statistics.of_lane(query.lane)))
        if query.lane is not None:
            raise reject(422, "exclusive", "give lane or session: a session has one lane", "query", "lane")
        found = await statistics.of_session(query.session)
        if found is None:
            raise reject(404, "not_found", f"session {query.session} does not exist", "query", "session")
        return compressed(call.request, data_response(found))

    async def every(call: Call[NoParams, EmptyBody]) -> Response:
        return compressed(call.request, data_response(await statistics.of_all_lanes()))

    missing = {404: "The session does not exist."}
    return [
        get("/statistics", Tag.STATISTICS, "Show the statistics of a session, by default of a lane's last one.", one,
            StatisticsParams, data=SessionStatistics, errors=missing),
        get("/statistics/all", Tag.STATISTICS, "Show the statistics of every lane's last session.", every, NoParams,
            data=list[SessionStatistics]),
    ]  # fmt: skip
