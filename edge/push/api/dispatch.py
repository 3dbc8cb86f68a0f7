"""The way of a request to its operation: method, access, path, query, condition and body are checked in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from edge.common.bounds import LARGEST_INT
from edge.common.vocabulary import ErrorCode
from edge.push.api.etag import IfMatch
from edge.push.api.operation import JSON, PREFIX, AnyOperation, Call, EmptyBody, PathKind
from edge.push.api.parameters import Body, parse_body, parse_query
from edge.push.http.access import Access
from edge.push.http.envelope import ApiError, RequestRejected, error_response, headers, reject

MAX_BODY_BYTES: Final = 64 * 1024
"""Largest body of a request; a session with four archers and four faces has 2 kB."""
OPERATOR_HEADER: Final = "archstats-operator"
LONGEST_NAME: Final = 100
LONGEST_ID: Final = 200
"""Characters of the longest name of a device in a path."""


def routes_of(operations: Sequence[AnyOperation], access: Access) -> list[Route]:
    """Return one route for each path; those without a parameter first, so that ``/session/open`` is no id."""
    paths: dict[str, dict[str, AnyOperation]] = {}
    for one in operations:
        if one.method in paths.setdefault(one.path, {}):
            raise ValueError(f"{one.method} {one.path} is defined twice")
        paths[one.path][one.method] = one
    return [Route(PREFIX + path, Resource(paths[path], access)) for path in sorted(paths, key=_fixed_first)]


def _fixed_first(path: str) -> list[tuple[bool, str]]:
    return [("{" in part, part) for part in path.split("/")]


class Resource:
    """The operations of one path, as an ASGI application."""

    def __init__(self, operations: Mapping[str, AnyOperation], access: Access) -> None:
        self._operations = operations
        self._access = access
        reading = ("GET", "HEAD") if "GET" in operations else ()
        self._allow = ", ".join((*reading, *sorted(set(operations) - {"GET"}), "OPTIONS"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises RequestRejected for what the application answers in the envelope."""
        streaming = self._operations.get("GET")
        if streaming is not None and streaming.stream is not None and scope["method"] in ("GET", "HEAD"):
            await streaming.stream(scope, receive, send)
            return
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return Response(status_code=204, headers=headers({"allow": self._allow}))
        operation = self._operations.get(method)
        if operation is None:
            error = ApiError("method_not_allowed", f"{request.url.path} does not accept {request.method}")
            return error_response(405, [error], {"allow": self._allow})
        if operation.is_change:
            self._access.check_change(request)
        call = Call(
            request,
            query=parse_query(request, operation.query),
            path={name: _path_value(name, value, operation.id_kind) for name, value in request.path_params.items()},
            who=operator_of(request),
            if_match=_condition_of(request, operation),
            body=await _body_of(request, operation),
        )
        return await operation.handler(call)


def _condition_of(request: Request, operation: AnyOperation) -> IfMatch | None:
    """Return the condition of a change. Raises RequestRejected (400) for one that would not be compared with any row."""
    given = request.headers.getlist("if-match")
    if not given or not operation.is_change:
        return None
    if not operation.has_etag:
        message = f"{operation.method} {operation.path} changes no row that has an ETag, so it takes no If-Match"
        raise reject(400, "invalid_header", message, "header", "if-match")
    return IfMatch.parse(", ".join(given))


def operator_of(request: Request) -> str:
    """Return the operator's name, as the header gives it or by the address. Raises RequestRejected (422) for an unusable one."""
    given = request.headers.get(OPERATOR_HEADER)
    if given is None:
        return f"page of {request.client.host}" if request.client else "page"
    try:
        name = unquote(given, errors="strict").strip()
    except UnicodeDecodeError:
        name = ""
    if not (given.isascii() and 0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise reject(
            422,
            "invalid_operator",
            f"the operator's name is text of 1 to {LONGEST_NAME} characters, percent-encoded",
            "header",
            OPERATOR_HEADER,
        )
    return name


def _path_value(name: str, text: str, kind: PathKind) -> UUID | int | str:
    if kind is PathKind.NAME:
        if not 0 < len(text) <= LONGEST_ID or not text.isprintable():
            raise reject(
                422, ErrorCode.INVALID_VALUE, f"{name} is a name of up to {LONGEST_ID} characters", "path", name
            )
        return text
    if kind is PathKind.NUMBER:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST_INT):
            raise reject(422, "int_parsing", f"{name} is a whole number above 0", "path", name)
        return int(text)
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise reject(422, "uuid_parsing", f"{text[:100]!r} is not a UUID", "path", name)
    return found


async def _body_of(request: Request, operation: AnyOperation) -> Body:
    if operation.has_body:
        body: Body = parse_body(await _json_body(request, operation), operation.body)
        return body
    # The body of a reading request means nothing (RFC 9110, 9.3.1), and is not awaited.
    return await _empty_body(request) if operation.is_change else EmptyBody()


async def _json_body(request: Request, operation: AnyOperation) -> bytes:
    """Return the body. Raises RequestRejected for one that is no JSON (415) or too long (413)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        given = f"not {media_type[:100]!r}" if media_type else "named by the header Content-Type"
        message = f"{operation.method} {operation.path} takes {JSON}, {given}"
        raise reject(415, "unsupported_media_type", message, "header", "content-type")
    return await _read(request)


async def _empty_body(request: Request) -> EmptyBody:
    """Raise RequestRejected (422) when a request has a body that its operation does not take."""
    if (await _read(request)).strip() not in (b"", b"{}"):
        raise reject(422, "no_body", f"{request.method} {request.url.path} takes no body", "body")
    return EmptyBody()


async def _read(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    content = bytearray()
    if not length.isdigit() or int(length) <= MAX_BODY_BYTES:
        async for part in request.stream():
            content += part
            if len(content) > MAX_BODY_BYTES:
                break
        else:
            return bytes(content)
    message = f"the body is above {MAX_BODY_BYTES // 1024} kB"
    raise RequestRejected(413, (ApiError("body_too_large", message, ("body",)),), {"connection": "close"})
