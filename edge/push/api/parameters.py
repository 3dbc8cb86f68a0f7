"""What may be asked: one model for each path, in which an unknown or doubled parameter is an error."""

from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import HTTPConnection, Request

from edge.push.http.envelope import Problem, Refusal


def _is_written_out(value: object) -> object:
    """A bare number is no instant: pydantic would take it for seconds since 1970."""
    if isinstance(value, str) and "-" not in value:
        raise ValueError("write the time out, with its offset from UTC, like 2026-01-01T10:00:00Z")
    return value


def _has_no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("a NUL character cannot be stored, so nothing can match it")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]
Text = Annotated[str, Field(max_length=255), AfterValidator(_has_no_nul)]
Lane = Annotated[int, Field(ge=1, le=999)]
Millimetres = Annotated[float, Field(allow_inf_nan=False)]


class Question(BaseModel):
    """Query parameters: nothing unknown is ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Question):
    """For paths that take no parameter."""


class OfLane(Question):
    """``lane``, where the path has a sensible answer without it."""

    lane: Lane | None = None


class OfOneLane(Question):
    """``lane``, the first one unless told."""

    lane: Lane = 1


class Sessions(Question):
    """Filters of ``/session``: all given ones must hold, by equality."""

    id: UUID | None = None
    is_opened: bool | None = None
    is_indoor: bool | None = None
    location: Text | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None
    lane: Lane | None = None


class Shots(Question):
    """Filters of ``/shot``: all given ones must hold, by equality; ``limit`` and ``offset`` page."""

    id: UUID | None = None
    arrow_id: UUID | None = None
    session_id: UUID | None = None
    arrow_engage_time: Instant | None = None
    arrow_disengage_time: Instant | None = None
    arrow_landing_time: Instant | None = None
    x: Millimetres | None = None
    y: Millimetres | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0


class EventsFrom(Question):
    """Parameters of ``/events`` and ``/ws/shot``."""

    since: Annotated[str, Field(max_length=100)] | None = None
    lane: Lane | None = None


Q = TypeVar("Q", bound=Question)


def ask(request: HTTPConnection, model: type[Q]) -> Q:
    """The request's parameters as ``model``. Raises Refusal (422) that names each one that is wrong."""
    given = request.query_params.multi_items()
    doubled = {name for name, _ in given if [other for other, _ in given].count(name) > 1}
    if doubled:
        raise Refusal(
            422,
            tuple(Problem("doubled", f"{name} is given more than once", ("query", name)) for name in sorted(doubled)),
        )
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise Refusal(422, tuple(_problems(error, "query", model))) from None


def path_id(request: Request) -> UUID:
    """The ``{id}`` of the path. Raises Refusal (422) when it is no UUID."""
    given = request.path_params["id"]
    try:
        return UUID(given)
    except ValueError:
        problem = Problem("uuid_parsing", f"{given!r} is not a UUID", ("path", "id"))
        raise Refusal(422, (problem,)) from None


def _problems(error: ValidationError, where: str, model: type[BaseModel]) -> list[Problem]:
    """One problem an error; an unknown parameter is told which ones there are."""
    told = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        message = one["msg"]
        if one["type"] == "extra_forbidden":
            known = ", ".join(model.model_fields) or "none"
            message = f"there is no such parameter; this path takes: {known}"
        told.append(Problem(one["type"], message, (where, *(str(part) for part in one["loc"]))))
    return told
