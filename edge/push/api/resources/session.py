"""``/session``: sessions with the keys of the original, one by one."""

from __future__ import annotations

import json
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from starlette.responses import Response

from edge.common.vocabulary import SessionState
from edge.operator.records.locking import SESSION_ROW
from edge.operator.records.session_change import await_closing, change_session, close_session, mark_session_end
from edge.operator.records.sessions import BareSession, create_session, delete_session
from edge.push.api.operation import PREFIX, AnyOperation, Api, Body, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import (
    After,
    Answer,
    ArrowsPerEnd,
    Flag,
    Instant,
    Lane,
    Limit,
    Null,
    OneLaneParams,
    OwnLane,
    Query,
    SighterEnds,
    Text,
    left_out,
)
from edge.push.api.rows import accepted, conditions, created, deleted, expected, one_row, page, part_of_row, row_of
from edge.push.http.envelope import data_response

COLUMNS: Final = ("id", "is_opened", "start_time", "location", "is_indoor", "end_time")
"""Keys of a session of the original."""

FILTERS: Final = {name: name for name in (*COLUMNS, "lane")}
"""Expression of each filter."""


def _is_opened(value: bool) -> bool:
    if not value:
        raise ValueError("a new session is open; close it by PATCH")
    return value


Opened = Annotated[bool, AfterValidator(_is_opened), Field(json_schema_extra={"const": True})]


class Session(Answer):
    """A session of one lane."""

    id: UUID
    is_opened: bool
    start_time: AwareDatetime
    location: str
    is_indoor: bool
    end_time: AwareDatetime | None


class Settings(Session):
    """A session with everything that its shots are derived by."""

    lane: int
    arrows_per_end: int
    sighter_ends: int
    """Number of ends at the beginning that count in no total."""
    end_timeout_s: float
    closing_time: AwareDatetime | None
    """When closing was requested; the session is closed once its last arrows are decided."""
    rule_set: str
    rule_set_version: int


class Closing(Answer):
    """The state of a session whose closing was requested."""

    state: SessionState


class SessionParams(Query):
    """Filters of ``/session``, compared for equality; all given ones must match."""

    id: UUID | None = None
    is_opened: Flag | None = None
    is_indoor: Flag | None = None
    location: Text | None = None
    start_time: Instant | None = None
    end_time: Null | Instant | None = None
    lane: Lane | None = None
    limit: Limit = 1000
    after: After | None = None


class NewSessionBody(Body):
    """A session without a target; ``POST /session/open`` opens one with its butt, faces and archers."""

    is_opened: Opened
    start_time: Instant
    location: Text
    is_indoor: bool = False
    lane: OwnLane = 1
    arrows_per_end: ArrowsPerEnd = 6
    sighter_ends: SighterEnds = 0


class SessionBody(Body):
    """Values to change. Closing takes ``is_opened: false`` with an ``end_time``, opening again ``true`` with ``null``."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    is_opened: bool = left_out()
    is_indoor: bool = left_out()
    location: Text = left_out()
    start_time: Instant = left_out()
    end_time: Instant | None = left_out()
    arrows_per_end: ArrowsPerEnd = left_out()
    sighter_ends: SighterEnds = left_out()


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on sessions."""
    select = f"select {SESSION_ROW} from sessions"

    async def find(call: Call[SessionParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            last = f"(select s.hub_id, s.number from sessions s where s.id = ${len(arguments)})"
            where += f" and (hub_id, number) > {last}"
        listed = f"select {', '.join(COLUMNS)} from sessions where true{where} order by hub_id, number"
        return await page(api.reading, call, listed, arguments, call.query.limit, "sessions")

    async def open_one(call: Call[OneLaneParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"{select} where is_opened and lane = $1", call.query.lane)
        if found is None:
            return data_response(json.dumps(None))
        return part_of_row(found, COLUMNS, "session", "open")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"{select} where id = $1", call.id)
        return part_of_row(found, COLUMNS, "session", call.id)

    async def show_settings(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"{select} where id = $1", call.id)
        return one_row(found, "session", call.id)

    async def create(call: Call[NoParams, NewSessionBody]) -> Response:
        given = call.body
        new = BareSession(
            given.lane, given.start_time, given.location, given.is_indoor, given.arrows_per_end, given.sighter_ends
        )
        async with api.writing.connection() as connection:
            session_id = await create_session(connection, new)
        return created(session_id, f"{PREFIX}/session/{session_id}")

    async def update(call: Call[NoParams, SessionBody]) -> Response:
        async with api.writing.transaction() as connection:
            await change_session(connection, call.id, call.given, expected(call))
            changed = await row_of(connection, f"{select} where id = $1", call.id)
        if "end_time" in call.given and await await_closing(api.reading.connection, call.id) is SessionState.CLOSED:
            async with api.reading.connection() as connection:
                changed = _closed_since(changed, await row_of(connection, f"{select} where id = $1", call.id))
        return accepted(row_json=changed)

    async def delete(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.connection() as connection:
            await delete_session(connection, call.id, expected(call))
        return deleted()

    return [
        get("/session", Tag.SESSION, "List sessions, oldest first.", find, SessionParams, data=list[Session], is_paged=True),
        get(
            "/session/open", Tag.SESSION, "Show the open session of a lane, or null.", open_one, OneLaneParams,
            data=Session | None, has_etag=True,
        ),
        get("/session/{id}", Tag.SESSION, "Show a session.", show, NoParams, data=Session, has_etag=True),
        get(
            "/session/{id}/settings", Tag.SESSION, "Show a session with everything that its shots are derived by.",
            show_settings, NoParams, data=Settings, has_etag=True,
        ),
        change("POST", "/session", Tag.SESSION, "Open a session without a target.", create, NewSessionBody, data=UUID, status=201),
        change(
            "PATCH", "/session/{id}", Tag.SESSION, "Change, close or open again a session.", update, SessionBody,
            status=202, has_etag=True,
        ),
        change(
            "DELETE", "/session/{id}", Tag.SESSION, "Delete a session without shots.", delete, EmptyBody, status=204, has_etag=True,
        ),
        *_actions(api),
    ]  # fmt: skip


def _closed_since(before: str | None, now: str | None) -> str | None:
    """Return the row of a session as the assembler closed it, or as it was before if anyone else changed it meanwhile. Pure."""
    if before is None or now is None:
        return before
    closed = {name: value for name, value in json.loads(now).items() if name in ("is_opened", "end_time")}
    return now if json.loads(before) | closed == json.loads(now) else before


def _actions(api: Api) -> list[AnyOperation]:
    """Return what is done with an open session."""

    async def end(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.connection() as connection:
            tags = call.if_match.tags if call.if_match else frozenset()
            numbers = frozenset(one for one in tags if one.isdigit())  # the ETag of a session has a dot
            expect = None if numbers else expected(call)
            await mark_session_end(connection, call.id, call.who, expect, numbers or None)
        return accepted()

    async def close(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.connection() as connection:
            await close_session(connection, call.id, expected(call))
        return accepted({"state": await await_closing(api.reading.connection, call.id)})

    return [
        change(
            "POST", "/session/{id}/end", Tag.SESSION, "Close the current end; with its number as If-Match only that one.", end,
            EmptyBody, status=202, has_etag=True,
        ),
        change(
            "POST", "/session/{id}/close", Tag.SESSION, "Close a session now; arrows in flight still count.", close, EmptyBody,
            data=Closing, status=202, has_etag=True,
        ),
    ]  # fmt: skip
