"""Up to when this device is known to have told everything: pure bookkeeping of sequence numbers and pulses."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from drivers.contract import Pulse, Stamp, StreamStart
from edge.sensor.queue.seqs import SeqRuns

PULSES_KEPT = 64
"""Pulses that wait for an earlier event: a minute of heartbeats. A newer pulse says more than an older one."""
QUIET_PULSES = 3
"""So many times in a row the device must say that it keeps nothing before what is missing is given up."""
STREAMS_KEPT = 64
"""Boots whose events are remembered. A repeat of an event of one before is stored once more, which changes nothing; and one
that still owes events is waited for no longer, as if the daemon had been started since."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Events that will never come: the device has told that it keeps none, and nothing here has them."""

    up_to: Mapping[UUID, int]
    """Of each stream the number up to which what is missing is lost."""
    unbegun: UUID | None
    """A stream of which the beginning was lost, too."""
    until: Stamp
    """They happened before this."""


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
        self._spooled: dict[UUID, SeqRuns] = {}
        self._quarantined: dict[UUID, SeqRuns] = {}
        self._given_up: dict[UUID, int] = {}
        self._quiet = 0
        """Heartbeats in a row that told of nothing kept."""
        self._told_all: Pulse | None = None
        """The last of them."""
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
        return any(seq in known.get(stream_id, ()) for known in (self._stored, self._spooled, self._quarantined))

    def start(self, start: StreamStart) -> None:
        """A stream began; what earlier ones owe must still come, and when this one began must still be stored."""
        self._turn_to(start.stream_id)
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
        self._turn_to(pulse.stream_id)
        self._pulses.append(pulse)
        self._quiet = self._quiet + 1 if pulse.pending == 0 else 0
        if self._quiet:
            self._told_all = pulse
        self._advance()

    def stored(self, stream_id: UUID, seq: int) -> None:
        """An event is in the database."""
        self._of(stream_id).add(seq)
        self._advance()

    def spooled(self, stream_id: UUID, seq: int) -> None:
        """An event is durable, but not where others see it."""
        self._of(stream_id)
        self._spooled.setdefault(stream_id, SeqRuns()).add(seq)

    def quarantined(self, stream_id: UUID, seq: int) -> None:
        """An event can never be stored, and is where people find it."""
        self._of(stream_id)
        self._quarantined.setdefault(stream_id, SeqRuns()).add(seq)

    def lost(self) -> None:
        """What was only spooled is durable no more: should the device still have it, it is wanted."""
        self._spooled.clear()

    def loss(self) -> Loss | None:
        """What the device does not have any more either, when it has said so often enough; None when nothing is missing.

        An event is acknowledged only once it is durable. So what a device without any kept event has told of is stored,
        or waits in the spool or the quarantine of which the caller knows, or is gone.
        """
        told, current = self._told_all, self.stream_id
        if self._held or told is None or self._quiet < QUIET_PULSES or current is None or self.unrestored():
            return None
        wanted = self._owed | {current: max(told.last_seq, self._owed.get(current, 0))}
        up_to = {stream_id: last for stream_id, last in wanted.items() if self._whole(stream_id) < last}
        unbegun = current if current in self._unbegun else None
        return Loss(up_to, unbegun, told.stamp) if up_to or unbegun else None

    def give_up(self, loss: Loss) -> None:
        """Wait for these no longer. One that comes all the same is stored."""
        self._given_up |= loss.up_to
        if loss.unbegun is not None:
            self._unbegun.discard(loss.unbegun)
        self._advance()

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
        stored, given_up = self._stored.get(stream_id), self._given_up.get(stream_id, 0)
        return given_up if stored is None else stored.whole_past(given_up)

    def _turn_to(self, stream_id: UUID) -> None:
        if stream_id != self.stream_id:
            self.stream_id = stream_id
            self._pulses.clear()
            self._quiet, self._told_all = 0, None

    def _of(self, stream_id: UUID) -> SeqRuns:
        if stream_id not in self._stored:
            self._stored[stream_id] = SeqRuns()
            while len(self._stored) > STREAMS_KEPT:
                self._forget(next(known for known in self._stored if known != self.stream_id))
        self._stored.move_to_end(stream_id)
        return self._stored[stream_id]

    def _forget(self, stream_id: UUID) -> None:
        for known in (self._stored, self._spooled, self._quarantined, self._owed, self._given_up):
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
