"""Ledger of one device: which events of each stream are durable, and the device's watermark. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from drivers.contract import Pulse, Stamp, StreamStart

PULSES_KEPT: Final = 64
"""Pulses that wait for an earlier event: a minute of heartbeats. A full list drops the oldest, which proves the least."""
QUIET_PULSES: Final = 3
"""Consecutive pulses without a pending event after which missing events are given up."""
STREAMS_KEPT: Final = 64
"""Device boots in the ledger.

A repeated event of a forgotten boot is written again, which changes nothing in the database; events that a forgotten boot
still owes no longer hold back the watermark, as after a restart of the daemon.
"""


Run = tuple[int, int]
"""First and last of consecutive numbers."""


class SequenceRuns:
    """A set of sequence numbers from 1 upwards, kept as runs: a month without a hole takes as little room as one event."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def contiguous_up_to(self, given_up_to: int = 0) -> int:
        """The last number before the first hole; numbers up to ``given_up_to`` count as present. 0 if 1 is missing."""
        place = bisect_right(self._firsts, given_up_to + 1) - 1
        return max(given_up_to, self._lasts[place]) if place >= 0 else given_up_to

    def __contains__(self, seq: int) -> bool:
        place = bisect_right(self._firsts, seq) - 1
        return place >= 0 and seq <= self._lasts[place]

    def add(self, first: int, last: int | None = None) -> None:
        """Add one number, or all from ``first`` to ``last``."""
        last = first if last is None else last
        firsts, lasts = self._firsts, self._lasts
        begin = bisect_right(firsts, first)
        if begin and lasts[begin - 1] >= first - 1:  # it touches the run before
            begin -= 1
            first = firsts[begin]
        end = bisect_right(firsts, last + 1)
        if end > begin:
            last = max(last, lasts[end - 1])
        firsts[begin:end], lasts[begin:end] = [first], [last]

    def add_all(self, runs: Iterable[Run | int]) -> None:
        """Add numbers, and runs by their first and last number."""
        for run in runs:
            if isinstance(run, int):
                self.add(run)
            else:
                self.add(*run)


@dataclass(slots=True)
class StreamLedger:
    """The events of one stream."""

    stored: SequenceRuns = field(default_factory=SequenceRuns)
    """In the database."""
    spooled: SequenceRuns = field(default_factory=SequenceRuns)
    """On this hub's disk: durable, but invisible to other processes."""
    quarantined: SequenceRuns = field(default_factory=SequenceRuns)
    """In the quarantine: refused by the database, kept for the operator."""
    owed_up_to: int = 0
    """Last event that the device announced at a boot and may still send."""
    given_up_to: int = 0
    """Missing events up to this one are no longer expected."""
    restored: bool = False
    """``stored`` includes the events that an earlier daemon stored."""
    start_not_stored: bool = False
    """The stream's start is not in the database."""

    @property
    def contiguous_up_to(self) -> int:
        """Every event up to this one is stored or given up."""
        return self.stored.contiguous_up_to(self.given_up_to)

    @property
    def owes(self) -> bool:
        """Some event that the device announced at a boot is missing."""
        return self.owed_up_to > 0 and self.contiguous_up_to < self.owed_up_to

    def holds(self, seq: int) -> bool:
        """Whether the event is durable."""
        return seq in self.stored or seq in self.spooled or seq in self.quarantined


@dataclass(frozen=True, slots=True)
class MissingEvents:
    """Events that are lost: the device keeps none of them, and neither database nor disk has them."""

    up_to: Mapping[UUID, int]
    """For each incomplete stream, the number up to which missing events are lost."""
    start_not_stored: UUID | None
    """A stream whose start is lost as well."""
    until: Stamp
    """Upper bound of the instants at which they happened."""

    @property
    def streams(self) -> list[UUID]:
        """The affected streams."""
        return [*self.up_to, *([self.start_not_stored] if self.start_not_stored else [])]


