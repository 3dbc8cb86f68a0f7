"""Sans-IO protocol session of one Arch-Stats link node: frames and time in, reports and frames out.

Each boot of the node is a stream. Only a HELLO establishes a new boot, so the session requests one when a frame carries
an unknown boot id. A reading is dated once and for good, so nothing of a new boot is reported until its clock is known;
that wait is bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum, auto
from itertools import count
from typing import Final, get_args
from uuid import UUID

from drivers.clock.instant import ClockModel, ClockPair, Stamp
from drivers.contract import Pulse, Report, Source, stream_of
from drivers.link.boot import Boot, wrong_kind
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
from drivers.link.pending import FinishedBoot, FinishedBoots, PendingFrame, RefinementWindow, UnknownBoots
from drivers.link.readings import ReadingContext, reading_of

HELLO_EVERY_NS: Final = 300_000_000
"""Interval between HELLO requests."""
VAGUE_S: Final = 5e-3
"""Uncertainty above which an event of an earlier boot waits for a better clock."""
UNKNOWN_WITHIN_NS: Final = 1_500_000_000
"""How long frames of unknown boots wait for a HELLO; then they are dropped, and the node re-sends them."""
SURE_NS: Final = 1_000_000_000
"""Interval after which a HELLO was surely sent later than a pending event: the event's boot is over."""
ALIVE_NS: Final = 1_500_000_000
"""Longest interval between two frames of a running node, which sends a heartbeat each second."""
MAX_PENDING: Final = 256
"""Greatest number of pending frames. A node has at most 32 events in flight."""
OTHERS_KEPT: Final = 8  # for an error message
_NEVER_NS: Final = 1 << 62
_EVENTS: Final = get_args(Event)


class Phase(Enum):
    """Progress of a session with the node's present boot."""

    SEEKING = auto()
    """No HELLO has arrived yet."""
    SYNCING = auto()
    """The boot is known; its frames are pending until its clock is known."""
    LIVE = auto()
    """Frames are reported on arrival."""


