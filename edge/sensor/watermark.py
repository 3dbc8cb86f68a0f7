"""Up to when this device is known to have told everything: pure bookkeeping of sequence numbers and pulses."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from uuid import UUID

from drivers.contract import Pulse, Stamp, StreamStart
from edge.sensor.seqs import SeqRuns

PULSES_KEPT = 64
"""Pulses that wait for an earlier event: a minute of heartbeats. A newer pulse says more than an older one."""
STREAMS_KEPT = 64
"""Boots whose events are remembered. A repeat of an event of one before is stored once more, which changes nothing; and one
that still owes events is waited for no longer, as if the daemon had been started since."""


class Watermark:
    """Says "I would have reported anything up to here".

    It moves only when every earlier event of the stream is in the database, never past an event that a previous boot of
    the device still owes, never into a boot whose beginning is not stored, and not at all while something is spooled.
    """

    def __init__(self) -> None:
        self.stream_id: UUID | None = None
        self.stamp: Stamp | None = None
        self._stored: OrderedDict[UUID, SeqRuns] = OrderedDict()
        """Every stream that is remembered, the one that was spoken of last at the end."""
        self._kept: dict[UUID, SeqRuns] = {}
        self._restored: set[UUID] = set()
        self._unbegun: set[UUID] = set()
        self._pulses: deque[Pulse] = deque(maxlen=PULSES_KEPT)
        self._owed: dict[UUID, int] = {}
        self._held = False

    def restore(self, stream_id: UUID, runs: Iterable[tuple[int, int]]) -> None:
        """Learn what the database already holds of a stream: first and last number of each run."""
        self._restored.add(stream_id)
        stored = self._of(stream_id)
        for first, last in runs:
            stored.add(first, last)
        self._advance()

    def restored(self, stream_id: UUID) -> bool:
        """Whether :meth:`restore` was called for this stream."""
        return stream_id in self._restored

    def unrestored(self) -> list[UUID]:
        """The streams that :meth:`restore` should be called for, the current one first."""
        wanted = [*([self.stream_id] if self.stream_id else []), *self._owed]
        return [stream_id for stream_id in wanted if stream_id not in self._restored]

    def holds(self, stream_id: UUID, seq: int) -> bool:
        """Whether this event is durable already: a repeat can be acknowledged at once."""
        stored, kept = self._stored.get(stream_id), self._kept.get(stream_id)
        return (stored is not None and seq in stored) or (kept is not None and seq in kept)

    def start(self, start: StreamStart) -> None:
        """A stream began; what earlier ones owe must still come, and when this one began must still be stored."""
        if start.stream_id != self.stream_id:
            self.stream_id = start.stream_id
            self._pulses.clear()
        self._of(start.stream_id)
        self._unbegun.add(start.stream_id)
        if start.last_seq:
            self._owed[start.stream_id] = start.last_seq
        if start.previous_stream_id is not None and start.previous_last_seq:
            self._of(start.previous_stream_id)
            self._owed[start.previous_stream_id] = start.previous_last_seq

    def begun(self, stream_id: UUID) -> None:
        """A stream's beginning is in the database."""
        self._unbegun.discard(stream_id)
        self._advance()

    def pulse(self, pulse: Pulse) -> None:
        """The device lives; an undated pulse proves nothing about any instant."""
        if pulse.stamp.uncertainty_s is None:
            return
        if pulse.stream_id != self.stream_id:
            self.stream_id = pulse.stream_id
            self._pulses.clear()
        self._pulses.append(pulse)
        self._advance()

    def stored(self, stream_id: UUID, seq: int) -> None:
        """An event is in the database."""
        self._of(stream_id).add(seq)
        self._advance()

    def kept(self, stream_id: UUID, seq: int) -> None:
        """An event is durable, but not where others see it: spooled, or quarantined."""
        self._of(stream_id)
        self._kept.setdefault(stream_id, SeqRuns()).add(seq)

    def lost(self) -> None:
        """What was only spooled is durable no more: should the device still have it, it is wanted."""
        self._kept.clear()

    def hold(self, held: bool) -> None:
        """Stand still while older events than those just stored wait elsewhere."""
        self._held = held
        self._advance()

    def hole(self) -> str | None:
        """What the watermark waits for, for people; None when nothing is missing."""
        for stream_id, last_seq in self._owed.items():
            if self._whole(stream_id) < last_seq:
                return f"events up to {last_seq} of the boot before"
        if self.stream_id is not None and self._pulses:
            whole = self._whole(self.stream_id)
            if whole < self._pulses[-1].last_seq:
                return f"event {whole + 1} of {self._pulses[-1].last_seq}"
        return None

    def missing(self) -> list[UUID]:
        """The streams of which something must still be stored before it can move on."""
        streams = [stream_id for stream_id, last_seq in self._owed.items() if self._whole(stream_id) < last_seq]
        current = self.stream_id
        if current is not None and (
            current in self._unbegun or (self._pulses and self._whole(current) < self._pulses[-1].last_seq)
        ):
            streams.append(current)
        return streams

    def _whole(self, stream_id: UUID) -> int:
        stored = self._stored.get(stream_id)
        return 0 if stored is None else stored.whole

    def _of(self, stream_id: UUID) -> SeqRuns:
        if stream_id not in self._stored:
            self._stored[stream_id] = SeqRuns()
            while len(self._stored) > STREAMS_KEPT:
                self._forget(next(known for known in self._stored if known != self.stream_id))
        self._stored.move_to_end(stream_id)
        return self._stored[stream_id]

    def _forget(self, stream_id: UUID) -> None:
        for known in (self._stored, self._kept, self._owed):
            known.pop(stream_id, None)
        self._restored.discard(stream_id)
        self._unbegun.discard(stream_id)

    def _advance(self) -> None:
        if self._held or any(self._whole(stream_id) < last_seq for stream_id, last_seq in self._owed.items()):
            return
        self._owed.clear()
        if self.stream_id is None or self.stream_id in self._unbegun:
            return
        whole = self._whole(self.stream_id)
        while self._pulses and self._pulses[0].last_seq <= whole:
            self.stamp = self._pulses.popleft().stamp
