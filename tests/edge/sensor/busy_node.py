"""A bow node that never rests, in a process of its own: ``python -m tests.edge.sensor.busy_node PORT RATE``.

It is the simulators' node, so it keeps unacknowledged events, repeats them, and prints its counters every quarter of a
second. SIGUSR1 ends the sensing, not the process.
"""

from __future__ import annotations

import json
import select
import signal
import sys
from itertools import count
from pathlib import Path

from drivers.link import codec as link
from simulators.devices.clock import NodeClock
from simulators.devices.link_node import NodeSpec, SimulatedLinkNode
from simulators.hosttime import HostTime
from simulators.wire.pty import PtyWire

PRINT_US = 250_000
TAG = "e2" * 12


def main(port: Path, rate_hz: float) -> None:
    """Sense, send, listen and print, until killed."""
    resting: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: resting.append(number))
    host, wire = HostTime.anchor(), PtyWire(port)
    now_us = host.now_us()
    spec = NodeSpec(9, link.NodeKind.BOW, "busy", 80, -50)
    node = SimulatedLinkNode(spec, NodeClock(now_us, 0), count(now_us % 1_000_000_000 + 1), now_us)
    step_us = round(1_000_000 / rate_hz)
    sense_us, print_us = now_us + step_us, now_us
    while True:
        now_us = host.now_us()
        while sense_us <= now_us:
            if not resting:
                node.sense(link.Engage(-40, TAG), sense_us)
            sense_us += step_us
        if now_us >= print_us:
            print_us = now_us + PRINT_US
            counters = {"last": node.last_seq, "acknowledged": node.counters.acknowledged, "pending": node.pending}
            counters["contiguous"] = min((seq for _, seq in node._pending), default=node.last_seq + 1) - 1
            print(json.dumps({**counters, "overflow": node.counters.overflow, "resting": bool(resting)}), flush=True)
        for frame in node.poll(now_us):
            wire.write(frame)
        due_us = min(sense_us, print_us, node.next_due_us())
        writing = [wire] if wire.has_buffered else []
        if select.select([wire], writing, [], max(due_us - host.now_us(), 0) / 1_000_000)[1]:
            wire.flush()
        for frame in node.receive(wire.read(), host.now_us()):
            wire.write(frame)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
