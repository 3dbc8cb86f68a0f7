"""Behaviour specific to the WebSocket; tests of both transports are in ``test_sse``."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

import pytest
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from edge.common.postgres.connection import Connection
from edge.common.postgres.feed import FeedCursor, FeedEvent, Page
from edge.push.http.admission import Admission
from edge.push.http.hosts import HostNames
from edge.push.http.read_pool import ReadPool
from edge.push.http.refusals import Refusals
from edge.push.stream import catch_up
from edge.push.stream.client import BUFFER_BYTES
from edge.push.stream.frames import Frame, heartbeat
from edge.push.stream.hub import Hub
from edge.push.stream.websocket import GOING_AWAY, POLICY, TRY_AGAIN_LATER, SocketStreams
from tests.edge.lane_rows import LaneRows
from tests.edge.push.fake_transport import FakeTransport
from tests.edge.push.serving import WITHIN_S, Service, SocketStream, http, listening, listening_by_websocket
from tests.edge.shot_rows import add_shot
from tests.eventually import eventually
from tests.timing import limit_s

HANDSHAKE = (
    b"GET /api/v0/ws/shot HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSE_FRAME = b"\x88"
"""First byte of a frame that closes a WebSocket."""


def address(service: Service, query: str = "") -> str:
    return f"ws://127.0.0.1:{service.port}/api/v0/ws/shot{query}"


async def final_close_code(stream: SocketStream) -> int | None:
    async with asyncio.timeout(WITHIN_S):
        while await stream.next(heartbeats=True) is not None:
            pass
    return stream.close_code


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_messages_are_framed_like_the_library_does(size: int) -> None:
    frame = Frame(None, None, "shot.created", b"x" * size)
    assert frame.message == WireFrame(Opcode.TEXT, b"x" * size).serialize(mask=False)


async def test_long_messages_arrive_complete(service: Service, connection: Connection) -> None:
    async with listening_by_websocket(service) as stream:
        await stream.until("heartbeat")
        for size in (1, 100, 100_000):
            await connection.execute(
                "insert into events (type, data) values ('reading.orphan', jsonb_build_object('x', repeat('ä', $1)))",
                size,
            )
        events = await stream.take(3)
    assert [len(event.data["x"]) for event in events] == [1, 100, 100_000]


async def test_compression_is_declined(service: Service) -> None:
    async with connect(address(service), compression="deflate", proxy=None, ping_interval=None) as connection:
        assert connection.protocol.extensions == []


async def test_both_transports_send_the_same_events(service: Service, lane: LaneRows) -> None:
    async with listening_by_websocket(service) as socket, listening(service) as stream:
        await add_shot(lane)
        (by_socket,), (by_stream,) = await socket.take(1), await stream.take(1)
    assert by_socket.envelope == by_stream.envelope


async def test_a_client_that_sends_a_message_is_disconnected(service: Service) -> None:
    for word in ("ping", b"ping"):
        async with listening_by_websocket(service) as stream:
            assert stream.connection is not None
            await stream.until("heartbeat")
            await stream.connection.send(word)
            assert await final_close_code(stream) == POLICY
    async with listening_by_websocket(service) as stream:
        assert stream.connection is not None
        await stream.connection.send("x" * 100_000)
        assert await final_close_code(stream) == 1009
    await eventually(lambda: not service.hub.clients, WITHIN_S)


async def test_a_protocol_ping_is_answered(service: Service) -> None:
    async with listening_by_websocket(service) as stream, asyncio.timeout(WITHIN_S):
        assert stream.connection is not None
        await (await stream.connection.ping())


async def test_a_client_that_closes_gets_its_close_frame_back(service: Service) -> None:
    async with listening_by_websocket(service) as stream, asyncio.timeout(WITHIN_S):
        assert stream.connection is not None
        await stream.until("heartbeat")
        await stream.connection.close(1000)
        assert stream.close_code == 1000
        await eventually(lambda: not service.hub.clients, WITHIN_S)


async def test_an_invalid_handshake_is_rejected(service: Service) -> None:
    upgrade = b"GET /api/v0/ws/shot HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    assert await service.raw_status(upgrade + b"Sec-WebSocket-Version: 13\r\n\r\n") == 400
    key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    assert await service.raw_status(upgrade + key + b"Sec-WebSocket-Version: 12\r\n\r\n") == 400
    assert service.hub.clients == 0


async def test_an_open_stream_needs_no_task(service: Service) -> None:
    def tasks() -> int:
        return sum("edge/push" in repr(task.get_coro()) or "uvicorn" in repr(task) for task in asyncio.all_tasks())

    before = tasks()
    async with listening_by_websocket(service) as one, listening_by_websocket(service) as two:
        await asyncio.gather(one.until("heartbeat"), two.until("heartbeat"))
        assert service.hub.clients == 2
        assert tasks() == before


async def test_a_stop_closes_clients_and_cuts_frozen_ones(
    service: Service, connection: Connection, pytestconfig: pytest.Config, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        listening_by_websocket(service) as one,
        listening_by_websocket(service, "?lane=1") as two,
        listening_by_websocket(service, receive_buffer=4096) as frozen,
    ):
        for stream in (one, two, frozen):
            await stream.until("heartbeat")
        await connection.execute(
            "insert into events (type, data) select 'reading.orphan', jsonb_build_object('x', repeat('y', 4000))"
            " from generate_series(1, 400)"
        )
        await asyncio.gather(one.take(400), two.take(400))
        assert await service.stop() < limit_s(pytestconfig, 1.0)
        assert await final_close_code(one) == GOING_AWAY
        assert await final_close_code(two) == GOING_AWAY
        assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_client_that_reads_no_pongs_is_not_read(service: Service) -> None:
    pings = WireFrame(Opcode.PING, b"x" * 125).serialize(mask=True) * 100
    loop, answered = asyncio.get_running_loop(), 0
    with socket.socket() as raw:
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            raw.setsockopt(socket.SOL_SOCKET, buffer, 4096)
        raw.setblocking(False)
        await loop.sock_connect(raw, ("127.0.0.1", service.port))
        await loop.sock_sendall(raw, HANDSHAKE)
        assert await loop.sock_recv(raw, 4096)
        (client,) = service.hub._clients
        with suppress(TimeoutError):
            for _ in range(150):
                async with asyncio.timeout(0.5):
                    await loop.sock_sendall(raw, pings)
                answered = max(answered, client._transport.get_write_buffer_size())
    assert answered < BUFFER_BYTES


async def test_a_stream_that_ends_in_catch_up_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing follows its close frame, and the hub keeps no reference to it."""
    hub, transport, state = Hub(), FakeTransport(), ServerState()
    is_reading, go_on = asyncio.Event(), asyncio.Event()

    async def one_event(_: object, since: FeedCursor) -> Page:
        is_reading.set()
        await go_on.wait()
        return Page((FeedEvent(since, datetime.now(UTC), "shot.created", 1, {}),), since, more_soon=False)

    monkeypatch.setattr(catch_up, "_page", one_event)
    refusals = Refusals()
    streams = SocketStreams(hub, cast("ReadPool", None), Admission(refusals, 0), HostNames((), set, refusals), refusals)
    stream = streams(server_state=state, app_state={"address": None})
    stream.connection_made(transport)
    stream.data_received(HANDSHAKE.replace(b"/ws/shot", b"/ws/shot?since=1-1-1"))
    async with asyncio.timeout(WITHIN_S):
        await is_reading.wait()
        hub.begin(FeedCursor("1", 1, 1))
        stream.shutdown()
        (task,) = state.tasks
        go_on.set()
        await task
    assert transport.writes[-1][:1] == CLOSE_FRAME
    assert (hub.clients, hub._following) == (0, {})


