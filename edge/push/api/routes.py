"""Paths of the API and their handlers, all of which only read."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.push.api import queries
from edge.push.api.live import live, live_of_all
from edge.push.api.parameters import (
    LaneParams,
    NoParams,
    OneLaneParams,
    SessionParams,
    ShotParams,
    StatisticsParams,
    parse_query,
    path_id,
)
from edge.push.api.statistics import Statistics
from edge.push.http.content import compressed
from edge.push.http.envelope import data_response, reject
from edge.push.http.read_pool import ReadPool


def api_routes(pool: ReadPool) -> list[Route]:
    """Return all routes below ``/api/v0`` except the streams of events."""

    async def get_live(request: Request) -> Response:
        return compressed(request, data_response(await live(pool, parse_query(request, LaneParams).lane)))

    async def get_live_of_all(request: Request) -> Response:
        parse_query(request, NoParams)
        return compressed(request, data_response(await live_of_all(pool)))

    async def get_lanes(request: Request) -> Response:
        parse_query(request, NoParams)
        return data_response(await queries.lanes(pool))

    async def get_devices(request: Request) -> Response:
        return data_response(await queries.devices(pool, parse_query(request, LaneParams).lane))

    async def get_sessions(request: Request) -> Response:
        return data_response(await queries.sessions(pool, parse_query(request, SessionParams)))

    async def get_open_session(request: Request) -> Response:
        return data_response(await queries.open_session(pool, parse_query(request, OneLaneParams).lane))

    async def get_session(request: Request) -> Response:
        parse_query(request, NoParams)
        wanted = path_id(request)
        return data_response(_existing(await queries.session(pool, wanted), f"session {wanted} does not exist"))

    async def get_shots(request: Request) -> Response:
        return data_response(await queries.shots(pool, parse_query(request, ShotParams)))

    async def get_shot(request: Request) -> Response:
        parse_query(request, NoParams)
        wanted = path_id(request)
        return data_response(_existing(await queries.shot(pool, wanted), f"shot {wanted} does not exist"))

    async def get_performance(request: Request) -> Response:
        return data_response(await queries.session_performance(pool, parse_query(request, OneLaneParams).lane))

    return [
        Route("/api/v0/live", get_live),
        Route("/api/v0/live/all", get_live_of_all),
        Route("/api/v0/lanes", get_lanes),
        Route("/api/v0/device", get_devices),
        Route("/api/v0/session", get_sessions),
        Route("/api/v0/session/open", get_open_session),
        Route("/api/v0/session/{id}", get_session),
        Route("/api/v0/shot", get_shots),
        Route("/api/v0/shot/{id}", get_shot),
        Route("/api/v0/session_performance", get_performance),
        *_statistics_routes(pool),
    ]


def _statistics_routes(pool: ReadPool) -> list[Route]:
    statistics = Statistics(pool)

    async def get_statistics(request: Request) -> Response:
        params = parse_query(request, StatisticsParams)
        if params.session is None:
            return compressed(request, data_response(await statistics.of_lane(params.lane)))
        if params.lane is not None:
            message = "give lane or session: a session has one lane"
            raise reject(422, "exclusive", message, "query", "lane")
        found = await statistics.of_session(params.session)
        if found is None:
            raise reject(404, "not_found", f"session {params.session} does not exist", "query", "session")
        return compressed(request, data_response(found))

    async def get_statistics_of_all(request: Request) -> Response:
        parse_query(request, NoParams)
        return compressed(request, data_response(await statistics.of_all_lanes()))

    return [
        Route("/api/v0/statistics", get_statistics),
        Route("/api/v0/statistics/all", get_statistics_of_all),
    ]


def _existing(row: str | None, message: str) -> str:
    """Return the row. Raises RequestRejected (404) when it is None."""
    if row is None:
        raise reject(404, "not_found", message, "path", "id")
    return row
