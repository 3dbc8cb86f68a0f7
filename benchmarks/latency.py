"""From a landing's bytes at the hub to its frame in a browser: ``./dev exec python -m benchmarks.latency [--seconds 60]``.

A simulated range runs as usual. A WebSocket client records the arrival of each shot, and the database has the time at which
the bytes of its landing were read from the line. The floor is the sum of a pseudo terminal, a NOTIFY round trip and half a
WebSocket echo, each measured while the range runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
import tty
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.figures import Bound, Budget, Figure, percentile, show
from benchmarks.hub import Hub, answers, free_port, hub, until
from edge.common.postgres.connection import Connection

LANES, SPEED = 4, 20
FLOOR_TIMES = 300
FRAME = b"\x01" * 34 + b"\0"
"""A frame of the size of the link's."""


def main() -> None:
    """Run a simulated range and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the range shoots")
    arguments = parser.parse_args()
    with hub() as running:
        port = free_port()
        words = ["archstats-sensor", "--simulate", "--lanes", str(LANES), "--speed", str(SPEED), "--seed", "7"]
        running.start(words, {"ARCH_STATS_SERVER_PORT": str(port)})
        until(lambda: answers(port), "the live page")
        found = asyncio.run(_measure(running, port, arguments.seconds))
    rate = f"{len(found['chain']) / arguments.seconds:.1f} landings/s"
    figures: list[Figure] = []
    for part, name, budget in ((0.5, "p50", 1.6), (0.99, "p99", 2.5)):
        at = {what: percentile(values, part) * 1000 for what, values in found.items()}
        floor = at["pty"] + at["notify"] + at["echo"] / 2
        chain = at["chain"] + at["pty"]
        figures.append(
            Figure(f"landing to frame, {name} at {rate}", "ms", [chain], [floor], Budget(Bound.AT_MOST, budget))
        )
        figures.append(Figure(f"of it until the event is written, {name}", "ms", [at["to feed"]]))
        figures.append(Figure(f"of it from there to the frame, {name}", "ms", [at["from feed"]]))
        figures += [Figure(f"floor: {what}, {name}", "ms", [at[what]]) for what in ("pty", "notify", "echo")]
    show(figures)


async def _measure(running: Hub, port: int, seconds: float) -> dict[str, list[float]]:
    connection = await running.connect()
    try:
        found: dict[str, list[float]] = {"pty": [], "notify": [], "echo": []}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_chain(connection, port, seconds, found))
            tasks.create_task(_floors(running, found))
        return found
    finally:
        await connection.close()


async def _chain(connection: Connection, port: int, seconds: float, found: dict[str, list[float]]) -> None:
    """Measure the seconds from the receipt of each landing to its first frame, in total and in two parts.

    The parts meet where the shot's event is written, inside the transaction that is then committed.
    """
    came: dict[UUID, tuple[float, float]] = {}
    began = time.time()
    async with connect(f"ws://127.0.0.1:{port}/api/v0/ws/shot", compression=None) as socket:
        end = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(end):
                async for message in socket:
                    at, event = time.time(), json.loads(message)
                    if event["type"].startswith("shot.") and event["data"]["landing_seq"] is not None:
                        written = datetime.fromisoformat(event["ts"]).timestamp()
                        came.setdefault(UUID(event["data"]["id"]), (at, written))
        except TimeoutError:
            pass
    rows = await connection.fetch(
        """
        select s.id, r.received_at from shots s join readings r
            on (r.device_id, r.stream_id, r.seq) = (s.landing_device_id, s.landing_stream_id, s.landing_seq)
        where s.id = any($1)
        """,
        list(came),
    )
    found["chain"], found["to feed"], found["from feed"] = [], [], []
    for row in rows:
        received, (arrived, written) = row["received_at"].timestamp(), came[UUID(str(row["id"]))]
        if received > began + 1:
            found["chain"].append(arrived - received)
            found["to feed"].append(written - received)
            found["from feed"].append(arrived - written)


async def _floors(running: Hub, found: dict[str, list[float]]) -> None:
    """Measure the three floors in turn, so that a busy moment of the machine affects all."""
    master, slave = os.openpty()
    tty.setraw(slave)
    loop, heard = asyncio.get_running_loop(), asyncio.Event()

    def take() -> None:
        os.read(slave, 4096)
        heard.set()

    loop.add_reader(slave, take)
    listening, ringing = await running.connect(), await running.connect()
    await listening.add_listener("floor", lambda *_: heard.set())

    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    async def timed(what: str, act: Callable[[], Awaitable[object]]) -> None:
        heard.clear()
        began = time.perf_counter()
        await act()
        await heard.wait()
        found[what].append(time.perf_counter() - began)

    async def write() -> None:
        os.write(master, FRAME)

    try:
        async with serve(echo, "127.0.0.1", 0, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}", compression=None) as socket:

                async def there_and_back() -> None:
                    await socket.send("x" * 600)
                    await socket.recv()
                    heard.set()

                for _ in range(FLOOR_TIMES):
                    await timed("pty", write)
                    await timed("notify", lambda: ringing.execute("select pg_notify('floor', '')"))
                    await timed("echo", there_and_back)
                    await asyncio.sleep(0.05)
    finally:
        loop.remove_reader(slave)
        os.close(master)
        os.close(slave)
        await listening.close()
        await ringing.close()


if __name__ == "__main__":
    main()
