"""``/orphan``: landings that no release explains, and what judges decide about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime
from starlette.responses import Response

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import OrphanStatus
from edge.operator.orphans import ORPHANS, Orphan, assign_orphan, find_orphan, reopen_orphan, void_orphan
from edge.operator.shots import find_shot
from edge.push.api.judging import PENDING, Decided, decide, decided
from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import After, Answer, B, Lane, Limit, Q, Query, WithReason
from edge.push.api.rows import conditions, one_row, page, row_of

_SELECT: Final = f"select id, session_id, lane, status, shot_id, at, x, y, tag, human_identifier from ({ORPHANS}) found"
_FILTERS: Final = {"lane": "lane", "session_id": "session_id", "status": "status"}
"""Expression of each filter."""


class Landing(Answer):
    """A landing that is or was an orphan."""

    id: UUID
    session_id: UUID
    lane: int
    status: OrphanStatus
    shot_id: UUID | None
    """The shot that it was assigned to."""
    at: AwareDatetime
    x: float | None
    """Millimetres from the left edge of the butt."""
    y: float | None
    tag: str | None
    human_identifier: str | None
    """Label of the arrow with this tag."""


class OrphanParams(Query):
    """Filters of ``/orphan``, compared for equality; all given ones must match."""

    lane: Lane | None = None
    session_id: UUID | None = None
    status: OrphanStatus | None = None
    limit: Limit = 1000
    after: After | None = None


class AssignBody(WithReason):
    """The shot that made a landing; null for a shot of its own, whose release no bow sensor detected."""

    shot_id: UUID | None


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on landings."""
    return [*_reading(api), *_judging(api)]


def _reading(api: Api) -> list[AnyOperation]:
    async def find(call: Call[OrphanParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(_FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += (
                f" and (at, id) > (select last.at, last.id from ({ORPHANS}) last where last.id = ${len(arguments)})"
            )
        select = f"{_SELECT} where true{where} order by at, id"
        return await page(api.reading, call, select, arguments, call.query.limit, f"({ORPHANS}) found")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"{_SELECT} where id = $1", call.id)
        return one_row(found, "orphan", call.id)

    summary = "List landings that no release explains, oldest first; those that were settled too."
    return [
        get("/orphan", Tag.ORPHAN, summary, find, OrphanParams, data=list[Landing], is_paged=True),
        get("/orphan/{id}", Tag.ORPHAN, "Show such a landing.", show, NoParams, data=Landing, has_etag=True),
    ]


def _judging(api: Api) -> list[AnyOperation]:
    async def settled(call: Call[Q, B], record: Callable[[Connection, Orphan], Awaitable[None]]) -> Response:
        async def checked(connection: Connection, orphan: Orphan) -> None:
            if call.if_match is not None:
                call.if_match.require(await row_of(connection, f"{_SELECT} where id = $1", orphan.id) or "{}")
            await record(connection, orphan)

        done = await decide(
            api,
            call,
            lambda connection: find_orphan(connection, str(call.id)),
            lambda orphan: orphan.session_id,
            checked,
        )
        return decided(done=done)

    async def assign(call: Call[NoParams, AssignBody]) -> Response:
        async def record(connection: Connection, orphan: Orphan) -> None:
            wanted = call.body.shot_id
            shot = None if wanted is None else await find_shot(connection, str(wanted))
            await assign_orphan(connection, orphan, shot, call.who, call.body.reason)

        return await settled(call, record)

    async def dismiss(call: Call[NoParams, WithReason]) -> Response:
        return await settled(call, lambda db, orphan: void_orphan(db, orphan, call.who, call.body.reason))

    async def reopen(call: Call[NoParams, WithReason]) -> Response:
        return await settled(call, lambda db, orphan: reopen_orphan(db, orphan, call.who, call.body.reason))

    one = "/orphan/{id}"
    of_decision: dict[str, Any] = {"status": 202, "data": Decided, "has_etag": True, "errors": PENDING}
    return [
        change(
            "POST", f"{one}/assign", Tag.ORPHAN, "Give a landing to a shot, or make it a shot of its own.", assign,
            AssignBody, **of_decision,
        ),
        change(
            "POST", f"{one}/dismiss", Tag.ORPHAN, "Record that no arrow made this landing.", dismiss, WithReason,
            **of_decision,
        ),
        change(
            "POST", f"{one}/reopen", Tag.ORPHAN, "Take back all decisions about a landing.", reopen, WithReason,
            **of_decision,
        ),
    ]  # fmt: skip
