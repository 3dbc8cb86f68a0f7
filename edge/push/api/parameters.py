"""The parameters of each path, one model per path, in which an unknown or repeated parameter is an error."""

from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import HTTPConnection, Request

from edge.common.bounds import LARGEST_INT, storable_instant, storable_text
from edge.push.http.envelope import ApiError, RequestRejected


def _is_written_out(value: object) -> object:
    """Reject a bare number, which pydantic would read as seconds since 1970."""
    if isinstance(value, str) and "-" not in value:
        raise ValueError("write the time with date and offset from UTC, like 2026-01-01T10:00:00Z")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_is_written_out), AfterValidator(storable_instant)]
Text = Annotated[str, Field(max_length=255), AfterValidator(storable_text)]
# At a centre the thousands are the number of the lane's hub.
Lane = Annotated[int, Field(ge=1, le=999_999)]
Millimetres = Annotated[float, Field(allow_inf_nan=False)]


class Query(BaseModel):
    """Query parameters. Unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParams(Query):
    """For paths without parameters."""


class LaneParams(Query):
    """``lane``, for paths that have a sensible answer without it."""

    lane: Lane | None = None


class OneLaneParams(Query):
    """``lane``, 1 by default."""

    lane: Lane = 1


class StatisticsParams(Query):
    """``lane`` or ``session``, for the statistics of a lane's last session or of one session."""

    lane: Lane | None = None
    session: UUID | None = None


class SessionParams(Query):
    """Filters of ``/session``, compared for equality; all given ones must match."""

    id: UUID | None = None
    is_opened: bool | None = None
    is_indoor: bool | None = None
    location: Text | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None
    lane: Lane | None = None


class ShotParams(Query):
    """Filters of ``/shot``, compared for equality; all given ones must match. ``limit`` and ``offset`` page."""

    id: UUID | None = None
    arrow_id: UUID | None = None
    session_id: UUID | None = None
    arrow_engage_time: Instant | None = None
    arrow_disengage_time: Instant | None = None
    arrow_landing_time: Instant | None = None
    x: Millimetres | None = None
    y: Millimetres | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    offset: Annotated[int, Field(ge=0, le=LARGEST_INT)] = 0


class EventParams(Query):
    """Parameters of ``/events`` and ``/ws/shot``."""

    since: Annotated[str, Field(max_length=100)] | None = None
    lane: Lane | None = None


Q = TypeVar("Q", bound=Query)


def parse_query(request: HTTPConnection, model: type[Q]) -> Q:
    """Return the request's parameters as ``model``. Raises RequestRejected (422) that names each wrong one."""
    given = request.query_params.multi_items()
    repeated = {name for name, _ in given if [other for other, _ in given].count(name) > 1}
    if repeated:
        raise RequestRejected(
            422,
            tuple(ApiError("doubled", f"{name} is given more than once", ("query", name)) for name in sorted(repeated)),
        )
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise RequestRejected(422, tuple(_errors(error, "query", model))) from None


def path_id(request: Request) -> UUID:
    """Return the ``{id}`` of the path. Raises RequestRejected (422) when it is no UUID."""
    given = request.path_params["id"]
    try:
        return UUID(given)
    except ValueError:
        error = ApiError("uuid_parsing", f"{given!r} is not a UUID", ("path", "id"))
        raise RequestRejected(422, (error,)) from None


def _errors(error: ValidationError, where: str, model: type[BaseModel]) -> list[ApiError]:
    """Return one entry per validation error; that of an unknown parameter lists the known ones."""
    errors = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        message = one["msg"]
        if one["type"] == "extra_forbidden":
            known = ", ".join(model.model_fields) or "none"
            message = f"unknown parameter; this path takes: {known}"
        errors.append(ApiError(one["type"], message, (where, *(str(part) for part in one["loc"]))))
    return errors
