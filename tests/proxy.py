"""A proxy that a test can freeze, cut, slow down or half close, as networks do and servers on one host do not."""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.embedded.cluster import USER
from edge.common.postgres.embedded.paths import SOCKET
from tests.postgres import short_folder

CHUNK = 65536


class Proxy:
    """Forwards bytes both ways to ``upstream``, the path of a unix socket or (host, port).

    Listens on a TCP port of 127.0.0.1 and on a unix socket named as PostgreSQL names its own.
    """

    def __init__(self, upstream: Path | tuple[str, int]) -> None:
        self.delay_s = 0.0
        """Delay of each chunk, in either direction."""
        self.accepted = 0
        self.port = 0
        self.socket_dir = short_folder()
        self._upstream = upstream
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._half_closed: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        """Stop forwarding without a signal to either side, like a pulled cable or a stopped server; new clients connect and wait."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Forward again, beginning with the bytes received while frozen."""
        self._flowing.set()

    def cut(self) -> None:
        """Reset all connections and accept new ones."""
        for writer in list(self._writers):
            _abort(writer)

    def half_close(self) -> None:
        """Send an end of file to the clients and keep reading from them, like a server that shuts down its side."""
        for writer in list(self._clients - self._half_closed):
            self._half_closed.add(writer)
            with suppress(OSError):
                writer.write_eof()

    async def refuse(self) -> None:
        """Reset all connections and refuse new ones, like a server that is not running."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        (self.socket_dir / SOCKET).unlink(missing_ok=True)
        self.cut()

    async def accept(self) -> None:
        """Accept clients, always on the same port and socket."""
        tcp = await asyncio.start_server(self._client, "127.0.0.1", self.port)
        self.port = tcp.sockets[0].getsockname()[1]
        unix = await asyncio.start_unix_server(self._client, self.socket_dir / SOCKET)
        self._servers = [tcp, unix]

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shutil.rmtree(self.socket_dir)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._clients.add(writer)
        own = {writer}
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._flowing.wait()
            from_upstream, to_upstream = await self._connect()
            own.add(to_upstream)
            self._writers.add(to_upstream)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, to_upstream))
                pumps.create_task(self._pump(from_upstream, writer))
        except* OSError:
            pass  # one side was cut or reset, or no server listens upstream: the abort below ends the other side
        finally:
            for each in own:
                _abort(each)
            self._writers -= own
            self._clients.discard(writer)
            self._half_closed.discard(writer)
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, Path):
            return await asyncio.open_unix_connection(self._upstream)
        return await asyncio.open_connection(*self._upstream)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(CHUNK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._flowing.wait()
            if sink not in self._half_closed:
                sink.write(chunk)
                await sink.drain()
        await self._flowing.wait()
        if sink.can_write_eof() and sink not in self._half_closed:
            sink.write_eof()


def database_proxy(settings: ServiceSettings) -> Proxy:
    """A proxy in front of the test's database server."""
    assert settings.database.socket_dir is not None
    return Proxy(settings.database.socket_dir / SOCKET)


def settings_through(proxy: Proxy, settings: ServiceSettings, *, tcp: bool = False) -> ServiceSettings:
    """The same settings with the proxy as the server."""
    name = settings.database.db
    if tcp:
        database = DatabaseSettings(user=USER, db=name, host="127.0.0.1", port=proxy.port)
    else:
        database = DatabaseSettings(user=USER, db=name, socket_dir=proxy.socket_dir)
    return replace(settings, database=database)


def _abort(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        with suppress(OSError):  # already closed
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
