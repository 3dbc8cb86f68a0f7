"""Two-way time transfer: when to request a device's time, and which of its answers to use.

Pure: the host's monotonic nanoseconds come in. Requests go out in bursts of eight, and the answer with the shortest
round trip counts; Lab Streaming Layer and Klipper do the same with similar numbers.
"""

from __future__ import annotations

from typing import Final

from drivers.clock.filter import ClockFilter, Probe

BURST: Final = 8
"""Requests of one burst."""
SPACING_NS: Final = 50_000_000
"""Interval between the requests of a burst. A shorter one would let a single disturbance delay all of them."""
PAUSES_NS: Final = (2_000_000_000, 4_000_000_000, 8_000_000_000, 10_000_000_000)
"""Intervals between bursts: short at first to learn the rate; the last one repeats."""
GOOD_NS: Final = 4_000_000
"""Round trip above which a first burst is repeated at once, because the host was busy."""
HURRIED: Final = 4
"""Greatest number of such repetitions."""
FAST: Final = 1.5
"""Factor to the fastest round trip of the last burst. Once the clock is learnt, an answer within it ends a burst early."""
LATE_NS: Final = 250_000_000
"""Longest useful round trip; older requests are forgotten."""
MAX_TICKS_US: Final = 1 << 60
"""Greatest plausible device time (36,000 years); a greater one would not fit the database."""
_ROUNDING_NS: Final = 1_000_000
"""Tolerance of a round trip below zero, which rounding and the clock's rate explain."""


class TimeTransfer:
    """Schedules bursts of requests and feeds a :class:`drivers.clock.filter.ClockFilter`."""

    def __init__(self, clock: ClockFilter, now_ns: int) -> None:
        self._clock = clock
        self._open: dict[int, int] = {}
        self._probes: list[Probe] = []
        self._asked = 0
        self._bursts = 0
        self._hurried = 0
        self._fast_ns = 0
        """Longest round trip that ends a burst: the fastest of the last burst, and some."""
        self.rounds = 0
        """Number of finished bursts, with or without answers."""
        self.due_ns = now_ns
        """When to call :meth:`poll` next."""

    def poll(self, now_ns: int) -> bool:
        """Return whether to send a request now, to be followed by :meth:`on_request`. Ends a burst that timed out."""
        if now_ns < self.due_ns:
            return False
        if self._asked < BURST:
            return True
        self._finish(now_ns)
        return False

    def on_request(self, number: int, now_ns: int) -> None:
        """Record that request ``number`` was sent at ``now_ns``."""
        self._open[number] = now_ns
        self._asked += 1
        self.due_ns = now_ns + (SPACING_NS if self._asked < BURST else LATE_NS)

    def on_response(
        self, number: int, sent_ns: int, device_received_us: int, device_sent_us: int, received_ns: int
    ) -> None:
        """Process an answer. One without an open request is ignored: it is a repeat, or late."""
        if self._open.pop(number, None) != sent_ns or not 0 <= device_received_us <= device_sent_us <= MAX_TICKS_US:
            return
        probe = Probe(sent_ns, device_received_us, device_sent_us, received_ns)
        if not -_ROUNDING_NS <= probe.round_trip_ns <= LATE_NS:
            return
        self._probes.append(probe)
        is_as_fast_as_ever = self._bursts >= len(PAUSES_NS) and probe.round_trip_ns <= self._fast_ns
        if is_as_fast_as_ever or (self._asked == BURST and not self._open):
            self._finish(received_ns)

    def _finish(self, now_ns: int) -> None:
        probes, self._probes = self._probes, []
        self._open.clear()
        self._asked = 0
        self.rounds += 1
        if not probes:
            # Without an answer ask again soon, and at once while there is no clock: nothing can be dated without one.
            self.due_ns = now_ns + (SPACING_NS if self._bursts == 0 else PAUSES_NS[0])
            return
        fastest_ns = min(probe.round_trip_ns for probe in probes)
        self._fast_ns = round(max(fastest_ns, 0) * FAST)
        slow = fastest_ns > GOOD_NS
        if self._bursts == 0 and slow and self._hurried < HURRIED:
            self._hurried += 1
            self.due_ns = now_ns + SPACING_NS
        else:
            self.due_ns = now_ns + PAUSES_NS[min(self._bursts, len(PAUSES_NS) - 1)]
            self._bursts += 1
        self._clock.add_burst(probes)
