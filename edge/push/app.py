"""The web application: its paths, and the envelope around everything that goes wrong."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from edge.push.api.routes import api_routes
from edge.push.health import Health
from edge.push.http.envelope import Problem, Refusal, refusal
from edge.push.http.read_pool import DatabaseAwayError, Store
from edge.push.http.static import StaticFiles
from edge.push.stream.hub import Hub
from edge.push.stream.sse import EventStream
from edge.push.stream.websocket import SocketStream, upgrade_required


def build_app(hub: Hub, store: Store, health: Health) -> Starlette:
    """Everything that is served. A path with a slash too many is another path: 404."""
    page = StaticFiles()
    app = Starlette(
        routes=[
            Route("/", page.page),
            Route("/static/{name}", page.file),
            Route("/healthz", health.healthz),
            Route("/metrics", health.metrics),
            Route("/api/v0/events", EventStream(hub, store), methods=["GET"]),
            Route("/api/v0/ws/shot", upgrade_required, methods=["GET"]),
            WebSocketRoute("/api/v0/ws/shot", SocketStream(hub, store)),
            *api_routes(store),
        ],
        exception_handlers={
            404: _no_route,
            405: _no_route,
            Refusal: _refused,
            DatabaseAwayError: _database_away,
            Exception: _broken,
        },
    )
    app.router.redirect_slashes = False
    return app


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    extra = error.headers if isinstance(error, HTTPException) else None
    path, method = request.url.path, request.method
    if status == 405:
        problem = Problem("method_not_allowed", f"{path} does not take {method}")
    else:
        problem = Problem("not_found", f"there is nothing at {path}")
    return refusal(status, [problem], dict(extra or {}))


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return refusal(error.status, error.problems, error.headers)


async def _database_away(_: Request, error: Exception) -> Response:
    message = f"the database does not answer ({error}); the question can be repeated as soon as /healthz says ok"
    return refusal(503, [Problem("database_away", message)], {"retry-after": "2"})


async def _broken(_: Request, __: Exception) -> Response:
    """A fault of ours: its traceback goes to the log, and no word of it to the client."""
    return refusal(500, [Problem("internal_error", "this is a fault of the server; its log tells more")])
