"""What the frames of one Arch-Stats link node mean: frames and time in, reports and frames out. Pure.

Each boot of the node is a stream. A new boot is believed only when a HELLO tells of it, so the session asks for one
when anything carries a boot id that it does not know. Until the clock of a new boot is learnt nothing of it is
reported, since a reading is dated once and for all; that wait is bounded.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from itertools import count
from typing import Final, get_args
from uuid import UUID

from drivers.clock.instant import ClockPair
from drivers.contract import ClockModel, Pulse, Report, Source, Stamp, stream_of
from drivers.errors import ProtocolError
from drivers.link.boot import Boot
from drivers.link.boot_clocks import StreamClocks
from drivers.link.codec import (
    ANY_NODE,
    Ack,
    Config,
    Event,
    Frame,
    Heartbeat,
    Hello,
    HelloRequest,
    Log,
    Message,
    Nak,
    NodeCapability,
    NodeKind,
    TimeRequest,
    TimeResponse,
    Unreadable,
    encode,
)
from drivers.link.readings import Origin, reading_of

HELLO_EVERY_NS: Final = 300_000_000
"""Between two questions who is there."""
REFINE_NS: Final = 7_000_000_000
"""How long an event of an earlier boot waits, with the node, for a clock that knows it to ``VAGUE_S``. It is dated once and
for all, and after three bursts the rate of the crystal is known."""
VAGUE_S: Final = 5e-3
REFINE_REST_NS: Final = 30_000_000_000
"""After such a wait there is none for so long: a node that reboots again and again would never be heard."""
DOUBT_NS: Final = 1_500_000_000
"""How long readings of a boot that is not known wait for its HELLO; then they are dropped, and come again."""
SURE_NS: Final = 1_000_000_000
"""A HELLO that comes so long after an event was said after it: its boot goes on, and that of the event is over."""
ALIVE_NS: Final = 1_500_000_000
"""A node that lives is heard at least so often: it beats each second."""
MAX_HELD: Final = 256
"""Frames that wait. A node has at most 32 events in flight."""
FORMER_KEPT: Final = 64
"""Earlier boots that are remembered."""
OTHERS_KEPT: Final = 8
_NEVER_NS: Final = 1 << 62
_EVENTS: Final = get_args(Event)


class LinkSession:
    """One node on one line.

    ``counters``: ``other_node`` and ``other_boot`` frames were ignored for where they come from, ``not_for_the_hub``
    for what they are; ``held_too_many``, ``doubtful`` and ``not_yet_dated`` events were dropped and come again.
    """

    def __init__(
        self, device_id: str, kind: NodeKind, node: int | None, clocks: Sequence[ClockModel], boot_id: UUID, now_ns: int
    ) -> None:
        """``node`` is the one listened to, None for the first that answers; ``boot_id`` is this host's."""
        self.counters: Counter[str] = Counter()
        self.node = node
        self.others: set[int] = set()
        """Some of the other nodes on this line."""
        self.boot: Boot | None = None
        """None before the node has said who it is."""
        self.heard_ns = now_ns
        """The node's last sign of life."""
        self.logs: list[Log] = []
        self.answers: list[tuple[int, Config | Nak]] = []
        """Answers to :meth:`request`, by its number."""
        self._device_id = device_id
        self._kind = kind
        self._clocks = StreamClocks(clocks, boot_id)
        self._boots: dict[UUID, int] = {}
        """Earlier boots of which events may come, or came."""
        self._former: set[UUID] = set()
        """Those of them that HELLO told of: they are over."""
        self._held: deque[tuple[Frame, int]] = deque()
        self._begun: deque[UUID] = deque(maxlen=FORMER_KEPT)
        self._refine_until_ns = -REFINE_REST_NS
        self._numbers = count(1)
        self._ask_at_ns: int | None = now_ns
        self._doubt_until_ns = _NEVER_NS
        self._reports: list[Report] = []
        self._out: list[bytes] = []

    @property
    def source(self) -> Source:
        """Whether what the node senses is real."""
        simulated = self.boot is not None and NodeCapability.SIMULATOR in self.boot.hello.capabilities
        return Source.SIMULATOR if simulated else Source.HARDWARE

    @property
    def due_ns(self) -> int:
        """When :meth:`poll` has something to do."""
        due = _NEVER_NS if self._ask_at_ns is None else self._ask_at_ns
        if self.boot is not None:
            if self.boot.transfer is not None:
                due = min(due, self.boot.transfer.due_ns)
            due = min(due, self._give_up_ns(self.boot))
        return due

    @property
    def has_reports(self) -> bool:
        """Whether :meth:`reports` has any."""
        return bool(self._reports)

    def reports(self) -> list[Report]:
        """What was learnt since the last call."""
        reports, self._reports = self._reports, []
        return reports

    def outgoing(self) -> list[bytes]:
        """Frames to send, since the last call."""
        frames, self._out = self._out, []
        return frames

    def request(self, message: Message) -> tuple[int, bytes]:
        """A numbered question to the node, and its frame."""
        number = next(self._numbers) & 0xFFFF_FFFF
        return number, encode(message, node=self._address, seq=number)

    def acknowledgement(self, stream_id: UUID, seq: int) -> bytes | None:
        """The frame that lets the node forget an event; None for a boot that is not remembered."""
        if self.boot is not None and stream_id == self.boot.stream_id:
            return encode(Ack(), node=self._address, boot_id=self.boot.boot_id, seq=seq)
        if stream_id in self._boots:
            return encode(Ack(), node=self._address, boot_id=self._boots[stream_id], seq=seq)
        return None

    def poll(self, now_ns: int, pair: ClockPair) -> None:
        """Do what time asks for: questions, and the end of waits that took too long."""
        if now_ns >= self._doubt_until_ns:
            known = deque(held for held in self._held if self._is_known(held[0].boot_id))
            self.counters["doubtful"] += len(self._held) - len(known)
            self._held = known
            self._end_doubt()
        if self._ask_at_ns is not None and now_ns >= self._ask_at_ns:
            self._out.append(self.request(HelloRequest())[1])
            self._ask_at_ns = now_ns + HELLO_EVERY_NS
        boot = self.boot
        if boot is None:
            return
        if boot.transfer is not None and now_ns >= boot.transfer.due_ns:
            if boot.transfer.poll(now_ns):
                number, frame = self.request(TimeRequest(now_ns))
                boot.transfer.asked(number, now_ns)
                self._out.append(frame)
            else:
                self._learn(boot, now_ns, pair)
        if now_ns >= self._give_up_ns(boot):
            self._begin(boot, now_ns, pair)

    def take(self, frame: Frame, at_ns: int, pair: ClockPair) -> None:
        """Take a frame whose first byte came at ``at_ns``. Raises ProtocolError when the node is of another kind."""
        if self.node is not None and frame.node != self.node:
            self._ignore_node(frame.node)
            return
        match frame.message:
            case Hello() as hello:
                self._hello(frame, hello, at_ns, pair)
            case Config() | Nak() as answer:
                self.answers.append((frame.seq, answer))
            case Heartbeat() | TimeResponse() | Log():
                self._present(frame, at_ns, pair)
            case message if isinstance(message, _EVENTS):
                self._event(frame, at_ns, pair)
            case Unreadable():  # the decoder has counted it
                return
            case _:
                self.counters["not_for_the_hub"] += 1
                return
        self.heard_ns = max(self.heard_ns, at_ns)

    def _give_up_ns(self, boot: Boot) -> int:
        """When the boot's clock is waited for no longer.

        Never while the line is dead, or another boot may go on: neither says anything of this one's clock.
        """
        give_up_ns = boot.give_up_ns
        if boot.begun or give_up_ns is None or self._ask_at_ns is not None or self.heard_ns <= give_up_ns - ALIVE_NS:
            return _NEVER_NS
        return give_up_ns

    @property
    def _address(self) -> int:
        return ANY_NODE if self.node is None else self.node

    def _stream(self, boot_id: int) -> UUID:
        return stream_of(self._device_id, self._address, boot_id)

    def _ignore_node(self, node: int) -> None:
        self.counters["other_node"] += 1
        if len(self.others) < OTHERS_KEPT:
            self.others.add(node)

    def _hello(self, frame: Frame, hello: Hello, at_ns: int, pair: ClockPair) -> None:
        if hello.kind != self._kind:
            other = (
                "a bow" if hello.kind == NodeKind.BOW else "a target" if hello.kind == NodeKind.TARGET else "another"
            )
            raise ProtocolError(
                f"{other} node (number {frame.node}, kind {hello.kind}) answers on this port",
                device=self._device_id,
                hint="Swap the cables, or correct ARCH_STATS_PORT or ARCH_STATS_DRIVER.",
            )
        self.node = frame.node
        if self._stream(frame.boot_id) in self._former:
            self.counters["other_boot"] += 1  # a HELLO that was under way when the node booted again
            return
        former = self.boot
        if former is not None and former.boot_id == frame.boot_id:
            former.hear(hello)
            self._remember(*(earlier.boot_id for earlier in former.earlier))
            if former.begun:
                self._release(pair, at_ns)
            if self._holds_unknown():
                self._doubt(at_ns)
            else:
                self._end_doubt()
            return
        if former is not None:
            self._remember(former.boot_id)
            if former.begun and (clock := former.last_clock()) is not None:
                self._reports.append(clock)
        boot = self.boot = Boot(self._device_id, frame.node, frame.boot_id, hello, self._clocks, at_ns)
        self._remember(*(earlier.boot_id for earlier in boot.earlier))
        self._end_doubt()
        if self._holds_unknown():
            self._doubt(at_ns)
        if boot.transfer is None:
            self._begin(boot, at_ns, pair)

    def _present(self, frame: Frame, at_ns: int, pair: ClockPair) -> None:
        """A message that only the present boot sends."""
        boot = self.boot
        if boot is not None and frame.boot_id != boot.boot_id:
            self.counters["other_boot"] += 1
            if self._stream(frame.boot_id) not in self._former:
                self._doubt(at_ns)
            return
        match frame.message:
            case Heartbeat() if boot is None or not boot.begun:
                self._hold(frame, at_ns)
            case Heartbeat():
                self._report(frame, at_ns, pair)
            case TimeResponse(t0, t1) if boot is not None and boot.transfer is not None:
                boot.transfer.answered(frame.seq, t0, t1, frame.t_us, at_ns)
                self._learn(boot, at_ns, pair)
            case Log() as log:
                self.logs.append(log)
            case _:
                self.counters["not_for_the_hub"] += 1

    def _event(self, frame: Frame, at_ns: int, pair: ClockPair) -> None:
        boot = self.boot
        if boot is None:
            self._hold(frame, at_ns)
        elif not self._is_known(frame.boot_id):
            # A new boot whose HELLO was lost, or an older one than those it lists: the answer will tell.
            self._hold(frame, at_ns)
            self._doubt(at_ns)
        elif boot.begun:
            self._report(frame, at_ns, pair)
        else:
            self._hold(frame, at_ns)

    def _is_known(self, boot_id: int) -> bool:
        """Whether it is known which boot this is, or at least how its clock goes."""
        stream_id = self._stream(boot_id)
        present = self.boot is not None and stream_id == self.boot.stream_id
        return present or stream_id in self._boots or self._clocks.get(stream_id) is not None

    def _doubt(self, now_ns: int) -> None:
        if self._ask_at_ns is None:
            self._ask_at_ns = now_ns
            self._doubt_until_ns = now_ns + DOUBT_NS

    def _holds_unknown(self) -> bool:
        return not all(self._is_known(frame.boot_id) for frame, _ in self._held)

    def _end_doubt(self) -> None:
        self._ask_at_ns = None
        self._doubt_until_ns = _NEVER_NS

    def _hold(self, frame: Frame, at_ns: int) -> None:
        if len(self._held) < MAX_HELD:
            self._held.append((frame, at_ns))
        else:
            self.counters["held_too_many"] += 1

    def _release(self, pair: ClockPair, hello_ns: int | None = None) -> None:
        """Report what was held, but for events of a boot that may just have begun."""
        held, self._held = self._held, deque()
        for frame, at_ns in held:
            surely_over = hello_ns is not None and hello_ns - at_ns >= SURE_NS
            if surely_over or self._is_known(frame.boot_id):
                self._report(frame, at_ns, pair, forgotten=surely_over)
            else:
                self._held.append((frame, at_ns))

    def _learn(self, boot: Boot, now_ns: int, pair: ClockPair) -> None:
        boot.learn()
        if not boot.begun and boot.ready:
            self._begin(boot, now_ns, pair)
        else:
            self._reports += boot.clock_news(now_ns)  # although it may not be good yet: the line may fail

    def _begin(self, boot: Boot, now_ns: int, pair: ClockPair) -> None:
        boot.begun = True
        starts = list(boot.starts(pair, self._begun))
        self._begun += [start.stream_id for start in starts]
        self._reports += [*starts, *boot.clock_news(now_ns)]
        self._release(pair)
        if self._holds_unknown():
            self._doubt(now_ns)

    def _remember(self, *boot_ids: int) -> None:
        self._former.update(self._stream(boot_id) for boot_id in boot_ids)
        self._may_come(*boot_ids)

    def _may_come(self, *boot_ids: int) -> None:
        self._boots.update((self._stream(boot_id), boot_id) for boot_id in boot_ids)
        while len(self._boots) > FORMER_KEPT:
            oldest = next(iter(self._boots))
            del self._boots[oldest]
            self._former.discard(oldest)
            self._clocks.forget(oldest)

    def _report(self, frame: Frame, at_ns: int, pair: ClockPair, *, forgotten: bool = False) -> None:
        boot = self.boot
        if boot is None or frame.node != self.node:  # held since before it was known which node answers
            self._ignore_node(frame.node)
            return
        present = frame.boot_id == boot.boot_id
        stream_id = boot.stream_id if present else self._stream(frame.boot_id)
        stamp, undated = self._clocks.date(stream_id, frame.t_us, at_ns, pair)
        match frame.message:
            case Heartbeat(last_seq, battery, rssi, pending):
                if present:
                    self._reports.append(Pulse(stream_id, last_seq, stamp, battery, rssi, pending))
                else:
                    self.counters["other_boot"] += 1
            case message if isinstance(message, _EVENTS):
                if not (present or forgotten) and self._is_to_be_refined(frame.boot_id, stamp):
                    self.counters["not_yet_dated"] += 1
                    return
                if not present:
                    self._may_come(frame.boot_id)
                self._reports.append(
                    reading_of(
                        message,
                        origin=Origin(self._device_id, self.source),
                        stream_id=stream_id,
                        seq=frame.seq,
                        stamp=stamp,
                        received_at=pair.utc_of(at_ns),
                        undated=undated,
                    )
                )

    def _is_to_be_refined(self, boot_id: int, stamp: Stamp) -> bool:
        """Whether it is worth while to let the node send an event of an earlier boot once more.

        A better clock may date it; and of a boot that HELLO has no room for now, the next one tells.
        """
        listed = self.boot is not None and any(boot.boot_id == boot_id for boot in self.boot.earlier)
        vague = stamp.uncertainty_s is None or stamp.uncertainty_s > VAGUE_S
        if not vague or (listed and not self._clocks.may_improve(self._stream(boot_id))):
            return False
        if self.heard_ns >= self._refine_until_ns + REFINE_REST_NS:
            self._refine_until_ns = self.heard_ns + REFINE_NS
        return self.heard_ns < self._refine_until_ns
