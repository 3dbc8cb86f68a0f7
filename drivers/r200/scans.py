"""Tags that were read become scans: debounce, the last raw reads, stream and pulses. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from drivers.clock.instant import ClockPair
from drivers.contract import Reading, ReadingKind, Report, Source, Stamp
from drivers.host_stream import HostStream
from drivers.r200.codec import Notice

HEARTBEAT_S: Final = 1.0
"""Interval of pulses."""
HEARTBEAT_NS: Final = round(HEARTBEAT_S * 1e9)
COVERED_NS: Final = 500_000_000
"""Longest time between two answered inventories in which no arrow passes unseen: an archer holds it for longer."""
COVERED_POLLS: Final = 3
"""The same in intervals of inventories, where that is longer: a scanner with long intervals has arrows held for longer."""
LATENCY_S: Final = 0.05
"""Usual time from the reading of a tag to the arrival of its notice."""
RAW_READS_KEPT: Final = 100
TAGS_KEPT: Final = 256
"""Most tags that the debounce remembers; the one that was not seen for longest is forgotten, and counts as new."""
COMMAND_RAN: Final = "the reader ran a command"
NOT_ANSWERED: Final = "the reader did not answer"


@dataclass(frozen=True, slots=True)
class TagRead:
    """One reading of a tag."""

    notice: Notice
    at_ns: int
    """CLOCK_MONOTONIC at the arrival."""
    latency_ns: int = 0
    """Time from the request of the inventory to the arrival."""


@dataclass(frozen=True, slots=True)
class Round:
    """The tags that answered one inventory; one may answer several times."""

    reads: tuple[TagRead, ...]
    sent_ns: int
    """CLOCK_MONOTONIC when the inventory was requested."""
    ended_ns: int


class Debounce:
    """Decides which reads of a tag are scans."""

    def __init__(self, debounce_ns: int) -> None:
        """A tag that was not read for ``debounce_ns`` is scanned anew; 0 makes every read a scan."""
        self._debounce_ns = debounce_ns
        self._seen_ns: dict[bytes, int] = {}

    def on_read(self, epc: bytes, at_ns: int) -> bool:
        """Whether the read is a scan."""
        before_ns = self._seen_ns.pop(epc, None)
        self._seen_ns[epc] = at_ns
        if len(self._seen_ns) > TAGS_KEPT:
            del self._seen_ns[next(iter(self._seen_ns))]
        return before_ns is None or at_ns - before_ns >= self._debounce_ns


class ScanSession:
    """The readings of one open reader: scans with the rssi of their first read, stream starts and pulses."""

    def __init__(self, device_id: str, source: Source, host_boot_id: UUID, debounce_s: float, poll_ms: int = 0) -> None:
        self.stream = HostStream(host_boot_id)
        self.raw_reads: deque[TagRead] = deque(maxlen=RAW_READS_KEPT)
        """The last reads, oldest first."""
        self.counters: Counter[str] = Counter()
        self._device_id = device_id
        self._source = source
        self._debounce = Debounce(round(debounce_s * 1e9))
        self._longest_ns = max(COVERED_NS, COVERED_POLLS * poll_ms * 1_000_000)
        self._covered_ns: int | None = None
        """Instant up to which every scan is reported."""
        self._pulse_ns = 0
        self._has_run_command = False
        self._reports: deque[Report] = deque()

    def reports(self) -> Iterator[Report]:
        """The waiting reports; each is removed as it is taken."""
        while self._reports:
            yield self._reports.popleft()

    def on_command(self) -> None:
        """A command ran, during which no inventory was made for scans."""
        self._has_run_command = True

    def on_round(self, inventory: Round, pair: ClockPair) -> None:
        """An inventory of the plain reader was answered."""
        late = [read for read in inventory.reads if read.at_ns < inventory.sent_ns]
        if self._covered_ns is not None:
            self._read(late, pair)
        self._cover(inventory.sent_ns, pair)
        self._read(inventory.reads[len(late) :], pair)

    def _read(self, reads: Iterable[TagRead], pair: ClockPair) -> None:
        for read in reads:
            self.raw_reads.append(read)
            self.counters["reads"] += 1
            if self._debounce.on_read(read.notice.epc, read.at_ns):
                self._reports.append(self._scan(read, pair))

    def _cover(self, sent_ns: int, pair: ClockPair) -> None:
        before_ns, self._covered_ns = self._covered_ns, sent_ns
        has_run_command, self._has_run_command = self._has_run_command, False
        if before_ns is None:
            self._reports.append(self.stream.start(self._stamp(sent_ns, pair)))
        elif sent_ns - before_ns > self._longest_ns:
            self.counters["gaps"] += 1
            reason = COMMAND_RAN if has_run_command else NOT_ANSWERED
            self._reports.append(self.stream.start(self._stamp(sent_ns, pair), self._stamp(before_ns, pair), reason))
        elif sent_ns - self._pulse_ns >= HEARTBEAT_NS:
            self._reports.append(self.stream.pulse(self._stamp(sent_ns, pair)))
        else:
            return
        self._pulse_ns = sent_ns

    def _scan(self, read: TagRead, pair: ClockPair) -> Reading:
        return Reading(
            device_id=self._device_id,
            stream_id=self.stream.stream_id,
            seq=self.stream.next_seq(),
            kind=ReadingKind.SCAN,
            stamp=self.stream.stamp(read.at_ns, pair, max(LATENCY_S, read.latency_ns / 1e9)),
            received_at=pair.utc_of(read.at_ns),
            source=self._source,
            tag=read.notice.epc.hex(),
            rssi_dbm=read.notice.rssi_dbm,
        )

    def _stamp(self, at_ns: int, pair: ClockPair) -> Stamp:
        return self.stream.stamp(at_ns, pair, LATENCY_S)
