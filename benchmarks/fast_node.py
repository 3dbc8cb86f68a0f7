"""A link node that sends as fast as it is asked to: ``python -m benchmarks.fast_node PORT RATE WINDOW [EVENTS]``.

It keeps the rules of docs/protocol-link.md: events are kept until acknowledged and re-sent each 500 ms, oldest first, at
most WINDOW in flight. Its work for one event does not grow with the window. It senses RATE events a second until EVENTS,
and prints its counters as JSON every 100 ms. SIGUSR1 ends the sensing, not the process.
"""

from __future__ import annotations

import json
import select
import signal
import sys
import time
from collections import OrderedDict, deque
from pathlib import Path

from drivers.link import codec as link
from simulators.wire.pty import PtyWire

NUMBER = 9
RESEND_US = 500_000
HEARTBEAT_US = 1_000_000
PRINT_US = 100_000
LONGEST_WAIT_S = 0.01
MAX_UNSENT = 16_384
"""Bytes that wait for the terminal: the transmit buffer of the node. While it is full, nothing is sent."""
TAG = "e2" * 12
CAPABILITIES = (
    link.NodeCapability.ACKNOWLEDGES | link.NodeCapability.STAMPS_TIME | link.NodeCapability.SIMULATOR
)  # fmt: skip


class FastNode:
    """State of the node; time is in microseconds since its boot, which is its tick, too."""

    def __init__(self, boot_id: int, window: int) -> None:
        self.sensed = self.sent = self.resent = self.acknowledged = 0
        self.waiting: deque[tuple[int, bytes]] = deque()
        """Events that were never sent, with their numbers."""
        self.in_flight: OrderedDict[int, tuple[int, bytes]] = OrderedDict()
        """By number: instant of the last transmission, and the frame; the least recently sent first."""
        self._boot_id = boot_id
        self._window = window
        self._decoder = link.LinkDecoder()
        self._beat_us = 0

    @property
    def pending(self) -> int:
        """Number of unacknowledged events."""
        return len(self.waiting) + len(self.in_flight)

    def sense(self, at_us: int) -> None:
        """Number an event and keep it."""
        self.sensed += 1
        self.waiting.append((self.sensed, self._frame(link.Engage(-40, TAG), self.sensed, at_us)))

    def due(self, now_us: int, most: int) -> bytes:
        """Frames to send now, about ``most`` bytes."""
        out = bytearray()
        if now_us >= self._beat_us:
            self._beat_us = now_us + HEARTBEAT_US
            pending = min(self.pending, 0xFFFF)
            out += self._frame(link.Heartbeat(self.sensed, 80, -50, pending), 0, now_us)
        while self.in_flight and len(out) < most:
            seq, (sent_us, frame) = next(iter(self.in_flight.items()))
            if sent_us + RESEND_US > now_us:
                break
            self.in_flight[seq] = (now_us, frame)
            self.in_flight.move_to_end(seq)
            self.resent += 1
            out += frame
        while self.waiting and len(self.in_flight) < self._window and len(out) < most:
            seq, frame = self.waiting.popleft()
            self.in_flight[seq] = (now_us, frame)
            self.sent += 1
            out += frame
        return bytes(out)

    def receive(self, data: bytes, now_us: int) -> bytes:
        """Process bytes of the hub; returns the answers."""
        out = bytearray()
        for frame in self._decoder.feed(data):
            match frame.message:
                case link.Ack() if frame.boot_id == self._boot_id:
                    if self.in_flight.pop(frame.seq, None) is not None:
                        self.acknowledged += 1
                case link.TimeRequest(t0=t0):
                    out += self._frame(link.TimeResponse(t0, now_us), frame.seq, now_us)
                case link.HelloRequest():
                    hello = link.Hello(link.NodeKind.BOW, CAPABILITIES, None, "fast 1")
                    out += self._frame(hello, self.sensed, now_us)
        return bytes(out)

    def _frame(self, message: link.Message, seq: int, now_us: int) -> bytes:
        return link.encode(message, node=NUMBER, boot_id=self._boot_id, seq=seq, t_us=now_us)


def main(port: Path, rate_hz: float, window: int, events: int | None) -> None:
    """Sense, send, listen and print, until killed."""
    resting: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: resting.append(number))
    wire, born_ns = PtyWire(port), time.monotonic_ns()
    node = FastNode(born_ns // 1000 % 1_000_000_000 + 1, window)
    unsent, print_us = bytearray(), 0
    step_us, sense_us = 1_000_000 / rate_hz, 0.0
    while True:
        now_us = (time.monotonic_ns() - born_ns) // 1000
        while sense_us <= now_us and not resting and node.sensed != events:
            node.sense(round(sense_us))
            sense_us += step_us
        if now_us >= print_us:
            print_us = now_us + PRINT_US
            counters = {"sensed": node.sensed, "sent": node.sent, "resent": node.resent}
            more = {"acknowledged": node.acknowledged, "pending": node.pending, "resting": bool(resting)}
            print(json.dumps({"at_s": now_us / 1e6, **counters, **more}), flush=True)
        unsent += node.due(now_us, MAX_UNSENT - len(unsent))
        while unsent and not wire.has_buffered:
            wire.write(bytes(unsent[:4096]))
            del unsent[:4096]
        writing = [wire] if wire.has_buffered else []
        if select.select([wire], writing, [], LONGEST_WAIT_S)[1]:
            wire.flush()
        unsent += node.receive(wire.read(), (time.monotonic_ns() - born_ns) // 1000)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)