class DeviceLedger:
    """The ledgers of a device's streams, and its watermark: every event up to that instant is in the database.

    The watermark advances only while every earlier event of the stream is stored, never past an event that an earlier
    boot of the device still owes, never into a boot whose start is not stored, and not at all while it is held.
    """

    def __init__(self) -> None:
        self.current: UUID | None = None
        """The stream of the device's present boot."""
        self.watermark: Stamp | None = None
        self._streams: OrderedDict[UUID, StreamLedger] = OrderedDict()
        """The most recently used stream last."""
        self._pulses: deque[Pulse] = deque(maxlen=PULSES_KEPT)
        """Pulses of the current stream that wait for an earlier event."""
        self._quiet = 0
        """Consecutive pulses without a pending event."""
        self._last_quiet: Pulse | None = None
        self._held = False
        self._asked_of: UUID | None = None
        self._asked = StreamLedger()
        """The ledger of the stream that :meth:`holds` was last asked for."""

    def restore(self, stream_id: UUID, runs: Iterable[tuple[int, int]]) -> None:
        """Add the events that the database holds of a stream: first and last number of each run."""
        ledger = self._of(stream_id)
        ledger.restored = True
        for first, last in runs:
            ledger.stored.add(first, last)
        self._advance()

    def is_restored(self, stream_id: UUID) -> bool:
        """Whether :meth:`restore` was called for this stream."""
        return stream_id in self._streams and self._streams[stream_id].restored

    def not_restored(self) -> list[UUID]:
        """The streams that need :meth:`restore`: the current one, then those that owe events."""
        owing = [stream_id for stream_id, ledger in self._streams.items() if ledger.owes and stream_id != self.current]
        wanted = [*([self.current] if self.current else []), *owing]
        return [stream_id for stream_id in wanted if not self.is_restored(stream_id)]

    def holds(self, stream_id: UUID, seq: int) -> bool:
        """Whether this event is durable already: a repeat can be acknowledged at once."""
        if stream_id is not self._asked_of:  # the hash of a UUID costs more than the rest
            if stream_id not in self._streams:
                return False
            self._asked_of, self._asked = stream_id, self._streams[stream_id]
        return self._asked.holds(seq)

    def on_start(self, start: StreamStart) -> None:
        """A stream started. Its start and the events that earlier streams owe must be stored before the watermark moves."""
        self._turn_to(start.stream_id)
        ledger = self._of(start.stream_id)
        ledger.start_not_stored = True
        if start.last_seq:
            ledger.owed_up_to = start.last_seq
        if start.previous_stream_id is not None and start.previous_last_seq:
            self._of(start.previous_stream_id).owed_up_to = start.previous_last_seq

    def on_pulse(self, pulse: Pulse) -> None:
        """The device is alive. An undated pulse proves nothing about any instant and is ignored."""
        if pulse.stamp.uncertainty_s is None:
            return
        self._turn_to(pulse.stream_id)
        self._pulses.append(pulse)
        self._quiet = self._quiet + 1 if pulse.pending == 0 else 0
        if self._quiet:
            self._last_quiet = pulse
        self._advance()

    def mark_start_stored(self, stream_id: UUID) -> None:
        """The start of a stream is in the database."""
        if stream_id in self._streams:
            self._streams[stream_id].start_not_stored = False
        self._advance()

    def mark_stored(self, stream_id: UUID, *runs: Run | int) -> None:
        """Events of one stream are in the database: numbers, or first and last of runs of them."""
        self._of(stream_id).stored.add_all(runs)
        self._advance()

    def mark_spooled(self, stream_id: UUID, *runs: Run | int) -> None:
        """Events of one stream are on the disk."""
        self._of(stream_id).spooled.add_all(runs)

    def mark_quarantined(self, stream_id: UUID, *runs: Run | int) -> None:
        """Events of one stream are in the quarantine."""
        self._of(stream_id).quarantined.add_all(runs)

    def forget_spooled(self) -> None:
        """The spool was lost: its events are no longer durable and are accepted again if the device still has them."""
        for ledger in self._streams.values():
            ledger.spooled = SequenceRuns()

    def hold(self, held: bool) -> None:
        """Freeze the watermark, or release it: while the disk holds older events, newer ones prove nothing."""
        self._held = held
        self._advance()

    def missing_events(self) -> MissingEvents | None:
        """The events that are lost, or None while some may still arrive.

        An event is acknowledged only once it is durable. So when a device repeatedly reports no pending event, every
        event it announced is stored, spooled, quarantined (the caller checks the last two) or lost.
        """
        quiet, current = self._last_quiet, self.current
        if self._held or quiet is None or self._quiet < QUIET_PULSES or current is None or self.not_restored():
            return None
        up_to = {stream_id: ledger.owed_up_to for stream_id, ledger in self._streams.items() if ledger.owes}
        ledger = self._streams[current]
        if ledger.contiguous_up_to < (expected := max(quiet.last_seq, ledger.owed_up_to)):
            up_to[current] = expected
        start_not_stored = current if ledger.start_not_stored else None
        return MissingEvents(up_to, start_not_stored, quiet.stamp) if up_to or start_not_stored else None

    def give_up(self, missing: MissingEvents) -> None:
        """Stop waiting for these events. One that arrives all the same is stored."""
        for stream_id, last_seq in missing.up_to.items():
            if stream_id in self._streams:
                self._streams[stream_id].given_up_to = last_seq
        if missing.start_not_stored is not None:
            self.mark_start_stored(missing.start_not_stored)
        self._advance()

    def describe_gap(self) -> str | None:
        """The events that hold back the watermark, for messages; None without any."""
        for ledger in self._streams.values():
            if ledger.owes:
                return f"events up to {ledger.owed_up_to} of the previous boot"
        if self.current is not None and self._pulses:
            contiguous = self._streams[self.current].contiguous_up_to
            if contiguous < self._pulses[-1].last_seq:
                return f"event {contiguous + 1} of {self._pulses[-1].last_seq}"
        return None

    def incomplete_streams(self) -> list[UUID]:
        """The streams of which something must still be stored before the watermark can reach the last pulse."""
        owing = [stream_id for stream_id, ledger in self._streams.items() if ledger.owes and stream_id != self.current]
        if self.current is None:
            return owing
        ledger = self._streams[self.current]
        behind = bool(self._pulses) and ledger.contiguous_up_to < self._pulses[-1].last_seq
        return [*owing, self.current] if ledger.owes or ledger.start_not_stored or behind else owing

    def _turn_to(self, stream_id: UUID) -> None:
        if stream_id != self.current:
            self.current = stream_id
            self._of(stream_id)
            self._pulses.clear()
            self._quiet, self._last_quiet = 0, None

    def _of(self, stream_id: UUID) -> StreamLedger:
        if stream_id not in self._streams:
            self._streams[stream_id] = StreamLedger()
            while len(self._streams) > STREAMS_KEPT:
                del self._streams[next(known for known in self._streams if known != self.current)]
                self._asked_of = None
        self._streams.move_to_end(stream_id)
        return self._streams[stream_id]

    def _advance(self) -> None:
        if self._held or any(ledger.owes for ledger in self._streams.values()) or self.current is None:
            return
        ledger = self._streams[self.current]
        if ledger.start_not_stored:
            return
        contiguous = ledger.contiguous_up_to
        while self._pulses and self._pulses[0].last_seq <= contiguous:
            self.watermark = self._pulses.popleft().stamp
