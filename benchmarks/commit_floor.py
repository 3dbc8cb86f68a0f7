"""The floor of every latency: what a landing costs where nothing is computed.

A landing's row is inserted and committed with NOTIFY; a listener in another process inserts and commits the row of an event
with NOTIFY. The rows are as wide as the product's. ``latency`` adds a pseudo-terminal before them and a WebSocket behind,
each served by its own process, as in the product. The processes are plain asyncpg on uvloop, as the product's:

- ``python -m benchmarks.commit_floor line PATH`` reads a terminal and commits a landing for each read;
- ``python -m benchmarks.commit_floor events`` commits an event for each landing;
- ``python -m benchmarks.commit_floor frames PORT`` sends an event of each NOTIFY to its one WebSocket client.

A token goes with a landing through all of them, so that the reader of its end knows the landing. It starts with an
arbitrary word; ``line`` appends the time of its read on CLOCK_MONOTONIC in ns.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import uvloop
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.hub import connect_from_environment
from edge.common.postgres.connection import Connection

LANDINGS, EVENTS = "floor_landings", "floor_events"
"""Tables, and the channels that name them."""
EVENT_BYTES = 1200
"""Size of the data of a ``shot.updated``, as text."""
READY = "floor ready"
"""Printed by each process once it takes landings."""
BOOT, STREAM = uuid4(), uuid4()

CREATE = f"""
create table {LANDINGS} (like readings including defaults including indexes);
create table {EVENTS} (like events including defaults including identity including indexes);
"""
_INSERT_LANDING = f"""
with landing as (
    insert into {LANDINGS} (device_id, stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, received_at, source,
                            tag, x_mm, y_mm)
    values ('target-1', $1, $2, 'landing', $3, 0.001, $4, $5, $3, 'simulator', 'e2801160600002054e6b1c00', 640.0, 641.0)
    returning seq
)
select pg_notify('{LANDINGS}', $6) from landing
"""  # noqa: S608  # constants
_INSERT_EVENT = f"""
with event as (
    insert into {EVENTS} (type, lane, data)
    values ('shot.updated', 1, jsonb_build_object('shot', repeat('x', {EVENT_BYTES}))) returning id
)
select pg_notify('{EVENTS}', $1) from event
"""  # noqa: S608  # constants


class Landings:
    """Commits landings on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seq = time.monotonic_ns()

    async def commit(self, token: str) -> None:
        """Commit one landing."""
        self._seq += 1
        await self._connection.execute(
            _INSERT_LANDING, STREAM, self._seq, datetime.now(UTC), time.monotonic_ns(), BOOT, token
        )


async def listen(connection: Connection, channel: str, take: Callable[[str], None]) -> None:
    """Call ``take`` with the token of each notification."""
    await connection.add_listener(channel, lambda *heard: take(str(heard[-1])))


async def _line(path: str) -> None:
    landings, tokens = Landings(await connect_from_environment()), asyncio.Queue[str](1000)
    terminal = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def read() -> None:
        word = os.read(terminal, 4096).rstrip(b"\0").decode()
        tokens.put_nowait(f"{word} {time.monotonic_ns()}")

    asyncio.get_running_loop().add_reader(terminal, read)
    print(READY, "line", flush=True)
    while True:
        await landings.commit(await tokens.get())


async def _events() -> None:
    connection, tokens = await connect_from_environment(), asyncio.Queue[str](1000)
    writing = await connect_from_environment()
    await listen(connection, LANDINGS, tokens.put_nowait)
    print(READY, "events", flush=True)
    while True:
        await writing.execute(_INSERT_EVENT, await tokens.get())


async def _frames(port: int) -> None:
    tokens = asyncio.Queue[str](1000)
    connection = await connect_from_environment()
    await listen(connection, EVENTS, tokens.put_nowait)

    async def send(socket: ServerConnection) -> None:
        while True:
            await socket.send(f"{await tokens.get()} ".ljust(EVENT_BYTES, "x"))

    async with serve(send, "127.0.0.1", port, compression=None):
        print(READY, "frames", flush=True)
        await asyncio.Event().wait()


def main(role: str, *rest: str) -> None:
    """Serve one part of the floor until the process is ended."""
    match role:
        case "line":
            uvloop.run(_line(rest[0]))
        case "events":
            uvloop.run(_events())
        case "frames":
            uvloop.run(_frames(int(rest[0])))
        case _:
            raise SystemExit(f"{role} is no part of the floor. Give line, events or frames.")


if __name__ == "__main__":
    main(*sys.argv[1:])
