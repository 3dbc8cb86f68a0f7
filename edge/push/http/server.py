"""The HTTP server: uvicorn on sockets opened here or inherited, stopped by an event within a second."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from edge.common.process.addresses import page_urls
from edge.common.process.logs import Transitions
from edge.push.http.limits import LONGEST_HEAD

log = logging.getLogger(__name__)

BACKOFF = wait_random_exponential(multiplier=0.2, max=5.0)
BACKLOG = 4096
"""Connections that wait to be accepted: one more is delayed by a second, as long as a health check may wait."""
USER_TIMEOUT_MS = 30_000
"""Time after which a peer that acknowledges nothing is disconnected: a lost Wi-Fi, or a frozen browser."""
SEND_BUFFER_BYTES = 128 * 1024
"""Kernel buffer of one client. A larger one would only delay the detection of a slow client."""
GRACE_S = 0.5
"""Time for open responses at the stop, before their connections are cut."""


ProtocolFactory = Callable[..., asyncio.Protocol]
"""Makes the protocol of a connection, from uvicorn's ``config``, ``server_state``, ``app_state``."""


class AddressState(StrEnum):
    """The state of the address of the service, as logged."""

    OPEN = "open"
    NOT_OPEN = "not open"


class Server(uvicorn.Server):
    """Uvicorn without its own signal handling and without its idle ticks."""

    def __init__(self, app: ASGIApp, http: ProtocolFactory, sockets: ProtocolFactory, stop: asyncio.Event) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=cast("type[asyncio.Protocol]", http),
                ws=cast("type[asyncio.Protocol]", sockets),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
                backlog=BACKLOG,
                h11_max_incomplete_event_size=LONGEST_HEAD,
            )
        )
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the runner of the process."""
        yield

    async def main_loop(self) -> None:
        """Wait for the stop event."""
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let responses finish within GRACE_S, and cut the others."""
        cut = asyncio.get_running_loop().call_later(GRACE_S, self._cut)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


async def open_sockets(host: str, port: int, stop: asyncio.Event) -> list[socket.socket]:
    """Return listening sockets on every address of ``host``; none when ``stop`` is set first.

    A port in use is retried until it is free, and logged once with the remedy.
    """
    state_log = Transitions(log, f"port {port} of {host}")

    def log_failure(state: RetryCallState) -> None:
        fault = state.outcome.exception() if state.outcome else None
        state_log.enter(
            AddressState.NOT_OPEN,
            f"{fault}; end the program that uses this address, or set ARCH_STATS_SERVER_HOST and"
            " ARCH_STATS_SERVER_PORT to a free address of this machine; trying again",
        )

    async def pause(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()

    async for attempt in AsyncRetrying(
        wait=BACKOFF, retry=retry_if_exception_type(OSError), before_sleep=log_failure, sleep=pause
    ):
        with attempt:
            if stop.is_set():
                return []
            opened = await _open(host, port)
            state_log.enter(AddressState.OPEN)
            return opened
    return []


async def serve(server: Server, sockets: Sequence[socket.socket]) -> None:
    """Serve on the sockets until the server's stop event, and close them."""
    for listening in sockets:
        with contextlib.suppress(OSError):  # inherited by accepted connections; a unix socket lacks the option
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    await server.serve(list(sockets))


async def _open(host: str, port: int) -> list[socket.socket]:
    found = await asyncio.get_running_loop().getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
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


def is_loopback(sockets: Iterable[socket.socket]) -> bool:
    """Return whether only this machine can connect, judged by the sockets themselves and not by the settings."""
    return all(_is_local(listening) for listening in sockets)


def describe_address(listening: socket.socket) -> str:
    """Return the addresses of a socket as a browser takes them, or the path of a unix socket."""
    return " and ".join(urls(listening)) or str(listening.getsockname())


def urls(listening: socket.socket) -> list[str]:
    """Return the addresses of a socket as a browser takes them, first one for other machines; none for a unix socket."""
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return []
    name = listening.getsockname()
    return page_urls(name[0], name[1])


def _is_local(listening: socket.socket) -> bool:
    if listening.family == socket.AF_UNIX:
        return True
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    address = ipaddress.ip_address(listening.getsockname()[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