class LinkSession:
    """Protocol session of one node on one line.

    ``counters``: ``other_node`` and ``other_boot`` frames were ignored for their origin, ``not_for_the_hub`` for their
    type; ``held_too_many``, ``doubtful`` and ``not_yet_dated`` events were dropped, and the node re-sends them.
    """

    def __init__(
        self, device_id: str, kind: NodeKind, node: int | None, clocks: Sequence[ClockModel], boot_id: UUID, now_ns: int
    ) -> None:
        """``node`` is the number of the wanted node, None for the first that answers; ``boot_id`` is this host's."""
        self.phase = Phase.SEEKING
        self.counters: Counter[str] = Counter()
        self.node = node
        self.other_nodes: set[int] = set()
        """Some of the other nodes on this line."""
        self.boot: Boot | None = None
        """The present boot; None while ``SEEKING``."""
        self.last_frame_ns = now_ns
        """Arrival of the node's last frame."""
        self.logs: list[Log] = []
        self.answers: list[tuple[int, Config | Nak]] = []
        """Answers to :meth:`request`, by its number."""
        self._device_id = device_id
        self._kind = kind
        self._clocks = StreamClocks(clocks, boot_id)
        self._finished_boots = FinishedBoots()
        self._unknown = UnknownBoots()
        self._unknown_until_ns = _NEVER_NS
        self._hello_due_ns: int | None = now_ns
        """When to request HELLO; None while none is awaited."""
        self._refinement = RefinementWindow()
        self._numbers = count(1)
        self._reports: list[Report] = []
        self._out: list[bytes] = []

    @property
    def source(self) -> Source:
        """Whether the node's events are real."""
        simulated = self.boot is not None and NodeCapability.SIMULATOR in self.boot.hello.capabilities
        return Source.SIMULATOR if simulated else Source.HARDWARE

    @property
    def due_ns(self) -> int:
        """When to call :meth:`poll` next."""
        due = _NEVER_NS if self._hello_due_ns is None else self._hello_due_ns
        if self.boot is not None:
            if self.boot.transfer is not None:
                due = min(due, self.boot.transfer.due_ns)
            due = min(due, self._sync_deadline_ns(self.boot))
        return due

    @property
    def has_reports(self) -> bool:
        """Whether :meth:`reports` returns any."""
        return bool(self._reports)

    def reports(self) -> list[Report]:
        """Take the reports since the last call."""
        reports, self._reports = self._reports, []
        return reports

    def outgoing(self) -> list[bytes]:
        """Take the frames to send since the last call."""
        frames, self._out = self._out, []
        return frames

    def request(self, message: Message) -> tuple[int, bytes]:
        """A numbered request to the node, and its frame."""
        number = next(self._numbers) & 0xFFFF_FFFF
        return number, encode(message, node=self._address, seq=number)

    def acknowledgement(self, stream_id: UUID, seq: int) -> bytes | None:
        """The frame that acknowledges an event; None for a boot that is not remembered."""
        boot: Boot | FinishedBoot | None = self.boot
        if boot is None or boot.stream_id != stream_id:
            boot = self._finished_boots.of_stream(stream_id)
        return None if boot is None else encode(Ack(), node=self._address, boot_id=boot.boot_id, seq=seq)

    def poll(self, now_ns: int, pair: ClockPair) -> None:
        """Queue the requests that are due, and end the waits whose deadline has passed."""
        if now_ns >= self._unknown_until_ns:
            self.counters["doubtful"] += self._unknown.clear()
            self._end_hello_wait()
        if self._hello_due_ns is not None and now_ns >= self._hello_due_ns:
            self._out.append(self.request(HelloRequest())[1])
            self._hello_due_ns = now_ns + HELLO_EVERY_NS
        boot = self.boot
        if boot is None:
            return
        if boot.transfer is not None and now_ns >= boot.transfer.due_ns:
            if boot.transfer.poll(now_ns):
                number, frame = self.request(TimeRequest(now_ns))
                boot.transfer.on_request(number, now_ns)
                self._out.append(frame)
            else:
                self._on_clock(boot, now_ns, pair)
        if now_ns >= self._sync_deadline_ns(boot):
            self._go_live(boot, now_ns, pair)

    def on_frame(self, frame: Frame, at_ns: int, pair: ClockPair) -> None:
        """Process a frame whose first byte arrived at ``at_ns``. Raises ProtocolError for a node of another kind."""
        if self.node is not None and frame.node != self.node:
            self._ignore_node(frame.node)
            return
        match frame.message:
            case Hello() as hello:
                self._on_hello(frame, hello, at_ns, pair)
            case Config() | Nak() as answer:
                self.answers.append((frame.seq, answer))
            case Heartbeat() | TimeResponse() | Log():
                self._on_present(frame, at_ns, pair)
            case message if isinstance(message, _EVENTS):
                self._on_event(frame, at_ns, pair)
            case Unreadable():  # the decoder has counted it
                return
            case _:
                self.counters["not_for_the_hub"] += 1
                return
        self.last_frame_ns = max(self.last_frame_ns, at_ns)

    @property
    def _address(self) -> int:
        return ANY_NODE if self.node is None else self.node

    def _stream(self, boot_id: int) -> UUID:
        return stream_of(self._device_id, self._address, boot_id)

    def _sync_deadline_ns(self, boot: Boot) -> int:
        """When the wait for the boot's clock ends.

        Never while the line is dead or another boot may be running: neither allows a conclusion about this one's clock.
        """
        deadline_ns = boot.sync_deadline_ns
        if self.phase is not Phase.SYNCING or deadline_ns is None or self._hello_due_ns is not None:
            return _NEVER_NS
        return deadline_ns if self.last_frame_ns > deadline_ns - ALIVE_NS else _NEVER_NS

    def _ignore_node(self, node: int) -> None:
        self.counters["other_node"] += 1
        if len(self.other_nodes) < OTHERS_KEPT:
            self.other_nodes.add(node)

    def _on_hello(self, frame: Frame, hello: Hello, at_ns: int, pair: ClockPair) -> None:
        if hello.kind != self._kind:
            raise wrong_kind(self._device_id, frame.node, hello.kind)
        if self.node is None:
            self.node = frame.node
        if self._finished_boots.is_listed(frame.boot_id):
            self.counters["other_boot"] += 1  # a HELLO that was in transit when the node rebooted
            return
        boot = self.boot
        if boot is not None and boot.boot_id == frame.boot_id:
            boot.on_hello(hello)
        else:
            boot = self._on_new_boot(frame, hello, at_ns)
        for earlier in boot.earlier:
            self._remember(earlier.boot_id).is_listed = True
        self._claim_pending(boot)
        if self.phase is Phase.LIVE:
            self._report_pending(boot, pair)
            self._report_surely_over(at_ns, pair)
        if self._unknown:
            self._await_hello(at_ns)
        else:
            self._end_hello_wait()
        if boot.transfer is None and self.phase is Phase.SYNCING:
            self._go_live(boot, at_ns, pair)

    def _on_new_boot(self, frame: Frame, hello: Hello, at_ns: int) -> Boot:
        for pending in self._unknown.remove_other_nodes(frame.node):
            self._ignore_node(pending.frame.node)
        former = self.boot
        if former is not None:
            finished = self._remember(former.boot_id)
            finished.is_listed, finished.start_reported = True, self.phase is Phase.LIVE
            finished.pending += former.pending
            if self.phase is Phase.LIVE and (clock := former.unreported_clock()) is not None:
                self._reports.append(clock)
        boot = self.boot = Boot(self._device_id, frame.node, frame.boot_id, hello, self._clocks, at_ns)
        boot.pending += self._finished_boots.remove(frame.boot_id)
        self.phase = Phase.SYNCING
        self._end_hello_wait()
        return boot

    def _on_present(self, frame: Frame, at_ns: int, pair: ClockPair) -> None:
        """Process a message that only the present boot sends."""
        boot = self.boot
        if boot is not None and frame.boot_id != boot.boot_id:
            self.counters["other_boot"] += 1
            if not self._finished_boots.is_listed(frame.boot_id):
                self._await_hello(at_ns)
            return
        if boot is not None:
            boot.may_be_over = False
        match frame.message:
            case Heartbeat():
                self._report_or_hold(boot, PendingFrame(frame, at_ns), pair)
            case TimeResponse(t0, t1) if boot is not None and boot.transfer is not None:
                boot.transfer.on_response(frame.seq, t0, t1, frame.t_us, at_ns)
                self._on_clock(boot, at_ns, pair)
            case Log() as log:
                self.logs.append(log)
            case _:
                self.counters["not_for_the_hub"] += 1

    def _on_event(self, frame: Frame, at_ns: int, pair: ClockPair) -> None:
        boot: Boot | FinishedBoot | None = self.boot
        if boot is not None and frame.boot_id != boot.boot_id:
            boot = self._known_finished(frame.boot_id)
            if boot is None:
                # The HELLO of a new boot, or the one that lists this earlier boot, was lost: the next one decides.
                self._await_hello(at_ns)
        self._report_or_hold(boot, PendingFrame(frame, at_ns), pair)

    def _report_or_hold(self, boot: Boot | FinishedBoot | None, pending: PendingFrame, pair: ClockPair) -> None:
        """Report a frame if its boot is known and the session is live; else it becomes pending."""
        if boot is not None and self.phase is Phase.LIVE:
            self._report(pending, pair)
        elif self._pending_count >= MAX_PENDING:
            self.counters["held_too_many"] += 1
        elif boot is None:
            self._unknown.add(pending)
        else:
            boot.pending.append(pending)

    @property
    def _pending_count(self) -> int:
        present = 0 if self.boot is None else len(self.boot.pending)
        return present + self._finished_boots.pending_count + len(self._unknown)

    def _known_finished(self, boot_id: int) -> FinishedBoot | None:
        """The finished boot of this id, if its events can be dated or no later HELLO will help to date them."""
        finished = self._finished_boots.get(boot_id)
        is_forgotten = finished is not None and finished.is_forgotten
        is_listed = self.boot is not None and self.boot.lists(boot_id)
        if is_forgotten or is_listed or self._clocks.can_date(self._stream(boot_id)):
            return self._remember(boot_id)
        return None

    def _remember(self, boot_id: int) -> FinishedBoot:
        finished = self._finished_boots.add(boot_id, self._stream(boot_id))
        for evicted in self._finished_boots.evict():
            self._clocks.remove(evicted.stream_id)
            self.counters["held_too_many"] += len(evicted.pending)
        return finished

    def _await_hello(self, now_ns: int) -> None:
        if self.boot is not None:
            self.boot.may_be_over = True
        if self._hello_due_ns is None:
            self._hello_due_ns, self._unknown_until_ns = now_ns, now_ns + UNKNOWN_WITHIN_NS

    def _end_hello_wait(self) -> None:
        self._hello_due_ns, self._unknown_until_ns = None, _NEVER_NS

    def _claim_pending(self, boot: Boot) -> None:
        """Move the frames of boots that are known by now to those boots."""
        boot.pending += self._unknown.take(boot.boot_id)
        for boot_id in self._unknown.boot_ids:
            finished = self._known_finished(boot_id)
            if finished is not None:
                finished.pending += self._unknown.take(boot_id)

    def _report_pending(self, boot: Boot, pair: ClockPair) -> None:
        """Report the pending frames of all known boots in the order of their arrival."""
        frames, boot.pending = [*self._finished_boots.take_pending(), *boot.pending], []
        for pending in sorted(frames, key=lambda frame: frame.at_ns):
            self._report(pending, pair)

    def _report_surely_over(self, hello_ns: int, pair: ClockPair) -> None:
        """Report the events of boots that HELLO does not list, if it was surely sent after them.

        The node may list a boot again that the session remembers, or one that had no room; its events stay there for a while.
        """
        for boot_id in self._unknown.older_than(hello_ns - SURE_NS):
            is_new = self._finished_boots.get(boot_id) is None and (self.boot is None or self.boot.has_room)
            self._remember(boot_id).is_forgotten = True
            for pending in self._unknown.take(boot_id):
                self._report(pending, pair, is_forgotten=is_new and pending.at_ns <= hello_ns - SURE_NS)

    def _on_clock(self, boot: Boot, now_ns: int, pair: ClockPair) -> None:
        boot.store_clock()
        if self.phase is Phase.SYNCING and boot.is_synchronised:
            self._go_live(boot, now_ns, pair)
        else:
            self._reports += boot.changed_clocks(now_ns)  # even a vague one, because the line may fail

    def _go_live(self, boot: Boot, now_ns: int, pair: ClockPair) -> None:
        self.phase = Phase.LIVE
        reported = {finished.boot_id for finished in self._finished_boots if finished.start_reported}
        for boot_id, start in boot.starts(pair, reported):
            self._reports.append(start)
            self._finished_boots.set_start_reported(boot_id)
        self._reports += boot.changed_clocks(now_ns)
        self._claim_pending(boot)
        self._report_pending(boot, pair)
        if self._unknown:
            self._await_hello(now_ns)

    def _report(self, pending: PendingFrame, pair: ClockPair, *, is_forgotten: bool = False) -> None:
        """Report an event or a heartbeat. ``is_forgotten``: no HELLO lists its boot any more."""
        frame, boot = pending.frame, self.boot
        is_present = boot is not None and frame.boot_id == boot.boot_id
        stream_id = boot.stream_id if boot is not None and is_present else self._stream(frame.boot_id)
        stamp, undated = self._clocks.date(stream_id, frame.t_us, pending.at_ns, pair)
        match frame.message:
            case Heartbeat(last_seq, battery, rssi, unacknowledged):
                if is_present:
                    self._reports.append(Pulse(stream_id, last_seq, stamp, battery, rssi, unacknowledged))
                else:
                    self.counters["other_boot"] += 1
            case message if isinstance(message, _EVENTS):
                if not (is_present or is_forgotten) and self._is_to_be_refined(frame.boot_id, stamp):
                    self.counters["not_yet_dated"] += 1
                    return
                received_at = pair.utc_of(pending.at_ns)
                context = ReadingContext(self._device_id, self.source, stream_id, stamp, received_at, undated)
                self._reports.append(reading_of(message, frame.seq, context))

    def _is_to_be_refined(self, boot_id: int, stamp: Stamp) -> bool:
        """Whether the node should re-send an event of an earlier boot later.

        A better clock may date it by then, or the next HELLO may list a boot that this one had no room for.
        """
        listed = self.boot is not None and self.boot.lists(boot_id)
        vague = stamp.uncertainty_s is None or stamp.uncertainty_s > VAGUE_S
        if not vague or (listed and not self._clocks.may_improve(self._stream(boot_id))):
            return False
        return self._refinement.is_open(self.last_frame_ns)
