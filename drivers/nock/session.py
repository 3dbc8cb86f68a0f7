"""Sans-IO session of one nock switch: edges, looks and time in, reports out.

A look at the levels stands for the heartbeat. A pulse is dated back, so that every edge before it had the time to arrive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from drivers.clock.instant import ClockPair
from drivers.contract import Reading, ReadingKind, Report, Source
from drivers.host_stream import HostStream
from drivers.nock.debounce import Change, Debounce
from drivers.nock.gates import Gates, Passage

NOCK: Final = "nock"
GATES: Final = ("A", "B")
"""Names of the inputs."""
LAG_NS: Final = 20_000_000
"""Time that an edge gets to come from the kernel before a burst counts as over."""
DELIVERY_NS: Final = 250_000_000
"""Longest time from an edge to its arrival here, on a busy machine; a later one is counted."""
EDGE_UNCERTAINTY_S: Final = 0.0005
"""Latency of the kernel's interrupt, which stamps the edge: microseconds, and rarely more."""
NO_TAG: Final = "the switch reads no tag"
LATE: Final = "edges were lost; the time is that of two looks at the switch"


@dataclass(slots=True)
class SessionCounters:
    """Counts of the pins' edges."""

    edges_late: int = 0
    """Edges that arrived after a pulse that had promised their absence."""
    gate_edges: int = 0


class NockSession:
    """The present opening of one switch. Instants are CLOCK_MONOTONIC in nanoseconds."""

    def __init__(
        self,
        device_id: str,
        source: Source,
        host_boot_id: UUID,
        *,
        settle_ns: int,
        gate_mm: float,
        active: Mapping[str, bool],
        at_ns: int,
        pair: ClockPair,
    ) -> None:
        """``active`` is the first look at the inputs: the switch is engaged, a gate is blocked."""
        self.stream = HostStream(host_boot_id)
        self._device_id = device_id
        self._source = source
        self._switch = Debounce(settle_ns, active[NOCK], at_ns)
        gates = {name: active[name] for name in GATES if name in active}
        self._gates = Gates(gate_mm, gates) if gates else None
        self._counters = SessionCounters()
        self._released: Change | None = None
        """A release whose cause the gates have not decided."""
        self._last_edge_ns = at_ns
        self._last_event_ns = at_ns
        self._promised_ns = at_ns
        self._reports: deque[Report] = deque()
        self._reports.append(self.stream.start(self.stream.stamp(at_ns, pair, EDGE_UNCERTAINTY_S)))

    @property
    def has_reports(self) -> bool:
        """Whether a report waits."""
        return bool(self._reports)

    @property
    def due_ns(self) -> int | None:
        """The instant at which :meth:`poll` has work again, unless an edge comes before; None without any."""
        due = [self._switch.due_ns] if self._switch.look_due_ns is None else []
        if self._released is not None and self._gates is not None:
            due.append(self._gates.decided_at(self._released.at_ns))
        known = [at_ns for at_ns in due if at_ns is not None]
        return min(known) + LAG_NS if known else None

    @property
    def look_due_ns(self) -> int | None:
        """The instant at which a look should not wait for its turn; None when it may."""
        due_ns = self._switch.look_due_ns
        return None if due_ns is None else due_ns + LAG_NS

    def next_report(self) -> Report | None:
        """The next report; None without one."""
        return self._reports.popleft() if self._reports else None

    def on_edge(self, name: str, at_ns: int, active: bool, missed: int, pair: ClockPair) -> None:
        """Take an edge of an input."""
        self._counters.edges_late += at_ns <= self._promised_ns
        if name == NOCK:
            self._last_edge_ns = max(self._last_edge_ns, at_ns)
            self._on_change(self._switch.on_edge(at_ns, active, missed), pair)
        elif self._gates is not None:
            self._counters.gate_edges += 1
            self._gates.on_edge(name, at_ns, active, missed)

    def on_look(self, at_ns: int, active: Mapping[str, bool], pair: ClockPair) -> None:
        """Take a look at all inputs, after the edges that arrived before it, and report a pulse."""
        self._on_change(self._switch.on_look(at_ns, active[NOCK]), pair)
        if self._gates is not None:
            self._gates.on_look(at_ns, {name: active[name] for name in GATES})
        self.poll(at_ns, pair)
        self._pulse(at_ns, pair)

    def poll(self, now_ns: int, pair: ClockPair) -> None:
        """Decide what time decides: a quiet switch, a release without an arrow in the gates."""
        self._on_change(self._switch.on_time(now_ns - LAG_NS), pair)
        released = self._released
        if released and self._gates and now_ns - LAG_NS >= self._gates.decided_at(released.at_ns):
            self._report_release(pair)

    def finish(self, pair: ClockPair) -> None:
        """Report what is known when the pins fail: a release keeps its instant, also without its cause."""
        if self._released is not None:
            self._report_release(pair)

    def counters(self) -> dict[str, int]:
        """Counts since the opening."""
        return {**asdict(self._switch.counters), **asdict(self._counters)}

    def _on_change(self, change: Change | None, pair: ClockPair) -> None:
        if change is None:
            return
        if self._released is not None:  # the next arrow is nocked: no later edge belongs to the release
            self._report_release(pair)
        if change.engaged:
            self._report(ReadingKind.ENGAGE, change, Passage(None), pair)
        elif self._gates is None:
            self._report(ReadingKind.RELEASE, change, Passage(None), pair)
        else:
            self._released = change

    def _report_release(self, pair: ClockPair) -> None:
        change, self._released = self._released, None
        if change is not None and self._gates is not None:
            self._report(ReadingKind.RELEASE, change, self._gates.decide(change.at_ns), pair)

    def _report(self, kind: ReadingKind, change: Change, passage: Passage, pair: ClockPair) -> None:
        reasons = [NO_TAG, *([passage.reason] if passage.reason else []), *([LATE] if change.half_width_ns else [])]
        uncertainty_s = EDGE_UNCERTAINTY_S + change.half_width_ns / 1e9
        self._last_event_ns = change.at_ns
        self._reports.append(
            Reading(
                device_id=self._device_id,
                stream_id=self.stream.stream_id,
                seq=self.stream.next_seq(),
                kind=kind,
                stamp=self.stream.stamp(change.at_ns, pair, uncertainty_s),
                received_at=pair.utc_of(pair.mono_ns),
                source=self._source,
                cause=passage.cause,
                launch_mps=passage.launch_mps,
                reason="; ".join(reasons),
            )
        )

    def _pulse(self, at_ns: int, pair: ClockPair) -> None:
        """Promise that every event before an instant is reported: one that leaves late edges the time to arrive."""
        sure_ns = max(at_ns - DELIVERY_NS, self._last_edge_ns, self._last_event_ns + 1)
        open_ns = [self._switch.open_since_ns, None if self._released is None else self._released.at_ns]
        sure_ns = min([sure_ns, *(since_ns - 1 for since_ns in open_ns if since_ns is not None)])
        if sure_ns <= self._last_event_ns:
            return  # the events up to an earlier instant are numbered already
        self._promised_ns = max(self._promised_ns, sure_ns)
        self._reports.append(self.stream.pulse(self.stream.stamp(self._promised_ns, pair, EDGE_UNCERTAINTY_S)))
