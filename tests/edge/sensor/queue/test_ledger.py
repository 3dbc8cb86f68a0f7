"""The ledger of a device: the watermark covers only stored events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import Pulse, Stamp, StreamStart
from edge.sensor.queue.ledger import QUIET_PULSES, STREAMS_KEPT, DeviceLedger, SequenceRuns

STREAM = uuid4()
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def stamp(second: float, *, dated: bool = True) -> Stamp:
    return Stamp(T0 + timedelta(seconds=second), int(second * 1e9) if dated else None, None, 0.001 if dated else None)


def pulse(
    second: float, last_seq: int, stream: UUID = STREAM, *, dated: bool = True, pending: int | None = None
) -> Pulse:
    return Pulse(stream, last_seq, stamp(second, dated=dated), pending=pending)


def start(stream: UUID, *, previous: UUID | None = None, last_seq: int | None = None) -> StreamStart:
    return StreamStart(stream, stamp(0), None, previous, last_seq)


def test_quiet_device_is_covered_up_to_its_last_heartbeat() -> None:
    ledger = DeviceLedger()
    ledger.on_pulse(pulse(1, 0))
    ledger.on_pulse(pulse(2, 0))
    assert ledger.watermark == stamp(2)


def test_watermark_waits_for_an_event_that_is_not_stored() -> None:
    ledger = DeviceLedger()
    ledger.on_pulse(pulse(1, 0))
    ledger.on_pulse(pulse(2, 1))
    assert ledger.watermark == stamp(1)
    assert ledger.describe_gap() == "event 1 of 1"
    ledger.mark_stored(STREAM, 1)
    assert ledger.watermark == stamp(2)
    assert ledger.describe_gap() is None


def test_watermark_never_passes_a_sequence_hole() -> None:
    ledger = DeviceLedger()
    ledger.mark_stored(STREAM, 1)
    ledger.mark_stored(STREAM, 3)
    ledger.on_pulse(pulse(5, 3))
    assert ledger.watermark is None
    ledger.mark_stored(STREAM, 2)
    assert ledger.watermark == stamp(5)


def test_undated_heartbeat_moves_nothing() -> None:
    ledger = DeviceLedger()
    ledger.on_pulse(pulse(1, 0, dated=False))
    assert ledger.watermark is None


def test_after_a_reboot_events_of_the_previous_boot_are_awaited() -> None:
    ledger, before, after = DeviceLedger(), uuid4(), uuid4()
    ledger.on_pulse(pulse(1, 2, before))
    ledger.mark_stored(before, 1)
    ledger.on_start(start(after, previous=before, last_seq=2))
    ledger.on_pulse(pulse(9, 0, after))
    assert ledger.watermark is None
    assert ledger.describe_gap() == "events up to 2 of the previous boot"
    ledger.mark_stored(before, 2)
    assert ledger.watermark is None, "the blind interval of the new boot is not stored yet"
    ledger.mark_start_stored(after)
    assert ledger.watermark == stamp(9)


def test_events_of_an_unseen_boot_are_awaited() -> None:
    ledger, unseen, before, after = DeviceLedger(), uuid4(), uuid4(), uuid4()
    ledger.on_start(StreamStart(unseen, stamp(0), None, last_seq=1))
    ledger.on_start(StreamStart(before, stamp(1), None, unseen))
    ledger.on_start(start(after, previous=before, last_seq=0))
    for stream in (unseen, before, after):
        ledger.mark_start_stored(stream)
    ledger.on_pulse(pulse(9, 0, after))
    assert ledger.watermark is None
    ledger.mark_stored(unseen, 1)
    assert ledger.watermark == stamp(9)


def test_held_watermark_catches_up_when_released() -> None:
    ledger = DeviceLedger()
    ledger.on_pulse(pulse(1, 0))
    ledger.hold(True)
    ledger.on_pulse(pulse(2, 0))
    assert ledger.watermark == stamp(1)
    ledger.hold(False)
    assert ledger.watermark == stamp(2)


def test_spooled_event_is_held_and_moves_nothing() -> None:
    ledger = DeviceLedger()
    ledger.mark_spooled(STREAM, 1)
    ledger.on_pulse(pulse(1, 1))
    assert ledger.holds(STREAM, 1)
    assert ledger.watermark is None
    ledger.forget_spooled()
    assert not ledger.holds(STREAM, 1)


def test_quarantined_event_is_held_when_the_spool_is_lost() -> None:
    ledger = DeviceLedger()
    ledger.mark_quarantined(STREAM, 1)
    ledger.mark_spooled(STREAM, 2)
    ledger.forget_spooled()
    assert ledger.holds(STREAM, 1)
    assert not ledger.holds(STREAM, 2)


def quiet(ledger: DeviceLedger, second: int, last_seq: int, stream: UUID = STREAM) -> None:
    """Enough heartbeats without a pending event to give up missing events."""
    for number in range(QUIET_PULSES):
        ledger.on_pulse(pulse(second + number, last_seq, stream, pending=0))


def test_events_that_the_device_no_longer_keeps_are_given_up() -> None:
    ledger, before = DeviceLedger(), uuid4()
    ledger.on_start(start(STREAM, previous=before, last_seq=106))
    ledger.mark_start_stored(STREAM)
    ledger.restore(STREAM, [(30, 53)])
    ledger.restore(before, [])
    quiet(ledger, 1, 53)
    assert ledger.describe_gap() == "events up to 106 of the previous boot"
    missing = ledger.missing_events()
    assert missing is not None
    assert missing.up_to == {before: 106, STREAM: 53}
    assert missing.until == stamp(QUIET_PULSES)
    ledger.on_pulse(pulse(8, 54, pending=1))
    ledger.give_up(missing)
    assert ledger.watermark == stamp(QUIET_PULSES), "event 54 is still pending"
    assert not ledger.holds(STREAM, 29), "a late one is stored all the same"
    ledger.mark_stored(STREAM, 54)
    assert ledger.watermark == stamp(8)
    assert ledger.describe_gap() is None


def test_nothing_is_given_up_while_an_event_may_arrive() -> None:
    ledger = DeviceLedger()
    ledger.on_pulse(pulse(0, 2, pending=0))
    ledger.restore(STREAM, [])
    ledger.on_pulse(pulse(1, 2, pending=1))
    ledger.on_pulse(pulse(2, 2, pending=0))
    assert ledger.missing_events() is None, "only one heartbeat reports no pending event"
    quiet(ledger, 3, 2)
    assert ledger.missing_events() is not None
    ledger.hold(True)
    assert ledger.missing_events() is None, "the event may be in the spool"
    ledger.hold(False)
    ledger.on_start(start(uuid4(), previous=STREAM, last_seq=2))
    assert ledger.missing_events() is None, "the next boot has sent no heartbeat yet"
    fresh = DeviceLedger()
    quiet(fresh, 1, 2)
    assert fresh.missing_events() is None, "the stored events are not loaded yet"


def test_device_without_a_pending_count_is_waited_for() -> None:
    ledger = DeviceLedger()
    ledger.restore(STREAM, [])
    for second in range(10):
        ledger.on_pulse(pulse(second, 1))
    assert ledger.missing_events() is None


def test_lost_stream_start_is_given_up() -> None:
    ledger = DeviceLedger()
    ledger.on_start(start(STREAM))
    ledger.restore(STREAM, [])
    quiet(ledger, 1, 0)
    missing = ledger.missing_events()
    assert missing is not None
    assert (missing.up_to, missing.start_not_stored) == ({}, STREAM)
    ledger.give_up(missing)
    assert ledger.watermark == stamp(QUIET_PULSES)


def test_restarted_daemon_loads_the_stored_events() -> None:
    ledger = DeviceLedger()
    ledger.on_pulse(pulse(4, 7))
    assert ledger.not_restored() == [STREAM]
    ledger.restore(STREAM, [(1, 7)])
    assert ledger.not_restored() == []
    assert ledger.watermark == stamp(4)
    assert ledger.holds(STREAM, 7)
    assert not ledger.holds(STREAM, 8)


def test_incomplete_streams_are_listed() -> None:
    ledger, before, after = DeviceLedger(), uuid4(), uuid4()
    assert ledger.incomplete_streams() == []
    ledger.on_start(start(after, previous=before, last_seq=1))
    assert ledger.incomplete_streams() == [before, after]
    ledger.mark_stored(before, 1)
    assert ledger.incomplete_streams() == [after], "its start is not stored"
    ledger.mark_start_stored(after)
    assert ledger.incomplete_streams() == []
    ledger.on_pulse(pulse(1, 1, after))
    assert ledger.incomplete_streams() == [after]
    ledger.mark_stored(after, 1)
    assert ledger.incomplete_streams() == []


def test_only_the_latest_boots_are_remembered() -> None:
    ledger, boots = DeviceLedger(), [uuid4() for _ in range(3 * STREAMS_KEPT)]
    for number, (before, boot) in enumerate(pairwise(boots)):
        ledger.on_start(start(boot, previous=before, last_seq=2))
        for stream in ledger.not_restored():
            ledger.restore(stream, [(1, 1)])
        ledger.mark_start_stored(boot)
        ledger.mark_quarantined(before, 2)
        ledger.on_pulse(pulse(number, 1, boot))
        if number != 5:  # the last event of this boot is missing while its successors reboot
            ledger.mark_stored(before, 2)
        assert ledger.watermark == (stamp(number) if number < 5 or number >= 4 + STREAMS_KEPT else stamp(4))
    remembered = [boot for boot in boots if ledger.is_restored(boot)]
    assert remembered == boots[-STREAMS_KEPT:]
    assert all(ledger.holds(boot, 2) for boot in remembered[:-1])
    assert not any(ledger.holds(boot, 1) or ledger.holds(boot, 2) for boot in boots[:-STREAMS_KEPT])


@given(order=st.permutations(range(1, 9)), pulses_after=st.integers(0, 8))
def test_in_any_order_the_contiguous_prefix_is_covered(order: list[int], pulses_after: int) -> None:
    ledger = DeviceLedger()
    for seq in range(9):
        if seq == pulses_after:
            for last in range(9):
                ledger.on_pulse(pulse(last + 1, last))
        if seq < 8:
            ledger.mark_stored(STREAM, order[seq])
    assert ledger.watermark == stamp(9)
    for count in range(9):
        fresh = DeviceLedger()
        for last in range(9):
            fresh.on_pulse(pulse(last + 1, last))
        for seq in order[:count]:
            fresh.mark_stored(STREAM, seq)
        contiguous = next(n for n in range(9) if n + 1 not in order[:count])
        assert fresh.watermark == stamp(contiguous + 1)


_runs = st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda run: (run[0], run[0] + run[1]))


@given(added=st.lists(_runs, max_size=20))
def test_sequence_runs_equal_a_set(added: list[tuple[int, int]]) -> None:
    runs, model = SequenceRuns(), set[int]()
    for first, last in added:
        runs.add(first, last)
        model |= set(range(first, last + 1))
        assert {seq for seq in range(60) if seq in runs} == model
        assert runs.contiguous_up_to() == next(n for n in range(60) if n + 1 not in model)
        assert runs.contiguous_up_to(7) == next(n for n in range(7, 60) if n + 1 not in model)


def test_long_prefix_without_a_hole_is_one_run() -> None:
    runs = SequenceRuns()
    for seq in range(1, 100_001):
        runs.add(seq)
    assert runs.contiguous_up_to() == 100_000
    assert len(runs._firsts) == 1
