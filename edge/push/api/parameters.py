"""Query parameters and bodies of requests: what every model of one has in common, and the types of their fields.

An unknown or repeated parameter is an error, and so is a value of another type than the one that is written: ``"yes"`` is no
boolean and ``1735725600`` no instant.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from starlette.requests import HTTPConnection

from edge.common.bounds import LARGEST_INT, storable_instant, storable_text
from edge.push.http.envelope import ApiError, RequestRejected

NO_NUL: Final = r"^[^\x00]*$"
"""Pattern of texts that PostgreSQL stores."""
NIL: Final = UUID(int=0)


def _is_written_out(value: object) -> object:
    """Reject a bare number, which pydantic would read as seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and "-" not in value):
        raise ValueError("write the time with date and offset from UTC, like 2026-01-01T10:00:00Z")
    return value


def _is_in_millimetres(metres: float) -> float:
    if metres != round(metres, 3):
        raise ValueError("a distance has whole millimetres, like 18.288")
    return metres


def _is_no_nil(value: UUID) -> UUID:
    if value == NIL:
        raise ValueError("the nil UUID names nothing")
    return value


def _boolean_word(value: object) -> object:
    """Return the boolean of ``true`` and ``false``, and every other value as it is."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Instant = Annotated[
    AwareDatetime,
    Field(strict=False),  # the check before it hands on a text, which is no instant of a strict body
    BeforeValidator(_is_written_out),
    AfterValidator(storable_instant),
]
Text = Annotated[str, Field(max_length=255), AfterValidator(storable_text)]
Reason = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S"), AfterValidator(storable_text)]
"""Why something was decided; it is kept."""
Lane = Annotated[int, Field(ge=1, le=999_999)]
"""At a centre the thousands are the number of the lane's hub."""
OwnLane = Annotated[int, Field(ge=1, le=999)]
"""A lane of this hub."""
Millimetres = Annotated[float, Field(allow_inf_nan=False)]
Side = Annotated[float, Field(gt=0, lt=100_000)]
"""Width or height of a butt, millimetres."""
Metres = Annotated[
    float, Field(ge=1, lt=1000, description="Metres, in whole millimetres."), AfterValidator(_is_in_millimetres)
]
"""Distance to a target, kept to the millimetre."""
ArrowsPerEnd = Annotated[int, Field(ge=1, le=72)]
SighterEnds = Annotated[int, Field(ge=0, le=99)]
"""Number of ends at the beginning that count in no total."""
Flag = Annotated[bool, Field(strict=True), BeforeValidator(_boolean_word)]
"""A boolean parameter: ``true`` or ``false`` and no other word."""
Null = Literal["null"]
"""The word by which a filter asks for rows without a value."""
NewId = Annotated[UUID, AfterValidator(_is_no_nil)]
Limit = Annotated[int, Field(ge=1, le=1000, description="Most rows of one answer.")]
After = Annotated[
    UUID, Field(description="Id of the last row of the answer before; the header Link holds the next one.")
]
Offset = Annotated[int, Field(ge=0, le=LARGEST_INT)]


class Query(BaseModel):
    """Query parameters. Unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class NoParams(Query):
    """For paths without parameters."""


class LaneParams(Query):
    """``lane``, for paths that have a sensible answer without it."""

    lane: Lane | None = None


class OneLaneParams(Query):
    """``lane``, 1 by default."""

    lane: Lane = 1


class EventParams(Query):
    """Parameters of ``/events`` and ``/ws/shot``."""

    since: Annotated[str, Field(max_length=100)] | None = None
    lane: Lane | None = None


class Body(BaseModel):
    """The JSON object of a request. Unknown members are errors, and no value is converted from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


class EmptyBody(Body):
    """For operations without a body."""


class WithReason(Body):
    """A decision with its reason."""

    reason: Reason


class Answer(BaseModel):
    """An object of an answer, with exactly these members."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


def left_out() -> Any:
    """Return the default of a member that a change may leave out; :attr:`edge.push.api.operation.Call.given` has only those given.

    Null is a value like any other, so a member whose type has no null refuses it.
    """
    return Field(default=None, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=Body)


def parse_query(request: HTTPConnection, model: type[Q]) -> Q:
    """Return the request's parameters as ``model``. Raises RequestRejected (422) that names each wrong one."""
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        error = ApiError("invalid_encoding", "the parameters are not valid UTF-8", ("query",))
        raise RequestRejected(422, (error,)) from None
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


def parse_body(content: bytes, model: type[B]) -> B:
    """Return the JSON of a body as ``model``. Raises RequestRejected (422) that names each wrong member.

    A whole number may be written with a fraction of zero, ``6.0``: in JSON Schema it is an integer.
    """
    _refuse_doubled(content)
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        if any(one["type"] == "int_type" and _is_whole(one["input"]) for one in error.errors()):
            return parse_body(json.dumps(_with_integers(json.loads(content))).encode(), model)
        raise RequestRejected(422, tuple(_errors(error, "body", model))) from None


def _refuse_doubled(content: bytes) -> None:
    """Raise RequestRejected (422) for an object that names a member twice: which one counts, no two programs agree on."""
    doubled: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        doubled.extend(sorted({name for name in names if names.count(name) > 1}))

    with suppress(ValueError, RecursionError):  # what is no JSON is refused with the model
        json.loads(content.decode(), object_pairs_hook=members)
    if doubled:
        errors = (
            ApiError("doubled", f"{name[:100]!r} is given more than once", ("body", name[:100]))
            for name in doubled[:10]
        )
        raise RequestRejected(422, tuple(errors))


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def _with_integers(value: object) -> object:
    """Return a JSON value in which every whole number is an integer."""
    if isinstance(value, dict):
        return {name: _with_integers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_integers(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _errors(error: ValidationError, where: str, model: type[BaseModel]) -> list[ApiError]:
    """Return one entry per validation error; that of an unknown parameter lists the known ones."""
    errors: dict[tuple[str, ...], ApiError] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        message, parts = one["msg"].removeprefix("Value error, "), one["loc"]
        if where == "query":
            parts = parts[:1]  # the rest names the kinds of value that it might be
        if one["type"] == "extra_forbidden":
            known = ", ".join(model.model_fields) or "none"
            kind = "parameter" if where == "query" else "member"
            message = f"unknown {kind}; known here: {known}"
        elif one["type"] == "json_invalid":
            message = "the body is not valid JSON"
        loc = (where, *(str(part) for part in parts))
        errors[loc] = ApiError(one["type"], message, loc)  # of several kinds the last one is not the word null
    return list(errors.values())
