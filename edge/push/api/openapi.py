"""The OpenAPI 3.1 document, made from the operations and the models that validate their requests."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from edge.common.bounds import LARGEST_INT
from edge.push.api.dispatch import OPERATOR_HEADER
from edge.push.api.operation import JSON, PREFIX, AnyOperation, PathKind, Tag

Json = dict[str, Any]
_Mode = Literal["validation", "serialization"]

_REFERENCE: Final = "#/components/schemas/{model}"
_COMMON_ERRORS: Final[Mapping[int, str]] = {
    422: "A parameter or a member of the body is wrong; `errors` and `detail` name each.",
    429: "Too many connections of one address.",
    503: "The database does not answer, or `busy`: other requests use all connections to it. `Retry-After` says when to try again.",
}
_CHANGE_ERRORS: Final[Mapping[int, str]] = {
    400: "If-Match is no list of entity tags, or the operation changes no row that has one.",
    401: "From another machine without the operator token, or with a wrong one.",
    403: "From the page of another site, or the hub has no operator token.",
    409: "The state of things does not allow it, or another change is going on.",
}
_BODY_ERRORS: Final[Mapping[int, str]] = {
    413: "The body is above 64 kB.",
    415: "The body is not `application/json`.",
}
_TAGS: Final[Mapping[Tag, str]] = {
    Tag.SESSION: "Sessions of a lane, from open to close.",
    Tag.ARCHER: "Archers, by name alone.",
    Tag.SLOT: "Places at a butt: who shoots at which face with which bow.",
    Tag.TARGET: "The butt of a session.",
    Tag.FACE: "The faces on a butt.",
    Tag.ARROW: "Arrows and their tags.",
    Tag.SHOT: "Shots, which come from the sensors alone, and judges' decisions about them.",
    Tag.ORPHAN: "Landings that no release explains.",
    Tag.DEVICE: "Sensors and their state.",
    Tag.CALIBRATION: "Calibrations of sensors.",
    Tag.COMMAND: "Commands to devices.",
    Tag.STATISTICS: "Groups, averages and bests.",
    Tag.EXPORT: "Sessions as files, as pages to print, and past ones with their totals.",
    Tag.PAPER: "Ends on paper, as a second scorer called them.",
    Tag.LIVE: "Everything that the live page shows.",
    Tag.EVENTS: "The feed of changes.",
}


class Problem(BaseModel):
    """One error: a stable code for programs and a sentence for people."""

    model_config = ConfigDict(extra="forbid")

    code: str
    message: str
    loc: list[str] | None = None
    """Where in the request, such as `["body", "location"]`."""
    hint: str | None = None
    """Next step of the client."""


class Place(BaseModel):
    """The place of an error in a request (422)."""

    model_config = ConfigDict(extra="forbid")

    type: str
    loc: list[str]
    msg: str


def openapi_document(operations: Sequence[AnyOperation], version: str) -> Json:
    """Return the document."""
    adapters: list[tuple[str, _Mode, TypeAdapter[Any]]] = [
        (key, "validation", TypeAdapter(type_)) for key, type_ in _types(operations)
    ]
    schemas, shared = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE)
    by_key = {key: schema for (key, _), schema in schemas.items()}
    paths: dict[str, Json] = {}
    for one in sorted(operations, key=lambda one: (list(Tag).index(one.tag), one.path, one.method)):
        item = paths.setdefault(PREFIX + one.path, {})
        item[one.method.lower()] = _operation(one, by_key, shared.get("$defs", {}))
    components = copy.deepcopy(shared.get("$defs", {}))
    components |= {"Problem": by_key["Problem"], "Place": by_key["Place"], "ErrorEnvelope": _error_envelope()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Arch-Stats edge",
            "version": version,
            "description": "Sessions, arrows and shots of an archery range. Every answer is the envelope "
            "`{code, data, errors}`; reading needs nothing, changes from another machine need the operator token.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": text} for tag, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"operator": {"type": "http", "scheme": "bearer"}},
        },
    }


def _types(operations: Sequence[AnyOperation]) -> Iterator[tuple[str, Any]]:
    """Yield each type of a request or an answer once, with its key."""
    found: dict[str, Any] = {"Problem": Problem, "Place": Place}
    for one in operations:
        found[f"query {one.query.__name__}"] = one.query
        found[f"body {one.body.__name__}"] = one.body
        if one.media_type == JSON:
            found[f"data {one.method} {one.path}"] = one.data
    yield from found.items()


def _operation(one: AnyOperation, schemas: Mapping[str, Json], shared: Mapping[str, Json]) -> Json:
    documented: Json = {
        "operationId": _operation_id(one),
        "tags": [one.tag],
        "summary": one.summary,
        "parameters": [
            *_path_parameters(one),
            *_query_parameters(schemas[f"query {one.query.__name__}"], shared),
            *_header_parameters(one),
        ],
        "responses": _responses(one, schemas),
    }
    if one.has_body:
        schema = schemas[f"body {one.body.__name__}"]
        documented["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if one.is_change:
        documented["security"] = [{}, {"operator": []}]
    return documented


def _operation_id(one: AnyOperation) -> str:
    words = [part.strip("{}").replace("-", "_").replace(".", "_") for part in one.path.split("/") if part]
    return "_".join([one.method.lower(), *words])


def _path_parameters(one: AnyOperation) -> list[Json]:
    schema: Mapping[PathKind, Json] = {
        PathKind.UUID: {"type": "string", "format": "uuid"},
        PathKind.NUMBER: {"type": "integer", "minimum": 1, "maximum": LARGEST_INT},
        PathKind.NAME: {"type": "string", "minLength": 1, "maxLength": 200},
    }
    names = [part.strip("{}") for part in one.path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": schema[one.id_kind]} for name in names]


def _query_parameters(schema: Json, shared: Mapping[str, Json]) -> list[Json]:
    if "$ref" in schema:
        schema = shared[schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(one)}
        for name, one in schema.get("properties", {}).items()
    ]


def _without_null(schema: Json) -> Json:
    """Return the schema of a parameter: one that is left out is no null."""
    kept = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    kinds = [one for one in kept.get("anyOf", []) if one.get("type") != "null"]
    if len(kinds) == 1:
        kept.pop("anyOf")
        return {**kinds[0], **kept}
    return kept | ({"anyOf": kinds} if kinds else {})


def _header_parameters(one: AnyOperation) -> list[Json]:
    found: list[Json] = []
    if one.is_change:
        found.append(
            {
                "name": OPERATOR_HEADER,
                "in": "header",
                "description": "Name of the operator, percent-encoded; kept with the change.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 1200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
            }
        )
    if one.is_change and one.has_etag:
        found.append(
            {
                "name": "if-match",
                "in": "header",
                "description": "ETag of the row as it was read: 412 with what changed when it is another one now.",
                "schema": {"type": "string", "pattern": r'^(\*|"[0-9a-f.]{1,300}")$'},
            }
        )
    return found


def _responses(one: AnyOperation, schemas: Mapping[str, Json]) -> Json:
    errors = dict(_COMMON_ERRORS)
    if "{" in one.path:
        errors[404] = "It does not exist."
    if one.is_change:
        errors |= _CHANGE_ERRORS
    if one.has_body:
        errors |= _BODY_ERRORS
    if one.is_change and one.has_etag:
        errors[412] = "The row was changed meanwhile; `data` shows it as it is now."
    errors |= one.errors
    responses: Json = {str(one.status): _success(one, schemas)}
    for status, description in sorted(errors.items()):
        content = {JSON: {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}}}
        responses[str(status)] = {"description": description, "content": content}
    return responses


def _success(one: AnyOperation, schemas: Mapping[str, Json]) -> Json:
    documented: Json = {"description": HTTPStatus(one.status).phrase}
    if one.status != HTTPStatus.NO_CONTENT:
        schema = (
            _envelope(one.status, schemas[f"data {one.method} {one.path}"])
            if one.media_type == JSON
            else {"type": "string"}
        )
        documented["content"] = {one.media_type: {"schema": schema}}
    names = {"etag": one.has_etag and one.method in ("GET", "PATCH"), "link": one.is_paged}
    if any(names.values()):
        documented["headers"] = {name: {"schema": {"type": "string"}} for name, is_sent in names.items() if is_sent}
    return documented


def _envelope(status: int, data: Json) -> Json:
    return {
        "type": "object",
        "properties": {
            "code": {"const": status},
            "data": data,
            "errors": {"type": "array", "maxItems": 0, "items": {"$ref": "#/components/schemas/Problem"}},
        },
        "required": ["code", "data", "errors"],
        "additionalProperties": False,
    }


def _error_envelope() -> Json:
    return {
        "type": "object",
        "properties": {
            "code": {"type": "integer", "minimum": 400, "maximum": 599},
            "data": {"description": "Null; with 412 the row as it is now."},
            "errors": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Problem"}},
            "detail": {"type": "array", "items": {"$ref": "#/components/schemas/Place"}},
        },
        "required": ["code", "data", "errors"],
        "additionalProperties": False,
    }
