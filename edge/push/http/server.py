"""The HTTP server: uvicorn on sockets that we open, stopped by an event within a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_random_exponential
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from edge.common.process.logs import Transitions

log = logging.getLogger(__name__)

BACKOFF = wait_random_exponential(multiplier=0.2, max=5.0)
BACKLOG = 1024
# A peer that takes nothing for so long is gone: a browser behind a lost Wi-Fi, or one that is frozen.
USER_TIMEOUT_MS = 30_000
# What the kernel buffers for one client. More would only hide for longer that it does not read.
SEND_BUFFER_BYTES = 128 * 1024
# After this the connections that still want to send something are cut.
GRACE_S = 0.5
# Nothing is expected from a WebSocket client.
LARGEST_MESSAGE_BYTES = 4096

_quiet = logging.getLogger(f"{__name__}.clients")
_quiet.setLevel(logging.WARNING)


class _Protocol(H11Protocol):
    """Uvicorn's HTTP, which shows the application the connection that a stream is written to."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A peer connected."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _WebSocket(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket, which leaves the goodbye to the stream and tells nobody of each client."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer wants to speak WebSocket."""
        self.logger = self.conn.logger = _quiet
        super().connection_made(transport)

    def shutdown(self) -> None:
        """The process stops: the stream ends by itself and says so; one that cannot is cut."""
        if not self.handshake_complete:
            super().shutdown()


class Server(uvicorn.Server):
    """Uvicorn without what the rest of the process does already: signals, and a clock that ticks while nothing happens."""

    def __init__(self, app: ASGIApp, stop: asyncio.Event) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws=_WebSocket,
                ws_max_size=LARGEST_MESSAGE_BYTES,
                ws_per_message_deflate=False,  # 1.6 times the CPU, 2.4 times the memory, and each client its own bytes
                ws_ping_interval=None,  # the heartbeat is in the stream, and the kernel ends a dead peer
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process's runner."""
        yield

    async def main_loop(self) -> None:
        """Nothing to do but to wait."""
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers end that can, and cut the others."""
        cut = asyncio.get_running_loop().call_later(GRACE_S, self._cut)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


async def open_sockets(host: str, port: int, stop: asyncio.Event) -> list[socket.socket]:
    """Listening sockets on every address of ``host``; none when ``stop`` comes first.

    A port that is taken is no reason to die: whoever has it may go, and this says once what to do.
    """
    told = Transitions(log, f"http://{_shown(host)}:{port}/")

    def tell(state: RetryCallState) -> None:
        fault = state.outcome.exception() if state.outcome else None
        told.enter(
            "not open",
            f"{fault}; end the program that has this address, or set ARCH_STATS_SERVER_HOST and ARCH_STATS_SERVER_PORT"
            " to one that is free and ours; trying again",
        )

    async def pause(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()

    async for attempt in AsyncRetrying(
        wait=BACKOFF, retry=retry_if_exception_type(OSError), before_sleep=tell, sleep=pause
    ):
        with attempt:
            if stop.is_set():
                return []
            opened = await _open(host, port)
            told.enter("open")
            return opened
    return []


async def serve(server: Server, sockets: Sequence[socket.socket]) -> None:
    """Serve on these sockets, opened here or inherited, until the server's stop event; closes them."""
    for listening in sockets:
        with contextlib.suppress(OSError):  # accepted connections inherit this; a unix socket has no such option
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    await server.serve(list(sockets))


async def _open(host: str, port: int) -> list[socket.socket]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    opened: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listening = socket.socket(family, kind, protocol)
            opened.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
            listening.setblocking(False)
    except OSError:
        for listening in opened:
            listening.close()
        raise
    return opened


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
