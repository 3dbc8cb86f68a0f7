"""Reads become scans: debounce, numbering, pulses, and times in which a scan may have been missed."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

from drivers.clock.instant import ClockPair
from drivers.contract import Pulse, Reading, ReadingKind, Report, Source, StreamStart
from drivers.r200.codec import Notice
from drivers.r200.scans import (
    COMMAND_RAN,
    COVERED_NS,
    LATENCY_S,
    NOT_ANSWERED,
    RAW_READS_KEPT,
    TAGS_KEPT,
    Debounce,
    Round,
    ScanSession,
    TagRead,
)

MS = 1_000_000
S = 1_000 * MS
PAIR = ClockPair(0, 1_700_000_000 * S)
ARROW = bytes.fromhex("123456789abc4def8123456789abcdef")
FOREIGN = bytes.fromhex("e28068900000500e88c6a4a7")


class Lane:
    """A session whose inventories follow at 200 ms."""

    def __init__(self, debounce_s: float = 2.0, poll_ms: int = 50) -> None:
        self.session = ScanSession("arrow-1", Source.HARDWARE, UUID(int=1), debounce_s, poll_ms)
        self.now_ns = 10 * S

    def look(self, *epcs: bytes, after_ns: int = 200 * MS) -> list[Report]:
        self.now_ns += after_ns
        reads = tuple(TagRead(Notice.of(-50 - at, 0x4000, epc), self.now_ns + 10 * MS) for at, epc in enumerate(epcs))
        self.session.on_round(Round(reads, self.now_ns, self.now_ns + 20 * MS), PAIR)
        return list(self.session.reports())


def scans(reports: list[Report]) -> list[Reading]:
    return [report for report in reports if isinstance(report, Reading)]


def test_a_tag_is_scanned_once_while_it_stays() -> None:
    lane = Lane(poll_ms=1_000)
    lane.look()
    [scan] = scans(lane.look(ARROW))
    assert (scan.kind, scan.seq, scan.tag, scan.rssi_dbm) == (ReadingKind.SCAN, 1, ARROW.hex(), -50)
    assert scan.stamp.mono_ns == lane.now_ns + 10 * MS

    assert [scans(lane.look(ARROW)) for _ in range(20)] == [[]] * 20
    assert scans(lane.look(after_ns=1_900 * MS)) == []
    assert [scan.seq for scan in scans(lane.look(ARROW))] == [2]


def test_a_late_notice_is_a_scan_before_the_next_inventory() -> None:
    lane = Lane()
    lane.look()
    sent_ns = lane.now_ns
    lane.now_ns += 2 * S
    late = TagRead(Notice.of(-50, 0x4000, ARROW), sent_ns + 300 * MS, 300 * MS)
    usual = TagRead(Notice.of(-50, 0x4000, FOREIGN), lane.now_ns + 10 * MS, 10 * MS)
    lane.session.on_round(Round((late, usual), lane.now_ns, lane.now_ns + 20 * MS), PAIR)
    scan, start, other = lane.session.reports()

    assert isinstance(scan, Reading)
    assert isinstance(start, StreamStart)
    assert isinstance(other, Reading)
    assert (scan.tag, scan.stamp.uncertainty_s) == (ARROW.hex(), 0.3), "the request bounds it"
    assert (other.tag, other.stamp.uncertainty_s) == (FOREIGN.hex(), LATENCY_S)
    assert scan.stream_id != other.stream_id == start.stream_id


def test_long_intervals_of_inventories_are_covered() -> None:
    lane = Lane(poll_ms=1_000)
    lane.look()
    assert all(isinstance(report, Pulse) for report in lane.look(after_ns=3 * S))
    assert any(isinstance(report, StreamStart) for report in lane.look(after_ns=3 * S + 1))


def test_other_tags_are_scanned_meanwhile_as_they_are_read() -> None:
    lane = Lane()
    first = scans(lane.look(ARROW, FOREIGN))

    assert [scan.tag for scan in first] == [ARROW.hex(), FOREIGN.hex()]
    assert [scan.rssi_dbm for scan in first] == [-50, -51]


def test_without_debounce_every_read_is_a_scan() -> None:
    lane = Lane(debounce_s=0)
    assert [len(scans(lane.look(ARROW, ARROW))) for _ in range(3)] == [2, 2, 2]


def test_a_pulse_covers_what_was_reported_before_its_inventory() -> None:
    lane = Lane()
    [start] = lane.look()
    assert isinstance(start, StreamStart)
    assert start.blind_since is None
    reports = [report for _ in range(10) for report in lane.look(ARROW)]
    pulses = [report for report in reports if isinstance(report, Pulse)]

    assert [pulse.last_seq for pulse in pulses] == [1, 1]
    for earlier, later in pairwise(reports):
        if isinstance(earlier, Pulse) and isinstance(later, Reading):
            assert later.seq > earlier.last_seq
            assert later.stamp.at >= earlier.stamp.at


def test_a_time_without_answers_is_blind() -> None:
    lane = Lane()
    lane.look()
    before_ns = lane.now_ns
    [start] = lane.look(after_ns=COVERED_NS + 1)
    assert isinstance(start, StreamStart)
    assert start.blind_since is not None
    assert (start.blind_since.mono_ns, start.stamp.mono_ns) == (before_ns, lane.now_ns)
    assert start.reason == NOT_ANSWERED
    assert [scan.seq for scan in scans(lane.look(ARROW))] == [1]


def test_a_long_command_is_blind_and_a_short_one_is_not() -> None:
    lane = Lane()
    lane.look()
    lane.session.on_command()
    assert all(isinstance(report, Pulse) for report in lane.look(after_ns=COVERED_NS))
    lane.session.on_command()
    [start] = lane.look(after_ns=COVERED_NS + 1)
    assert isinstance(start, StreamStart)
    assert start.reason == COMMAND_RAN


def test_memory_is_bounded() -> None:
    lane = Lane()
    for number in range(2 * TAGS_KEPT):
        lane.look(number.to_bytes(16, "big"))
    assert len(lane.session.raw_reads) == RAW_READS_KEPT
    assert lane.session.counters["reads"] == 2 * TAGS_KEPT

    debounce = Debounce(3_600 * S)
    assert all(debounce.on_read(number.to_bytes(16, "big"), number) for number in range(2 * TAGS_KEPT))
    assert not debounce.on_read((2 * TAGS_KEPT - 1).to_bytes(16, "big"), 0)
    assert debounce.on_read(bytes(16), 0)
    assert len(debounce._seen_ns) == TAGS_KEPT
