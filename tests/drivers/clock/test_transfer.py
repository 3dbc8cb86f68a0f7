"""Bursts of time requests: all of them while the clock is learnt, then as few as one fast answer needs."""

from __future__ import annotations

from uuid import uuid4

from drivers.clock.filter import ClockFilter
from drivers.clock.transfer import BURST, PAUSES_NS, TimeTransfer

MS = 1_000_000


class Node:
    """Answers each request after a given round trip, and counts the requests."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * MS
        self.transfer = TimeTransfer(ClockFilter(uuid4(), uuid4()), self.now_ns)
        self.asked = 0

    def burst(self, round_trip_ns: int) -> int:
        """Run one burst and return the number of its requests."""
        before, rounds = self.asked, self.transfer.rounds
        self.now_ns = max(self.now_ns, self.transfer.due_ns)
        while self.transfer.rounds == rounds:
            self.now_ns = max(self.now_ns, self.transfer.due_ns)
            if self.transfer.poll(self.now_ns):
                self.asked += 1
                self.transfer.on_request(self.asked, self.now_ns)
                device_us = (self.now_ns + round_trip_ns // 2) // 1000
                self.transfer.on_response(self.asked, self.now_ns, device_us, device_us, self.now_ns + round_trip_ns)
        return self.asked - before


def test_every_burst_is_whole_while_the_clock_is_learnt() -> None:
    node = Node()
    assert [node.burst(MS) for _ in PAUSES_NS] == [BURST] * len(PAUSES_NS)


def test_one_fast_answer_ends_a_burst_of_a_learnt_clock() -> None:
    node = Node()
    for _ in PAUSES_NS:
        node.burst(MS)
    assert node.burst(MS) == 1
    assert node.burst(3 * MS) == BURST, "slow answers are compared with each other"
    assert node.burst(3 * MS) == 1
