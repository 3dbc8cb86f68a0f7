"""``WS /api/v0/ws/shot``: the same feed over a WebSocket, each event's envelope as one text message."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.common.postgres.feed import FeedCursor
from edge.push.api.parameters import EventsFrom, ask
from edge.push.http.envelope import Problem, Refusal, refusal, refuse
from edge.push.http.read_pool import Store
from edge.push.stream.catch_up import catch_up, place_asked
from edge.push.stream.client import Client
from edge.push.stream.frames import Frame
from edge.push.stream.hub import Hub

# Of RFC 6455, 7.4.1, and its registry.
GOING_AWAY = 1001
POLICY = 1008
TRY_AGAIN_LATER = 1013


class SocketStream:
    """The ASGI application behind the path."""

    def __init__(self, hub: Hub, store: Store) -> None:
        self._hub = hub
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One stream, until the client leaves, speaks, falls behind, or the process stops."""
        await receive()  # that it wants to connect
        try:
            since, lane = self._asked(HTTPConnection(scope))
        except Refusal as refused:
            await refusal(refused.status, refused.problems, refused.headers)(scope, receive, send)
            return
        await send({"type": "websocket.accept"})
        client = Client(scope["state"]["transport"], lane=lane, form=attrgetter("message"))

        async def send_frames(frames: Sequence[Frame]) -> None:
            try:
                for frame in frames:
                    await send({"type": "websocket.send", "text": frame.envelope.decode()})
            except OSError:
                client.end()  # it left while it was catching up

        self._hub.join(client)
        try:
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(_end_when_heard(client, receive))
                await catch_up(self._hub, self._store, client, since, send_frames)
                await client.ended()
                spoke = listening.done() and listening.result()
                listening.cancel()
        finally:
            self._hub.leave(client)
        code, reason = _goodbye(client, spoke=spoke)
        with suppress(OSError):  # it left first
            await send({"type": "websocket.close", "code": code, "reason": reason})

    def _asked(self, connection: HTTPConnection) -> tuple[FeedCursor | None, int | None]:
        """From which place on, and of which lane. Raises Refusal."""
        refuse_other_origin(connection)
        asked = ask(connection, EventsFrom)
        since = place_asked(asked.since)
        if self._hub.refuses():
            raise refuse(503, "too_many_streams", "no more streams can be opened now; try again later")
        return since, asked.lane


def refuse_other_origin(connection: HTTPConnection) -> None:
    """A page of somebody else's may open a WebSocket to us: browsers only say whose page it is. Raises Refusal (403)."""
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != connection.headers.get("host", "").lower():
        raise refuse(403, "other_origin", f"pages of {origin[:100]} may not read this stream")


async def upgrade_required(_: Request) -> Response:
    """What a question without the wish to upgrade is told."""
    problem = Problem("upgrade_required", "this path speaks WebSocket; /api/v0/events tells the same over HTTP")
    return refusal(426, [problem], {"upgrade": "websocket", "connection": "upgrade"})


async def _end_when_heard(client: Client, receive: Receive) -> bool:
    """Wait until the client leaves or says something, which ends the stream; True when it spoke."""
    spoke: bool = (await receive())["type"] == "websocket.receive"
    client.end()
    return spoke


def _goodbye(client: Client, *, spoke: bool) -> tuple[int, str]:
    """Why the stream ends, as a close code and in words."""
    if spoke:
        return POLICY, "this stream only tells; nothing is taken here"
    if client.slow:
        return TRY_AGAIN_LATER, "not read fast enough; the last message says where to resume"
    return GOING_AWAY, "the server stops"
