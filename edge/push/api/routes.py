"""The routes of the API with its documentation: everything below ``/api`` except the WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edge.push.api.dispatch import routes_of
from edge.push.api.docs_page import docs_page
from edge.push.api.openapi import openapi_document
from edge.push.api.operation import Api
from edge.push.api.resources import all_operations, events
from edge.push.http.access import Access
from edge.push.http.content import Content

_CHECKED = "no-cache"


def api_routes(api: Api, access: Access, stream: ASGIApp, version: str, stylesheet: str) -> list[Route]:
    """Return the routes. ``stream`` serves the feed of events. ``stylesheet`` is the address of the documentation's style sheet, relative to its page."""
    operations = [*all_operations(api), *events.operations(stream)]
    documentation = _Documentation(lambda: openapi_document(operations, version), stylesheet)
    return [
        *routes_of(operations, access),
        Route("/api/openapi.json", documentation.document, methods=["GET"]),
        Route("/api/docs", documentation.page, methods=["GET"]),
        Route("/api/swagger", documentation.page, methods=["GET"]),
    ]


class _Documentation:
    """The OpenAPI document and its page, made when they are first requested: a hub without that request never pays for it."""

    def __init__(self, make: Callable[[], dict[str, Any]], stylesheet: str) -> None:
        self._make = make
        self._stylesheet = stylesheet
        self._made: tuple[Content, Content] | None = None

    async def document(self, request: Request) -> Response:
        """``GET /api/openapi.json``."""
        return self._contents()[0].respond(request, _CHECKED)

    async def page(self, request: Request) -> Response:
        """``GET /api/docs``, and ``/api/swagger`` where the original has its own."""
        return self._contents()[1].respond(request, _CHECKED)

    def _contents(self) -> tuple[Content, Content]:
        if self._made is None:
            document = self._make()
            self._made = (
                Content(json.dumps(document, separators=(",", ":")).encode(), "application/json"),
                Content(docs_page(document, self._stylesheet), "text/html; charset=utf-8"),
            )
        return self._made
