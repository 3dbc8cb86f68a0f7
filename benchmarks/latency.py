"""From a landing's bytes at the hub to its frame in a browser: ``./dev exec python -m benchmarks.latency [--rate 3]``.

A simulated range runs as usual, and a WebSocket client records the arrival of each shot. Each frame is followed by one run of
the floor on the same database: bytes through a pseudo-terminal, a landing committed with NOTIFY, an event committed with
NOTIFY, a frame to a WebSocket client, with nothing computed (``benchmarks.commit_floor``).

The database has the time at which a landing's bytes were read from the line; the way through the terminal before it is added
as the median of the floor's. The bytes of a simulated node that wait for others on the line, or are sent again, are not counted.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import tty
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.commit_floor import CREATE, READY
from benchmarks.figures import Bound, Budget, Figure, options, percentile, show
from benchmarks.hub import Hub, answers, free_port, hub, until
from edge.common.postgres.connection import Connection

SPEED = 20
LANDINGS_PER_LANE = 0.6
"""Landings per second of one lane at that speed, about."""
FRAME_BYTES = 34
"""Size of a frame of the link with a landing, without the zero byte at its end."""
PAUSE_S = 0.02
"""Pause between a shot's frame and the run of the floor, so that the second delays neither."""
WITHIN_S = 10.0
"""Deadline of one run of the floor."""
PARTS = ((0.5, "p50", 1.6), (0.99, "p99", 2.5))
"""Percentiles with their budgets."""

Round = dict[str, list[float]]
"""The seconds of each landing or run, by what they measure."""


