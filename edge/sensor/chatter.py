"""Finds the readings of one device that are more than archers can shoot. Pure: reports in, decisions out.

A loose cable or a low threshold makes a sensor report thousands of events a second. They stay readings, but as shots they would
keep the assembler busy for nothing. True events may hide among them, so the device counts as blind meanwhile.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from drivers.contract import Reading, ReadingKind, Stamp
from edge.sensor.queue.inbox import ReportKey, Storable, key_of

LIMIT: Final = 60
"""Readings of one kind within :data:`WINDOW_S` after which further ones are surplus.

Four archers on one butt who each shoot an arrow every 3 s make 40 landings in 30 s.
"""
WINDOW_S: Final = 30.0
BLIND_AFTER_S: Final = 10.0
"""Length of a blind interval beyond the surplus reading that begins it; the next surplus reading after it begins another."""
DECISIONS_KEPT: Final = 4000
"""Decisions about readings that are not stored yet: several batches of the writer."""
_WINDOW_NS: Final = round(WINDOW_S * 1e9)
_BLIND_AFTER: Final = timedelta(seconds=BLIND_AFTER_S)
_KIND_TEXTS: Final = {
    ReadingKind.ENGAGE: "nockings",
    ReadingKind.RELEASE: "releases",
    ReadingKind.LANDING: "landings",
    ReadingKind.TAGS: "lists of tags",
    ReadingKind.PIN: "calibration points",
    ReadingKind.SCAN: "scans",
}


@dataclass(frozen=True, slots=True)
class BlindInterval:
    """An interval in which true events may hide among surplus readings."""

    id: UUID
    """The same for the same reading, so that storing it again changes nothing."""
    since: Stamp
    until: Stamp


@dataclass(frozen=True, slots=True)
class Judgement:
    """The surplus readings of one batch, and the blind intervals to store with them."""

    surplus: frozenset[ReportKey] = frozenset()
    blind: tuple[BlindInterval, ...] = ()

    def flags(self, readings: Sequence[Reading]) -> list[bool]:
        """For each reading, whether it is surplus."""
        if not self.surplus:
            return [False] * len(readings)
        return [key_of(reading) in self.surplus for reading in readings]


NOTHING_SURPLUS: Final = Judgement()


@dataclass(slots=True)
class _Window:
    """The latest readings of one kind, by CLOCK_MONOTONIC."""

    stamps: list[tuple[int, Stamp]] = field(default_factory=list)
    """At most :data:`LIMIT`, in the order of their instants."""
    counted: int = 0
    """Readings since ``since_ns``, for the message."""
    since_ns: int | None = None
    """None until a reading is surplus."""
    newest_ns: int = 0

    def take(self, mono_ns: int, stamp: Stamp) -> Stamp | None:
        """Add a reading. Returns the oldest of the window when the reading is surplus."""
        stamps = self.stamps
        begin = bisect_right(stamps, mono_ns - _WINDOW_NS, key=_mono_ns)
        before = bisect_right(stamps, mono_ns, key=_mono_ns) - begin
        oldest = stamps[begin][1] if before >= LIMIT else None
        insort(stamps, (mono_ns, stamp), key=_mono_ns)
        if len(stamps) > LIMIT:
            del stamps[0]
        self.newest_ns = max(self.newest_ns, mono_ns)
        if oldest is not None and self.since_ns is None:
            self.since_ns, self.counted = oldest.mono_ns, LIMIT
        self.counted += 1
        return oldest


def _mono_ns(entry: tuple[int, Stamp]) -> int:
    return entry[0]


class ChatterFilter:
    """Decides which readings of one device are surplus, in the order in which they arrive.

    A reading is surplus when :data:`LIMIT` readings of its kind lie in the :data:`WINDOW_S` before it, by the events' own
    instants. An undated reading is never surplus and is not counted: all events of a backlog would have one instant.
    """

    def __init__(self) -> None:
        self._windows: defaultdict[ReadingKind, _Window] = defaultdict(_Window)
        self._host_boot_id: UUID | None = None
        self._decided: OrderedDict[ReportKey, bool] = OrderedDict()
        """Decisions about readings that are not stored yet: a batch is offered again after a failed write."""
        self._blind: tuple[BlindInterval, ...] = ()
        """Blind intervals that are not stored yet."""
        self._covered_ns = (0, 0)
        """Start and end of the time that blind intervals cover."""
        self._chattering: ReadingKind | None = None
        """The kind of the latest surplus reading."""

    def judge(self, reports: Iterable[Storable]) -> Judgement:
        """Decide about the readings of a batch. A reading that is judged again keeps its decision."""
        surplus: list[ReportKey] = []
        for report in reports:
            if not isinstance(report, Reading):
                continue
            key = key_of(report)
            is_surplus = self._decided.get(key)
            if is_surplus is None:
                is_surplus = self._decided[key] = self._is_surplus(report)
            if is_surplus:
                surplus.append(key)
        while len(self._decided) > DECISIONS_KEPT:
            self._decided.popitem(last=False)
        return Judgement(frozenset(surplus), self._blind) if surplus else NOTHING_SURPLUS

    def on_stored(self, reports: Iterable[Storable]) -> int:
        """Forget the decisions about stored or quarantined reports; returns how many were surplus.

        Blind intervals are stored in the transaction of a surplus reading.
        """
        surplus = sum(self._decided.pop(key_of(report), False) for report in reports)
        if surplus:
            self._blind = ()
        return surplus

    def describe(self) -> str:
        """The readings since the last call in numbers, for the operator; empty when none was surplus."""
        if self._chattering is None:
            return ""
        window = self._windows[self._chattering]
        seconds = max((window.newest_ns - (window.since_ns or 0)) / 1e9, 0.1)
        text = f"{window.counted:,} {_KIND_TEXTS[self._chattering]} in {seconds:.{0 if seconds >= 10 else 1}f} s"
        window.counted, window.since_ns = 0, window.newest_ns
        return f"{text} are more than archers can shoot: kept as readings, left out of shots"

    def end_chatter(self) -> None:
        """The device was quiet for a while: numbers begin anew with the next surplus reading."""
        self._chattering = None
        for window in self._windows.values():
            window.since_ns = None

    def _is_surplus(self, reading: Reading) -> bool:
        stamp = reading.stamp
        if stamp.uncertainty_s is None or stamp.mono_ns is None:
            return False
        if stamp.host_boot_id != self._host_boot_id:  # its clock is another
            self._host_boot_id = stamp.host_boot_id
            self._windows.clear()
            self._covered_ns = (0, 0)
        oldest = self._windows[reading.kind].take(stamp.mono_ns, stamp)
        if oldest is None:
            return False
        self._chattering = reading.kind
        self._cover(reading, stamp.mono_ns, oldest)
        return True

    def _cover(self, reading: Reading, mono_ns: int, oldest: Stamp) -> None:
        """Begin a blind interval unless one covers the reading."""
        covered_since, covered_until = self._covered_ns
        if covered_since <= mono_ns <= covered_until or oldest.mono_ns is None:
            return
        until_ns = mono_ns + round(BLIND_AFTER_S * 1e9)
        until = replace(reading.stamp, at=reading.stamp.at + _BLIND_AFTER, mono_ns=until_ns)
        interval = BlindInterval(uuid5(reading.stream_id, f"chatter {reading.seq}"), oldest, until)
        self._blind = (*self._blind, interval)
        is_connected = covered_since <= oldest.mono_ns <= covered_until
        self._covered_ns = (covered_since if is_connected else oldest.mono_ns, until_ns)
