"""State machine of a simulated Arch-Stats link node, independent of its sensors: bytes and time in, frames out.

It boots, sends HELLO and heartbeats, answers time requests, numbers its events, and keeps each until it is acknowledged:
re-sent oldest first, at most 32 in flight, also through a reboot. Time is the host instant in microseconds (see ``clock``).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

from drivers.link import codec as link
from simulators.devices.boot_history import BootHistory
from simulators.devices.clock import NodeClock
from simulators.devices.hurting_texts import HURTING_TEXTS, LONG_TEXT

HEARTBEAT_US = 1_000_000
RESEND_US = 500_000
MAX_IN_FLIGHT = 32
MAX_PENDING = 10_000
"""Most unacknowledged events of a node. Later ones are lost and counted; the hub sees the gap in their numbers."""

_INFORMATION = 6
_CAPABILITIES = (
    link.NodeCapability.ACKNOWLEDGES
    | link.NodeCapability.STAMPS_TIME
    | link.NodeCapability.CONFIGURABLE
    | link.NodeCapability.SIMULATOR
)


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """Properties of a node that a reboot does not change."""

    number: int
    """Address of the node on the link."""
    kind: link.NodeKind
    firmware: str
    battery_percent: int | None
    rssi_dbm: int | None
    answers_time: bool = True
    """False for a node that announces time stamps and never answers a time request."""


@dataclass(slots=True)
class _Pending:
    """An unacknowledged event, encoded with its boot, number and tick."""

    frame: bytes
    sent_us: int | None = None


@dataclass(slots=True)
class NodeCounters:
    """Counters of one node: frames sent, events lost."""

    sent: int = 0
    resent: int = 0
    acknowledged: int = 0
    refused: int = 0
    """Number of NAKs received."""
    not_mine: int = 0
    """Number of frames for another node, or of a type that only nodes send."""
    overflow: int = 0
    """Number of events lost because ``MAX_PENDING`` were unacknowledged."""
    blind: int = 0
    """Number of events lost because the node was rebooting."""


class SimulatedLinkNode:
    """One node. Every method that takes ``now_us`` must be called with times that do not go back."""

    def __init__(self, spec: NodeSpec, clock: NodeClock, boot_ids: Iterator[int], now_us: int) -> None:
        self.counters = NodeCounters()
        self._spec = spec
        self._clock = clock
        self._boot_ids = boot_ids
        self._decoder = link.LinkDecoder()
        # An OrderedDict, because iterating a plain dict whose oldest entries were removed is slow.
        self._pending: OrderedDict[tuple[int, int], _Pending] = OrderedDict()
        self._firmware = spec.firmware
        self._config = link.Config(threshold=100, window_ms=50)
        self._frame_began_us = now_us
        self._reported_tick = 0
        self._sent_hello = False
        self._history = BootHistory()
        self._start(now_us)

    @property
    def boot_id(self) -> int:
        """Id of the current boot; never 0."""
        return self._boot_id

    @property
    def last_seq(self) -> int:
        """Number of the last event of the current boot."""
        return self._last_seq

    @property
    def config(self) -> link.Config:
        """The settings that are active."""
        return self._config

    @property
    def pending(self) -> int:
        """Number of unacknowledged events."""
        return len(self._pending)

    def is_up(self, now_us: int) -> bool:
        """Whether the node runs: False while it boots."""
        return now_us >= self._up_us

    def sense(self, event: link.Event, at_us: int) -> None:
        """Number and keep an event that happened at ``at_us``. Must be called before ``poll`` of that instant."""
        if not self.is_up(at_us):
            self.counters.blind += 1
            return
        self._last_seq += 1
        if len(self._pending) >= MAX_PENDING:
            self.counters.overflow += 1
            return
        # A heartbeat reports every event up to its tick: a later event must not share that tick.
        tick = max(self._clock.ticks(at_us), self._reported_tick + 1)
        self._pending[self._boot_id, self._last_seq] = _Pending(self._encode(event, self._last_seq, tick))

    def poll(self, now_us: int) -> list[bytes]:
        """Return the frames that are due: HELLO, events, heartbeat. Every event up to ``now_us`` must have been sensed."""
        if not self.is_up(now_us):
            return []
        frames: list[bytes] = []
        if not self._sent_hello:
            self._sent_hello = True
            frames.append(self._hello(now_us))
            frames.append(self._frame(link.Log(_INFORMATION, f"{self._firmware} started"), 0, now_us))
        elif self._hello_due():
            frames.append(self._hello(now_us))
        frames.extend(self._due_events(now_us))
        if now_us >= self._beat_us:
            self._beat_us += HEARTBEAT_US * ((now_us - self._beat_us) // HEARTBEAT_US + 1)
            frames.append(self._heartbeat(now_us))
        return frames

    def next_due_us(self) -> int:
        """Return the instant at which ``poll`` has work again, if nothing is sensed or received before."""
        if not self._sent_hello or self._hello_due():
            return self._up_us
        resends = [0 if pending.sent_us is None else pending.sent_us + RESEND_US for pending in self._in_flight()]
        return min([self._beat_us, *resends])

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Process bytes from the hub and return the answers. A booting node ignores them."""
        if not self.is_up(now_us):
            return []
        if self._decoder.held == 0:
            self._frame_began_us = now_us
        frames: list[bytes] = []
        for frame in self._decoder.feed(data):
            frames.extend(self._answer(frame, now_us))
            self._frame_began_us = now_us
        return frames

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Stop at ``now_us`` and start again ``blind_us`` later, with a new boot id and tick 0.

        Unacknowledged events and the configuration survive; a partial frame does not.
        """
        ran_us = self._clock.ticks(now_us)
        pause_us = self._clock.pause_us(now_us, now_us + blind_us)
        self._history.ended(self._boot_id, self._last_seq, ran_us, pause_us, self._kept())
        self._clock = self._clock.booted_at(now_us + blind_us)
        self._decoder = link.LinkDecoder()
        self._reported_tick = 0
        for pending in self._pending.values():
            pending.sent_us = None
        self._start(now_us + blind_us)

    def hurting_texts(self, number: int, now_us: int) -> list[bytes]:
        """Take a name that hurts, chosen by ``number``, and return frames with it; none while the node boots."""
        if not self.is_up(now_us):
            return []
        self._firmware = HURTING_TEXTS[number % len(HURTING_TEXTS)]
        texts = (self._firmware, LONG_TEXT)
        return [self._hello(now_us), *(self._frame(link.Log(_INFORMATION, text), 0, now_us) for text in texts)]

    def _start(self, up_us: int) -> None:
        self._boot_id = next(self._boot_ids)
        self._last_seq = 0
        self._up_us = up_us
        self._beat_us = up_us
        self._sent_hello = False
        self._announced = frozenset((self._boot_id,))

    def _kept(self) -> Counter[int]:
        """Return the number of unacknowledged events by boot."""
        return Counter(boot_id for boot_id, _ in self._pending)

    def _in_flight(self) -> Iterable[_Pending]:
        """Return the oldest events: the only ones that are sent, and none of a boot that HELLO did not list."""
        oldest = islice(self._pending.items(), MAX_IN_FLIGHT)
        return (pending for _, pending in takewhile(lambda item: item[0][0] in self._announced, oldest))

    def _hello_due(self) -> bool:
        """Whether the next events belong to a boot that HELLO did not list."""
        oldest = next(iter(self._pending), None)
        return oldest is not None and oldest[0] not in self._announced

    def _due_events(self, now_us: int) -> list[bytes]:
        frames: list[bytes] = []
        for pending in self._in_flight():
            if pending.sent_us is None:
                self.counters.sent += 1
            elif now_us >= pending.sent_us + RESEND_US:
                self.counters.resent += 1
            else:
                continue
            pending.sent_us = now_us
            frames.append(pending.frame)
        return frames

    def _answer(self, frame: link.Frame, now_us: int) -> list[bytes]:
        if frame.node not in (self._spec.number, link.ANY_NODE):
            self.counters.not_mine += 1
            return []
        match frame.message:
            case link.Ack():
                return self._acknowledge(frame, now_us)
            case link.TimeRequest() if not self._spec.answers_time:
                return []
            case link.TimeRequest(t0=t0):
                t1 = self._clock.ticks(self._frame_began_us)
                return [self._frame(link.TimeResponse(t0, t1), frame.seq, now_us)]
            case link.HelloRequest():
                self._sent_hello = True
                return [self._hello(now_us)]
            case link.Config() as config:
                self._config = config
                return [self._frame(self._config, frame.seq, now_us)]
            case link.ConfigRead():
                return [self._frame(self._config, frame.seq, now_us)]
            case link.Unreadable(code=code):
                refusal = link.Nak(code)
                return [self._encode(refusal, frame.seq, self._clock.ticks(now_us), boot_id=frame.boot_id)]
            case link.Nak():
                self.counters.refused += 1
            case _:
                self.counters.not_mine += 1
        return []

    def _acknowledge(self, frame: link.Frame, now_us: int) -> list[bytes]:
        """Remove the event and return the events that may be sent in its place."""
        if self._pending.pop((frame.boot_id, frame.seq), None) is None:
            return []
        self.counters.acknowledged += 1
        return self._due_events(now_us)

    def _hello(self, now_us: int) -> bytes:
        spec = self._spec
        earlier = self._history.listed(self._kept())
        self._announced = frozenset((self._boot_id, *(boot.boot_id for boot in earlier)))
        hello = link.Hello(spec.kind, _CAPABILITIES, self._history.blind_us, self._firmware, earlier)
        return self._frame(hello, self._last_seq, now_us)

    def _heartbeat(self, now_us: int) -> bytes:
        spec = self._spec
        pending = min(len(self._pending), 0xFFFF)
        beat = link.Heartbeat(self._last_seq, spec.battery_percent, spec.rssi_dbm, pending)
        return self._frame(beat, 0, now_us)

    def _frame(self, message: link.Message, seq: int, now_us: int) -> bytes:
        self._reported_tick = self._clock.ticks(now_us)
        return self._encode(message, seq, self._reported_tick)

    def _encode(self, message: link.Message, seq: int, tick: int, *, boot_id: int | None = None) -> bytes:
        boot_id = self._boot_id if boot_id is None else boot_id
        return link.encode(message, node=self._spec.number, boot_id=boot_id, seq=seq, t_us=tick)
