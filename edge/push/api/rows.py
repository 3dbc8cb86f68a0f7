"""Answers from rows: PostgreSQL writes their JSON, so that every value arrives as it is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, get_args
from urllib.parse import urlencode

from starlette.responses import Response

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode
from edge.push.api.etag import etag_of
from edge.push.api.operation import Call
from edge.push.api.parameters import B, Null, Q, Query
from edge.push.http.content import compressed
from edge.push.http.envelope import data_response, headers, reject
from edge.push.http.read_pool import TIMEOUT_S, ReadPool

CREATED: Final = 201
ACCEPTED: Final = 202


async def page(
    pool: ReadPool, call: Call[Q, B], select: str, arguments: list[object], limit: int, source: str
) -> Response:
    """Return the answer to a list: at most ``limit`` rows of ``select``, whose first column is the id that ``after`` takes.

    ``select`` has its order, and no limit. ``source`` is the table of the rows. The header Link leads to the next page, if there
    is one. Raises RequestRejected (422) when ``after`` names no row: the list would seem to end there.
    """
    after = getattr(call.query, "after", None)
    query = f"select row_to_json(answer)::text, answer.id::text from ({select} limit ${len(arguments) + 1}) answer"
    async with pool.connection() as connection:
        if after is not None and not await connection.fetchval(
            f"select exists (select from {source} where id = $1)", after, timeout=TIMEOUT_S
        ):
            message = "after names no row: it was deleted or never was; begin the list again"
            raise reject(422, ErrorCode.INVALID_VALUE, message, "query", "after")
        found = await connection.fetch(query, *arguments, limit + 1, timeout=TIMEOUT_S)
    response = data_response("[" + ",".join(one[0] for one in found[:limit]) + "]")
    if len(found) > limit:
        given = [(name, value) for name, value in call.request.query_params.multi_items() if name != "after"]
        following = urlencode([*given, ("after", found[limit - 1][1])])
        response.headers["link"] = f'<{call.request.url.path}?{following}>; rel="next"'
    return compressed(call.request, response)


def rows(select: str) -> str:
    """Return a query for the rows of ``select`` as one JSON list."""
    return f"select coalesce(json_agg(answer), '[]')::text from ({select}) answer"


def conditions(expressions: Mapping[str, str], given: Query, arguments: list[object]) -> str:
    """Return the conditions of the given filters, each with ``and`` before it, and append their values to ``arguments``.

    Only given filters are in the statement: one that might be empty would keep PostgreSQL from using its index. The word
    ``null`` asks for rows without a value.
    """
    found = []
    for name, expression in expressions.items():
        value = getattr(given, name)
        if value is None:
            continue
        if value == "null" and Null in get_args(type(given).model_fields[name].annotation):
            found.append(f" and {expression} is null")
            continue
        arguments.append(value)
        found.append(f" and {expression} = ${len(arguments)}")
    return "".join(found)


def one_row(row_json: str | None, kind: str, wanted: object, tag: str | None = None) -> Response:
    """Return the answer to one row, with its entity tag. Raises RequestRejected (404) when it does not exist."""
    if row_json is None:
        raise missing(kind, wanted)
    response = data_response(row_json)
    response.headers["etag"] = tag or etag_of(json.loads(row_json))
    return response


def part_of_row(row_json: str | None, keys: Sequence[str], kind: str, wanted: object) -> Response:
    """Return the answer to some members of one row, with the entity tag of all of them: other paths show and change the rest."""
    if row_json is None:
        raise missing(kind, wanted)
    row = json.loads(row_json)
    response = data_response(json.dumps({key: row[key] for key in keys}))
    response.headers["etag"] = etag_of(row)
    return response


def expected(call: Call[Q, B]) -> Callable[[str], None] | None:
    """Return the condition of a change for the functions of :mod:`edge.operator`; None where any row will do."""
    condition = call.if_match
    return None if condition is None or "*" in condition.tags else condition.require


async def row_of(connection: Connection, select: str, *arguments: object) -> str | None:
    """Return the only row of ``select`` as a JSON object; None without one."""
    found: str | None = await connection.fetchval(
        f"select row_to_json(answer)::text from ({select}) answer",
        *arguments,
        timeout=TIMEOUT_S,
    )
    return found


def missing(kind: str, wanted: object) -> Exception:
    """Return the error (404) for a row that does not exist."""
    return reject(404, "not_found", f"{kind} {wanted} does not exist", "path", "id")


def created(new_id: object, path: str | None = None) -> Response:
    """Return the answer to a row that was created: its id, and its address under ``Location``."""
    response = data_response(json.dumps(str(new_id)), CREATED)
    if path is not None:
        response.headers["location"] = path
    return response


def accepted(data: Mapping[str, object] | None = None, row_json: str | None = None) -> Response:
    """Return the answer to a change that was made or requested; with the entity tag of the row as the change left it, if given."""
    response = data_response(json.dumps(data), ACCEPTED)
    if row_json is not None:
        response.headers["etag"] = etag_of(json.loads(row_json))
    return response


def deleted() -> Response:
    """Return the answer to a deletion, which has no body."""
    return Response(status_code=204, headers=headers())
