"""The web application: its routes, and the envelope around every error."""

from __future__ import annotations

from dataclasses import replace

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edge.common.vocabulary import ErrorCode
from edge.push.api.operation import Api
from edge.push.api.routes import api_routes
from edge.push.health import Health
from edge.push.http.access import Access
from edge.push.http.admission import Admission
from edge.push.http.envelope import ApiError, RequestRejected, error_response
from edge.push.http.hosts import HostGuard, HostNames
from edge.push.http.read_pool import DatabaseAwayError, PoolBusyError
from edge.push.http.refusals import Refusals
from edge.push.http.static import StaticFiles
from edge.push.metrics.endpoint import Metrics
from edge.push.stream.hub import Hub
from edge.push.stream.sse import EventStream
from edge.push.stream.websocket import PATH, upgrade_required

API_DOCS_CSS = "api-docs.css"


def build_app(
    hub: Hub,
    api: Api,
    health: Health,
    metrics: Metrics,
    admission: Admission,
    refusals: Refusals,
    names: HostNames,
    access: Access,
    version: str,
) -> ASGIApp:
    """Return the application. A path with an additional slash at its end is another path: 404."""
    page = StaticFiles()

    async def no_route(request: Request, error: Exception) -> Response:
        response = _no_route(request, error)
        refusals.count_response(response.status_code)
        return response

    async def rejected(_: Request, error: Exception) -> Response:
        if not isinstance(error, RequestRejected):
            raise error
        refusals.count_response(error.status)
        return error_response(error.status, error.errors, error.headers, error.data_json)

    app = Starlette(
        routes=[
            Route("/", page.page),
            Route("/static/{version}/{path:path}", page.file),
            Route("/healthz", health.healthz),
            Route("/metrics", metrics.respond),
            Route(PATH, upgrade_required, methods=["GET"]),
            *api_routes(
                replace(api, static=f"static/{page.version}/"),
                access,
                EventStream(hub, api.reading, admission),
                version,
                f"../static/{page.version}/{API_DOCS_CSS}",
            ),
        ],
        exception_handlers={
            404: no_route,
            405: no_route,
            RequestRejected: rejected,
            DatabaseAwayError: _database_away,
            PoolBusyError: _busy,
            ClientDisconnect: _disconnected,
            Exception: _broken,
        },
    )
    app.router.redirect_slashes = False
    return HostGuard(app, names, refusals)


def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    extra = error.headers if isinstance(error, HTTPException) else None
    path, method = request.url.path, request.method
    if status == 405:
        entry = ApiError("method_not_allowed", f"{path} does not accept {method}")
    else:
        entry = ApiError("not_found", f"path {path} does not exist")
    return error_response(status, [entry], dict(extra or {}))


async def _database_away(_: Request, error: Exception) -> Response:
    message = f"the database does not answer ({error}); repeat the request once /healthz reports ok"
    return error_response(503, [ApiError("database_away", message)], {"retry-after": "2"})


async def _busy(_: Request, error: Exception) -> Response:
    return error_response(503, [ApiError(ErrorCode.BUSY, str(error))], {"retry-after": "1"})


async def _disconnected(_: Request, __: Exception) -> Response:
    """End a request whose client left, or was cut off, before its body was complete. The response reaches no client."""
    return error_response(400, [ApiError("disconnected", "the connection ended before the request was complete")])


async def _broken(_: Request, __: Exception) -> Response:
    """Hide a defect of the server from the client; its traceback goes to the log."""
    return error_response(500, [ApiError("internal_error", "the server has a defect; see its log")])
