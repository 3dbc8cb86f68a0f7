"""Paths of the API and what each answers. Everything here only reads."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.push.api import queries
from edge.push.api.live import live
from edge.push.api.parameters import Nothing, OfLane, OfOneLane, Sessions, Shots, ask, path_id
from edge.push.http.envelope import answer, refuse
from edge.push.http.read_pool import Store


def api_routes(store: Store) -> list[Route]:
    """All paths below ``/api/v0`` but the stream of events."""

    async def get_live(request: Request) -> Response:
        return answer(await live(store, ask(request, OfLane).lane))

    async def get_lanes(request: Request) -> Response:
        ask(request, Nothing)
        return answer(await queries.lanes(store))

    async def get_devices(request: Request) -> Response:
        return answer(await queries.devices(store, ask(request, OfLane).lane))

    async def get_sessions(request: Request) -> Response:
        return answer(await queries.sessions(store, ask(request, Sessions)))

    async def get_open_session(request: Request) -> Response:
        return answer(await queries.open_session(store, ask(request, OfOneLane).lane))

    async def get_session(request: Request) -> Response:
        ask(request, Nothing)
        wanted = path_id(request)
        return answer(found(await queries.session(store, wanted), f"there is no session {wanted}"))

    async def get_shots(request: Request) -> Response:
        return answer(await queries.shots(store, ask(request, Shots)))

    async def get_shot(request: Request) -> Response:
        ask(request, Nothing)
        wanted = path_id(request)
        return answer(found(await queries.shot(store, wanted), f"there is no shot {wanted}"))

    async def get_performance(request: Request) -> Response:
        return answer(await queries.session_performance(store, ask(request, OfOneLane).lane))

    return [
        Route("/api/v0/live", get_live),
        Route("/api/v0/lanes", get_lanes),
        Route("/api/v0/device", get_devices),
        Route("/api/v0/session", get_sessions),
        Route("/api/v0/session/open", get_open_session),
        Route("/api/v0/session/{id}", get_session),
        Route("/api/v0/shot", get_shots),
        Route("/api/v0/shot/{id}", get_shot),
        Route("/api/v0/session_performance", get_performance),
    ]


def found(row: str | None, message: str) -> str:
    """The row, or a refusal (404) when there is none."""
    if row is None:
        raise refuse(404, "not_found", message, "path", "id")
    return row
