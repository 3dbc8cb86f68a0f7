"""Operations of the API: one method of one path, with the models that validate its requests and describe its answers.

Routes, ``OPTIONS``, the checks of each request and the OpenAPI document are all made from the same list of operations, so none
of them can differ from the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from edge.push.api.etag import IfMatch
from edge.push.api.parameters import B, Body, EmptyBody, NoParams, Q, Query

if TYPE_CHECKING:
    from edge.push.http.read_pool import ReadPool
    from edge.push.http.write_pool import WritePool

PREFIX: Final = "/api/v0"
JSON: Final = "application/json"


class Tag(StrEnum):
    """Group of operations in the documentation, by resource."""

    SESSION = "session"
    ARCHER = "archer"
    SLOT = "slot"
    TARGET = "target"
    FACE = "face"
    ARROW = "arrow"
    SHOT = "shot"
    ORPHAN = "orphan"
    DEVICE = "device"
    CALIBRATION = "calibration"
    COMMAND = "command"
    EXPORT = "export"
    PAPER = "paper"
    STATISTICS = "statistics"
    LIVE = "live"
    EVENTS = "events"


class PathKind(StrEnum):
    """Type of a parameter in a path."""

    UUID = "uuid"
    NUMBER = "number"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Api:
    """Access to the database for the resources."""

    reading: ReadPool
    writing: WritePool
    long: WritePool
    """For work that waits for a device on its connection."""
    static: str = "static/"
    """Address of the page's files, relative to the root of the service."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One request, validated."""

    request: Request
    query: Q
    body: B
    path: Mapping[str, UUID | int | str]
    who: str
    """Name of the operator, for the record of what is changed."""
    if_match: IfMatch | None
    """Condition of a change; None without one."""

    @property
    def id(self) -> UUID:
        """The ``{id}`` of the path, where it is a UUID."""
        found = self.path["id"]
        if not isinstance(found, UUID):
            raise TypeError("the id of this path is no UUID")
        return found

    @property
    def number(self) -> int:
        """The ``{id}`` of the path, where it is a number."""
        found = self.path["id"]
        if not isinstance(found, int):
            raise TypeError("the id of this path is no number")
        return found

    @property
    def name(self) -> str:
        """The ``{id}`` of the path, where it is a name."""
        return str(self.path["id"])

    @property
    def given(self) -> dict[str, object]:
        """The members that the body names, those with null included."""
        return {name: getattr(self.body, name) for name in self.body.model_fields_set}


@dataclass(frozen=True, slots=True)
class Operation(Generic[Q, B]):
    """One method of one path."""

    method: str
    path: str
    """Below the prefix, with parameters like ``/session/{id}``."""
    tag: Tag
    summary: str
    handler: Callable[[Call[Q, B]], Awaitable[Response]]
    query: type[Q]
    body: type[B]
    data: object = None
    """Type of ``data`` in the answer; None for null, and for answers without a body."""
    status: int = 200
    errors: Mapping[int, str] = field(default_factory=dict)
    """Statuses that this operation may answer beyond those that its kind always may, with their cause."""
    id_kind: PathKind = PathKind.UUID
    has_etag: bool = False
    """The answer has an ETag, or the change takes If-Match."""
    is_paged: bool = False
    media_type: str = JSON
    stream: ASGIApp | None = None
    """Application that answers in place of the handler, with a stream that does not end."""

    @property
    def has_body(self) -> bool:
        """Whether requests have a body."""
        return self.body is not EmptyBody

    @property
    def is_change(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"


AnyOperation: TypeAlias = Operation[Any, Any]
"""An operation of a list; its handler gets the models that it names itself."""


def get(
    path: str,
    tag: Tag,
    summary: str,
    handler: Callable[[Call[Q, EmptyBody]], Awaitable[Response]],
    query: type[Q],
    **more: Any,
) -> Operation[Q, EmptyBody]:
    """Return a reading operation."""
    return Operation("GET", path, tag, summary, handler, query, EmptyBody, **more)


def change(
    method: str,
    path: str,
    tag: Tag,
    summary: str,
    handler: Callable[[Call[NoParams, B]], Awaitable[Response]],
    body: type[B],
    **more: Any,
) -> Operation[NoParams, B]:
    """Return a changing operation without query parameters."""
    return Operation(method, path, tag, summary, handler, NoParams, body, **more)


__all__ = [
    "JSON", "PREFIX", "AnyOperation", "Api", "Body", "Call", "EmptyBody", "NoParams", "Operation", "PathKind", "Query", "Tag",
    "change", "get",
]  # fmt: skip
