"""``/events``: the feed of changes, as server-sent events."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp

from edge.push.api.operation import AnyOperation, Call, EmptyBody, Tag, get
from edge.push.api.parameters import EventParams


def operations(stream: ASGIApp) -> list[AnyOperation]:
    """Return the operation, which ``stream`` serves."""

    async def never(_: Call[EventParams, EmptyBody]) -> Response:
        raise AssertionError("the stream answers by itself")

    summary = "Follow the feed of changes: server-sent events, from `since` on; see docs/push.md."
    return [
        get("/events", Tag.EVENTS, summary, never, EventParams, media_type="text/event-stream", stream=stream,
            errors={429: "Too many connections of one address."}),
    ]  # fmt: skip
