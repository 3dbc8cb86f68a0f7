"""The floor of the fan-out, in a process of its own: ``python -m benchmarks.write_loop PORT CLIENTS``.

It accepts CLIENTS connections. For each line on its input (a number of frames and their size in bytes) it writes that many
frames to each connection.
"""

from __future__ import annotations

import select
import socket
import sys


def main(port: int, clients: int) -> None:
    """Accept the clients and write until the input ends."""
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listening:
        connected = [listening.accept()[0] for _ in range(clients)]
    for one in connected:
        one.setblocking(False)
    for line in sys.stdin:
        count, size = map(int, line.split())
        payload = size - 4
        frame = b"\x81\x7e" + payload.to_bytes(2, "big") + b"x" * payload
        for _ in range(count):
            for one in connected:
                _send(one, frame)


def _send(one: socket.socket, frame: bytes) -> None:
    while frame:
        try:
            frame = frame[one.send(frame) :]
        except BlockingIOError:
            select.select([], [one], [], 1.0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
