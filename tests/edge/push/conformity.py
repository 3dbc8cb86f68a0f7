"""Every answer of the API that a test receives is compared with the document: its status, envelope and data."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, cast

import httpx
from pydantic import TypeAdapter

from edge.push.api.openapi import openapi_document
from edge.push.api.operation import JSON, PREFIX, AnyOperation, Api
from edge.push.api.resources import all_operations
from edge.push.http.read_pool import ReadPool
from edge.push.http.write_pool import WritePool

EVERYWHERE = {400, 405, 408, 421, 426, 429, 431, 503}
"""Statuses of requests that reach no operation."""


async def check_answer(response: httpx.Response) -> None:
    """Fail unless the answer is one that the document describes."""
    path = response.request.url.path
    if not path.startswith(PREFIX) or response.request.method == "OPTIONS" or path.endswith("/events"):
        return
    await response.aread()
    method = "GET" if response.request.method == "HEAD" else response.request.method
    operation = _find(method, path.removeprefix(PREFIX))
    status = response.status_code
    if operation is None:
        assert status in EVERYWHERE | {403, 404}, f"{method} {path}: {status}"
    else:
        documented = {int(one) for one in _document()["paths"][PREFIX + operation.path][method.lower()]["responses"]}
        assert status in documented | EVERYWHERE, (
            f"{method} {operation.path} does not document {status}: {response.text}"
        )
    if response.request.method == "HEAD" or status in (204, 304):
        assert response.content == b""
    elif operation is None or status != operation.status or operation.media_type == JSON:
        _check_envelope(response, operation)


def _check_envelope(response: httpx.Response, operation: AnyOperation | None) -> None:
    assert response.headers["content-type"] == JSON
    envelope = response.json()
    status = response.status_code
    assert envelope["code"] == status
    keys = {"code", "data", "errors"} | ({"detail"} if status == 422 else set())
    assert set(envelope) == keys
    if status >= 400:
        assert envelope["errors"], response.text
        for one in envelope["errors"]:
            assert set(one) <= {"code", "message", "loc", "hint"}
            assert not re.search(r"asyncpg|Traceback|select |insert into|<class|object at 0x", one["message"]), one
    elif operation is not None and status == operation.status:
        assert envelope["errors"] == []
        _adapter(operation.method, operation.path).validate_python(envelope["data"])


@cache
def _operations() -> tuple[AnyOperation, ...]:
    api = Api(cast("ReadPool", None), cast("WritePool", None), cast("WritePool", None))  # handlers are not called
    return tuple(all_operations(api))


@cache
def _document() -> dict[str, Any]:
    return openapi_document(_operations(), "0")


@cache
def _adapter(method: str, path: str) -> TypeAdapter[Any]:
    data: Any = next(one.data for one in _operations() if (one.method, one.path) == (method, path))
    return TypeAdapter(data)


def _find(method: str, path: str) -> AnyOperation | None:
    """The operation of a request; a path without parameters precedes."""
    for one in sorted(_operations(), key=lambda one: "{" in one.path):
        if one.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", one.path), path):
            return one
    return None