def main() -> None:
    """Run a simulated range and compare."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="how long each round lasts, by default 40")
    parser.add_argument("--rate", type=float, default=3.0, help="landings per second of all lanes, about; by default 3")
    arguments = parser.parse_args()
    lanes = min(max(round(arguments.rate / LANDINGS_PER_LANE), 1), 40)
    with hub() as running:
        port = free_port()
        words = ["archstats-sensor", "--simulate", "--no-scanner", "--lanes", str(lanes), "--speed", str(SPEED)]
        words += ["--seed", "7"]
        running.start(words, {"ARCH_STATS_SERVER_PORT": str(port)})
        until(lambda: answers(port), "the live page")
        rounds = uvloop.run(_measure(running, port, arguments.seconds, arguments.rounds))
    show(_figures(rounds, arguments.seconds), arguments.json)


def _figures(rounds: list[Round], seconds: float) -> list[Figure]:
    count = sum(len(found["to frame"]) for found in rounds)
    title = f"landing to frame, {count / seconds / len(rounds):.1f} landings/s, {count} landings"
    figures: list[Figure] = []
    for part, name, limit in PARTS:
        at = {what: [percentile(found[what], part) * 1000 for found in rounds] for what in rounds[0]}
        terminal = [percentile(found["floor: terminal"], 0.5) * 1000 for found in rounds]
        ours = [frame + before for frame, before in zip(at["to frame"], terminal, strict=True)]
        figures.append(Figure(f"{title}, {name}", "ms", ours, at["floor"], Budget(Bound.AT_MOST, limit)))
        figures.append(Figure(f"of it until the event is written, {name}", "ms", at["to event"]))
        figures.append(Figure(f"of it from there to the frame, {name}", "ms", at["event to frame"]))
        figures.append(Figure(f"of the floor its terminal, {name}", "ms", at["floor: terminal"]))
    return figures


async def _measure(running: Hub, port: int, seconds: float, rounds: int) -> list[Round]:
    connection = await running.connect()
    try:
        await connection.execute(CREATE)
        async with _floor(running) as floor, connect(_address(port), compression=None) as socket:
            shots = Shots(connection, socket)
            return [await _round(shots, floor, seconds) for _ in range(rounds)]
    finally:
        await connection.close()


async def _round(shots: Shots, floor: Floor, seconds: float) -> Round:
    """Measure every landing of the time, and the floor once after each frame."""
    found: Round = defaultdict(list)
    came: dict[UUID, tuple[float, float]] = {}
    began = time.time()
    end = asyncio.get_running_loop().time() + seconds
    while (frame := await shots.next(end)) is not None:
        shot_id, *instants = frame
        if shot_id not in came:
            came[shot_id] = (instants[0], instants[1])
            await asyncio.sleep(PAUSE_S)
            took_s, terminal_s = await floor.run()
            found["floor"].append(took_s)
            found["floor: terminal"].append(terminal_s)
    for received, arrived, written in await shots.received_since(began, came):
        found["to frame"].append(arrived - received)
        found["to event"].append(written - received)
        found["event to frame"].append(arrived - written)
    if not found["to frame"]:
        raise SystemExit(f"no landing reached the page within {seconds:g} s. Give more --seconds or a higher --rate.")
    return dict(found)


class Shots:
    """The frames of shots that have landed."""

    def __init__(self, connection: Connection, socket: ClientConnection) -> None:
        self._connection = connection
        self._frames = asyncio.Queue[tuple[UUID, float, float]](10_000)
        self._reading = asyncio.create_task(self._read(socket))

    async def next(self, end: float) -> tuple[UUID, float, float] | None:
        """Return the next shot with the time of its frame and that of its event; None at the end of the loop's time."""
        try:
            async with asyncio.timeout_at(end):
                return await self._frames.get()
        except TimeoutError:
            return None

    async def received_since(
        self, began: float, came: dict[UUID, tuple[float, float]]
    ) -> list[tuple[float, float, float]]:
        """Return receipt, arrival and event of each landing that was received after ``began``."""
        rows = await self._connection.fetch(
            """
            select s.id, r.received_at from shots s join readings r
                on (r.device_id, r.stream_id, r.seq) = (s.landing_device_id, s.landing_stream_id, s.landing_seq)
            where s.id = any($1) and r.received_at > to_timestamp($2)
            """,
            list(came),
            began,
        )
        return [(row["received_at"].timestamp(), *came[UUID(str(row["id"]))]) for row in rows]

    async def _read(self, socket: ClientConnection) -> None:
        """Take the time of each frame at once, also while the floor runs."""
        async for message in socket:
            at, event = time.time(), json.loads(message)
            if event["type"].startswith("shot.") and event["data"]["landing_seq"] is not None:
                written = datetime.fromisoformat(event["ts"]).timestamp()
                self._frames.put_nowait((UUID(event["data"]["id"]), at, written))


class Floor:
    """The floor's processes, seen from both ends."""

    def __init__(self, master: int, socket: ClientConnection) -> None:
        self._master = master
        self._socket = socket

    async def run(self) -> tuple[float, float]:
        """Send one landing; returns the seconds to its frame, and of them those to the read from the terminal."""
        began = time.monotonic_ns()
        os.write(self._master, str(began).encode().ljust(FRAME_BYTES) + b"\0")
        async with asyncio.timeout(WITHIN_S):
            word, read, _ = str(await self._socket.recv()).split(maxsplit=2)
        ended = time.monotonic_ns()
        if int(word) != began:
            raise RuntimeError("the floor answered another landing than the one that was sent")
        return (ended - began) / 1e9, (int(read) - began) / 1e9


@asynccontextmanager
async def _floor(running: Hub) -> AsyncIterator[Floor]:
    master, slave = os.openpty()
    tty.setraw(slave)
    port = free_port()
    try:
        for role in (["line", os.ttyname(slave)], ["events"], ["frames", str(port)]):
            running.start(["python", "-m", "benchmarks.commit_floor", *role])
        until(lambda: running.output().count(READY) == 3, "the floor")
        async with connect(f"ws://127.0.0.1:{port}", compression=None) as socket:
            yield Floor(master, socket)
    finally:
        os.close(master)
        os.close(slave)


def _address(port: int) -> str:
    return f"ws://127.0.0.1:{port}/api/v0/ws/shot"


if __name__ == "__main__":
    main()