async def test_a_slow_client_gets_the_gap_and_its_close_code(service: Service, connection: Connection) -> None:
    async with listening_by_websocket(service, receive_buffer=4096) as slow:
        await slow.until("heartbeat")
        for _ in range(4):
            await connection.execute(
                "insert into events (type, data) select 'reading.orphan', jsonb_build_object('x', repeat('y', 8000))"
                " from generate_series(1, 200)"
            )
        await eventually(lambda: service.hub.counters.clients_slow > 0, WITHIN_S)
        last = None
        async with asyncio.timeout(WITHIN_S):
            while (event := await slow.next(heartbeats=True)) is not None:
                last = event
        assert last is not None
        assert (last.type, last.data["reason"]) == ("gap", "slow")
        assert slow.close_code == TRY_AGAIN_LATER


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:{port}", 101),
        ("https://127.0.0.1:{port}", 101),
        ("http://127.0.0.1:1", 403),
        ("http://elsewhere.example", 403),
        ("null", 403),
        (None, 101),
    ],
)
async def test_pages_of_other_origins_are_rejected(service: Service, origin: str | None, status: int) -> None:
    headers = {"Origin": origin.format(port=service.port)} if origin is not None else {}
    try:
        async with connect(address(service), proxy=None, ping_interval=None, additional_headers=headers):
            got, body = 101, ""
    except InvalidStatus as refused:
        got, body = refused.response.status_code, (refused.response.body or b"").decode()
    assert got == status
    assert ("other_origin" in body) == (status == 403)


async def test_invalid_parameters_are_rejected_before_the_upgrade(service: Service) -> None:
    for query in ("?since=abc", "?lane=0", "?lane=x", "?bogus=1", "?lane=1&lane=2"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(address(service, query), proxy=None)
        assert refused.value.response.status_code == 422
        assert json.loads(refused.value.response.body or b"")["errors"][0]["loc"][0] == "query"
    assert service.hub.clients == 0


async def test_a_request_without_upgrade_gets_426(service: Service) -> None:
    async with http(service) as client:
        answer = await client.get("/api/v0/ws/shot")
        assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
        assert answer.json()["errors"][0]["code"] == "upgrade_required"
        assert (await client.post("/api/v0/ws/shot")).status_code == 405
        assert (await client.get("/api/v0/ws")).status_code == 404
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{service.port}/api/v0/ws/other", proxy=None)
    assert refused.value.response.status_code in (403, 404)


async def test_a_protocol_error_affects_no_other_client(service: Service, lane: LaneRows) -> None:
    async with listening_by_websocket(service) as good, listening_by_websocket(service) as bad:
        assert bad.connection is not None
        bad.connection.transport.write(b"\xff\xff\xff\xff")
        assert await final_close_code(bad) == 1002
        shot = str(await add_shot(lane))
        assert (await good.take(1))[0].data["id"] == shot


def test_a_message_is_built_once_for_all_clients() -> None:
    frame = heartbeat(None, connected=True)
    assert frame.message is frame.message
    assert frame.chunk is frame.chunk
