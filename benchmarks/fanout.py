"""Events to many WebSocket clients: ``./dev exec python -m benchmarks.fanout [--clients 1000]``.

Events are written to the feed in batches; the next batch follows when every client has the last one. The floor writes frames
of the same size to as many sockets in a bare loop in Python (a loop in C has no interpreter overhead per system call). The
same reader reads both, and shares the machine's cores with them.
"""

from __future__ import annotations

import asyncio
import base64
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing

from benchmarks.figures import Bound, Budget, Figure, Scale, options, show
from benchmarks.hub import Hub, answers, free_port, hub, until
from benchmarks.proc import memory

BATCHES = (20, 1)
"""Events per batch: a page of the feed, far less than the buffer of a slow client holds, and a single event."""
Rates = dict[int, float]
"""Frames per second for each size of a batch."""
LONGEST_S = 60.0
"""Deadline of one batch."""


class Reader:
    """Reads all clients and counts WebSocket frames."""

    def __init__(self, port: int, clients: int, *, handshake: bool) -> None:
        self.frames = [0] * clients
        self.longest = 0
        """Size of the largest frame so far in bytes, including its header."""
        self.selector = selectors.DefaultSelector()
        self._sockets = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(clients)]
        self._left = [b""] * clients
        for number, one in enumerate(self._sockets):
            if handshake:
                self._left[number] = _shake_hands(one)
            one.setblocking(False)
            self.selector.register(one, selectors.EVENT_READ, number)

    def read_until(self, wanted: Callable[[], bool]) -> None:
        """Read frames until the condition holds. Raises TimeoutError."""
        deadline = time.monotonic() + LONGEST_S
        while not wanted():
            if time.monotonic() > deadline:
                raise TimeoutError(f"a client has waited {LONGEST_S:g} s for a frame, with {min(self.frames)} received")
            for key, _ in self.selector.select(0.2):
                number: int = key.data
                self._take(number, self._sockets[number].recv(1 << 16))

    def settle(self) -> None:
        """Read frames still in transit, such as the first heartbeats, and count from zero."""
        until_s = time.monotonic() + 2.0
        self.read_until(lambda: time.monotonic() > until_s)
        self.frames = [0] * len(self.frames)
        self.longest = 0

    def rates(self, write: Callable[[int], object], batches: int) -> Rates:
        """Return frames per second for each size of a batch; ``write`` causes that many frames for every client."""
        found: Rates = {}
        for events in BATCHES:
            self.frames = [0] * len(self.frames)
            began = time.monotonic()
            for batch in range(1, batches + 1):
                write(events)
                self.read_until(lambda wanted=batch * events: min(self.frames) >= wanted)  # type: ignore[misc]
            found[events] = len(self.frames) * batches * events / (time.monotonic() - began)
        return found

    def close(self) -> None:
        """Close all connections."""
        self.selector.close()
        for one in self._sockets:
            one.close()

    def _take(self, number: int, data: bytes) -> None:
        if not data:
            raise ConnectionError("the server closed a client's connection")
        data, at = self._left[number] + data, 0
        while len(data) - at >= 4:
            short = data[at + 1]
            size = 2 + short if short < 126 else 4 + int.from_bytes(data[at + 2 : at + 4], "big")
            if len(data) - at < size:
                break
            at += size
            self.frames[number] += 1
            self.longest = max(self.longest, size)
        self._left[number] = data[at:]


def main() -> None:
    """Measure the service and the bare loop, one after the other in each round."""
    parser = options(__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=10, help="batches of 20 events, and as many single events")
    arguments = parser.parse_args()
    clients, batches = arguments.clients, arguments.batches
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, max(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    ours: dict[int, list[float]] = {events: [] for events in BATCHES}
    floors: dict[int, list[float]] = {events: [] for events in BATCHES}
    kb: list[float] = []
    for _ in range(arguments.rounds):
        with hub() as running:
            sent, size, added = _ours(running, clients, batches)
        kb.append(added)
        bare = _bare(clients, batches, size)
        for events in BATCHES:
            ours[events].append(sent[events])
            floors[events].append(bare[events])
    name = f"fan-out to {clients} WebSocket clients, {size} bytes, {{}} at a time"
    show([
        Figure(name.format(many), "frames/s", ours[many], floors[many], Budget(Bound.AT_LEAST, 0.75)) for many in BATCHES
    ] + [
        Figure("push: memory for each client", "kB", kb, budget=Budget(Bound.AT_MOST, 20, Scale.VALUE)),
    ], arguments.json)  # fmt: skip


def _ours(running: Hub, clients: int, batches: int) -> tuple[Rates, int, float]:
    """Return deliveries per second from the commit of the events on, the frame size, and kB of the service per client."""
    port = free_port()
    pid = running.start(["archstats-push"], {"ARCH_STATS_SERVER_PORT": str(port)})
    until(lambda: answers(port) and "live" in running.output(), "the service")
    before = memory(pid).rss
    with closing(Reader(port, clients, handshake=True)) as reader, asyncio.Runner() as runner:
        connection = runner.run(running.connect())
        reader.settle()
        added = (memory(pid).rss - before) * 1000 / clients
        insert = """insert into events (type, lane, data)
            select 'shot.created', 1, jsonb_build_object('shot', repeat('x', 100), 'note', repeat('y', 100))
            from generate_series(1, $1)"""
        rates = reader.rates(lambda events: runner.run(connection.execute(insert, events)), batches)
        runner.run(connection.close())
        return rates, reader.longest, added


def _bare(clients: int, batches: int, size: int) -> Rates:
    """Return deliveries per second of the loop."""
    port = free_port()
    words = [sys.executable, "-m", "benchmarks.write_loop", str(port), str(clients)]
    loop = subprocess.Popen(words, stdin=subprocess.PIPE, text=True)
    try:
        time.sleep(1.0)  # a probe would use up one of its connections
        with closing(Reader(port, clients, handshake=False)) as reader:
            return reader.rates(lambda events: print(events, size, file=loop.stdin, flush=True), batches)
    finally:
        loop.kill()
        loop.communicate()


def _shake_hands(one: socket.socket) -> bytes:
    """Open a WebSocket; returns the bytes received after the response."""
    key = base64.b64encode(bytes(16)).decode()
    host = "{}:{}".format(*one.getpeername())
    one.sendall(
        f"GET /api/v0/ws/shot HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    response = b""
    while b"\r\n\r\n" not in response:
        part = one.recv(4096)
        if not part:
            raise ConnectionError("the service rejected a client")
        response += part
    return response.partition(b"\r\n\r\n")[2]


if __name__ == "__main__":
    main()
