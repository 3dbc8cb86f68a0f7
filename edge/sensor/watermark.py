"""Up to when this device is known to have told everything: pure bookkeeping of sequence numbers and pulses."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from drivers.contract import Pulse, Stamp, StreamStart

PULSES_KEPT = 64
"""Pulses that wait for an earlier event: a minute of heartbeats. A newer pulse says more than an older one."""


@dataclass(slots=True)
class _Stream:
    whole: int = 0
    """Every event up to this number is stored."""
    beyond: set[int] = field(default_factory=set)
    """Stored events after a hole."""
    restored: bool = False
    """What an earlier daemon stored of it is known."""

    def store(self, seq: int) -> None:
        if seq > self.whole:
            self.beyond.add(seq)
        while self.whole + 1 in self.beyond:
            self.whole += 1
            self.beyond.discard(self.whole)


class Watermark:
    """Says "I would have reported anything up to here".

    It moves only when every earlier event of the stream is stored, and never past an event that a previous boot of
    the device still owes.
    """

    def __init__(self) -> None:
        self.stream_id: UUID | None = None
        self.stamp: Stamp | None = None
        self._streams: dict[UUID, _Stream] = {}
        self._pulses: deque[Pulse] = deque(maxlen=PULSES_KEPT)
        self._owed: dict[UUID, int] = {}

    def restore(self, stream_id: UUID, seqs: Iterable[int]) -> None:
        """Learn what the database already holds of a stream."""
        stream = self._stream(stream_id)
        stream.restored = True
        for seq in seqs:
            stream.store(seq)
        self._advance()

    def restored(self, stream_id: UUID) -> bool:
        """Whether :meth:`restore` was called for this stream."""
        return self._stream(stream_id).restored

    def unrestored(self) -> list[UUID]:
        """The streams that :meth:`restore` should be called for, the current one first."""
        wanted = [*([self.stream_id] if self.stream_id else []), *self._owed]
        return [stream_id for stream_id in wanted if not self._stream(stream_id).restored]

    def holds(self, stream_id: UUID, seq: int) -> bool:
        """Whether this event is stored already: a repeat can be acknowledged at once."""
        stream = self._streams.get(stream_id)
        return stream is not None and (seq <= stream.whole or seq in stream.beyond)

    def start(self, start: StreamStart) -> None:
        """A stream began; what the previous one owes must still come."""
        if start.stream_id != self.stream_id:
            self.stream_id = start.stream_id
            self._pulses.clear()
        if start.previous_stream_id is not None and start.previous_last_seq:
            self._owed[start.previous_stream_id] = start.previous_last_seq

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
        """An event is durable."""
        self._stream(stream_id).store(seq)
        self._advance()

    def hole(self) -> str | None:
        """What the watermark waits for, for people; None when nothing is missing."""
        for stream_id, last_seq in self._owed.items():
            if self._stream(stream_id).whole < last_seq:
                return f"events up to {last_seq} of the boot before"
        if self.stream_id is not None and self._pulses:
            whole = self._stream(self.stream_id).whole
            if whole < self._pulses[-1].last_seq:
                return f"event {whole + 1} of {self._pulses[-1].last_seq}"
        return None

    def _stream(self, stream_id: UUID) -> _Stream:
        return self._streams.setdefault(stream_id, _Stream())

    def _advance(self) -> None:
        if any(self._stream(stream_id).whole < last_seq for stream_id, last_seq in self._owed.items()):
            return
        self._owed.clear()
        if self.stream_id is None:
            return
        whole = self._stream(self.stream_id).whole
        while self._pulses and self._pulses[0].last_seq <= whole:
            self.stamp = self._pulses.popleft().stamp
