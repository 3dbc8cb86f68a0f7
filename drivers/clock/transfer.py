"""Two-way time transfer: when to ask a device for its clock, and which of its answers to believe.

Pure: the host's monotonic nanoseconds come in. Bursts of eight questions, of which the least delayed one counts: that
is what Lab Streaming Layer and Klipper do, with about these numbers.
"""

from __future__ import annotations

from typing import Final

from drivers.clock.filter import ClockFilter, Probe

BURST: Final = 8
SPACING_NS: Final = 50_000_000
"""Between the questions of a burst. Not shorter: eight answers of one disturbed moment are all disturbed."""
PAUSES_NS: Final = (2_000_000_000, 4_000_000_000, 8_000_000_000, 10_000_000_000)
"""Between bursts: short at first to learn the rate, then the last one for ever."""
GOOD_NS: Final = 4_000_000
"""A first burst whose shortest round trip is longer is followed by others at once: the host was busy just then."""
HURRIED: Final = 4
"""So many of them; a way that is always as long as that must do."""
LATE_NS: Final = 250_000_000
"""An answer that took longer tells nothing; a question that old is forgotten."""
MAX_TICKS_US: Final = 1 << 60
"""36,000 years: a clock that says more is broken, and would not fit the database."""


class TimeTransfer:
    """Asks in bursts and feeds a :class:`drivers.clock.filter.ClockFilter`."""

    def __init__(self, clock: ClockFilter, now_ns: int) -> None:
        self._clock = clock
        self._open: dict[int, int] = {}
        self._probes: list[Probe] = []
        self._asked = 0
        self._bursts = 0
        self._hurried = 0
        self.rounds = 0
        """Bursts that are over, answered or not."""
        self.due_ns = now_ns
        """When :meth:`poll` has something to do."""

    def poll(self, now_ns: int) -> bool:
        """Whether to ask now; then :meth:`asked` is to follow. Ends a burst whose last answers did not come."""
        if now_ns < self.due_ns:
            return False
        if self._asked < BURST:
            return True
        self._finish(now_ns)
        return False

    def asked(self, number: int, now_ns: int) -> None:
        """Question ``number`` went out at ``now_ns``."""
        self._open[number] = now_ns
        self._asked += 1
        self.due_ns = now_ns + (SPACING_NS if self._asked < BURST else LATE_NS)

    def answered(self, number: int, sent_ns: int, heard_us: int, answered_us: int, received_ns: int) -> None:
        """An answer came. One to no open question is ignored: a repeat, or one that came too late."""
        if self._open.pop(number, None) != sent_ns or not 0 <= heard_us <= answered_us <= MAX_TICKS_US:
            return
        probe = Probe(sent_ns, heard_us, answered_us, received_ns)
        # Slightly less than nothing is a matter of rounding and rate; much less is a broken clock.
        if not -1_000_000 <= probe.round_trip_ns <= LATE_NS:
            return
        self._probes.append(probe)
        if self._asked == BURST and not self._open:
            self._finish(received_ns)

    def _finish(self, now_ns: int) -> None:
        probes, self._probes = self._probes, []
        self._open.clear()
        self._asked = 0
        self.rounds += 1
        if not probes:
            # Nobody answered. Ask again soon, and at once while there is no clock yet: nothing can be dated without.
            self.due_ns = now_ns + (SPACING_NS if self._bursts == 0 else PAUSES_NS[0])
            return
        slow = min(probe.round_trip_ns for probe in probes) > GOOD_NS
        if self._bursts == 0 and slow and self._hurried < HURRIED:
            self._hurried += 1
            self.due_ns = now_ns + SPACING_NS
        else:
            self.due_ns = now_ns + PAUSES_NS[min(self._bursts, len(PAUSES_NS) - 1)]
            self._bursts += 1
        self._clock.add_burst(probes)
