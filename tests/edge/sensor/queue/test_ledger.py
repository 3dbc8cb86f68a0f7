"""The watermark says only what is proved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import Pulse, Stamp, StreamStart
from edge.sensor.queue.ledger import QUIET_PULSES, STREAMS_KEPT, Watermark

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


def test_a_quiet_device_is_covered_up_to_its_last_heartbeat() -> None:
    mark = Watermark()
    mark.pulse(pulse(1, 0))
    mark.pulse(pulse(2, 0))
    assert mark.stamp == stamp(2)


def test_it_waits_for_an_event_that_is_not_stored_yet() -> None:
    mark = Watermark()
    mark.pulse(pulse(1, 0))
    mark.pulse(pulse(2, 1))
    assert mark.stamp == stamp(1)
    assert mark.hole() == "event 1 of 1"
    mark.stored(STREAM, 1)
    assert mark.stamp == stamp(2)
    assert mark.hole() is None


def test_it_never_passes_a_hole() -> None:
    mark = Watermark()
    mark.stored(STREAM, 1)
    mark.stored(STREAM, 3)
    mark.pulse(pulse(5, 3))
    assert mark.stamp is None
    mark.stored(STREAM, 2)
    assert mark.stamp == stamp(5)


def test_an_undated_heartbeat_proves_nothing() -> None:
    mark = Watermark()
    mark.pulse(pulse(1, 0, dated=False))
    assert mark.stamp is None


def test_after_a_reboot_it_waits_for_what_the_boot_before_owes() -> None:
    mark, before, after = Watermark(), uuid4(), uuid4()
    mark.pulse(pulse(1, 2, before))
    mark.stored(before, 1)
    mark.start(start(after, previous=before, last_seq=2))
    mark.pulse(pulse(9, 0, after))
    assert mark.stamp is None
    assert mark.hole() == "events up to 2 of the boot before"
    mark.stored(before, 2)
    assert mark.stamp is None, "since when the new boot was blind is not stored yet"
    mark.begun(after)
    assert mark.stamp == stamp(9)


def test_it_waits_for_what_a_boot_owes_that_nobody_heard_of() -> None:
    mark, unheard, before, after = Watermark(), uuid4(), uuid4(), uuid4()
    mark.start(StreamStart(unheard, stamp(0), None, last_seq=1))
    mark.start(StreamStart(before, stamp(1), None, unheard))
    mark.start(start(after, previous=before, last_seq=0))
    for stream in (unheard, before, after):
        mark.begun(stream)
    mark.pulse(pulse(9, 0, after))
    assert mark.stamp is None
    mark.stored(unheard, 1)
    assert mark.stamp == stamp(9)


def test_it_stands_still_while_something_is_spooled_and_catches_up_after() -> None:
    mark = Watermark()
    mark.pulse(pulse(1, 0))
    mark.hold(True)
    mark.pulse(pulse(2, 0))
    assert mark.stamp == stamp(1)
    mark.hold(False)
    assert mark.stamp == stamp(2)


def test_what_is_spooled_is_held_but_moves_nothing() -> None:
    mark = Watermark()
    mark.spooled(STREAM, 1)
    mark.pulse(pulse(1, 1))
    assert mark.holds(STREAM, 1)
    assert mark.stamp is None
    mark.lost()
    assert not mark.holds(STREAM, 1)


def test_what_is_quarantined_is_held_also_when_the_spool_is_lost() -> None:
    mark = Watermark()
    mark.quarantined(STREAM, 1)
    mark.spooled(STREAM, 2)
    mark.lost()
    assert mark.holds(STREAM, 1)
    assert not mark.holds(STREAM, 2)


def quiet(mark: Watermark, second: int, last_seq: int, stream: UUID = STREAM) -> None:
    """So many heartbeats with nothing kept that what is missing will never come."""
    for number in range(QUIET_PULSES):
        mark.pulse(pulse(second + number, last_seq, stream, pending=0))


def test_what_the_device_does_not_keep_any_more_is_given_up_once_it_has_said_so() -> None:
    mark, before = Watermark(), uuid4()
    mark.start(start(STREAM, previous=before, last_seq=106))
    mark.begun(STREAM)
    mark.restore(STREAM, [(30, 53)])
    mark.restore(before, [])
    quiet(mark, 1, 53)
    assert mark.hole() == "events up to 106 of the boot before"
    loss = mark.loss()
    assert loss is not None
    assert loss.up_to == {before: 106, STREAM: 53}
    assert loss.until == stamp(QUIET_PULSES)
    mark.pulse(pulse(8, 54, pending=1))
    mark.give_up(loss)
    assert mark.stamp == stamp(QUIET_PULSES), "event 54 still comes"
    assert not mark.holds(STREAM, 29), "should it come all the same, it is stored"
    mark.stored(STREAM, 54)
    assert mark.stamp == stamp(8)
    assert mark.hole() is None


def test_nothing_is_given_up_while_something_may_still_come() -> None:
    mark = Watermark()
    mark.pulse(pulse(0, 2, pending=0))
    mark.restore(STREAM, [])
    mark.pulse(pulse(1, 2, pending=1))
    mark.pulse(pulse(2, 2, pending=0))
    assert mark.loss() is None, "it said only now that it keeps nothing"
    quiet(mark, 3, 2)
    assert mark.loss() is not None
    mark.hold(True)
    assert mark.loss() is None, "it may be in the spool"
    mark.hold(False)
    mark.start(start(uuid4(), previous=STREAM, last_seq=2))
    assert mark.loss() is None, "the next boot has said nothing yet"
    unheard = Watermark()
    quiet(unheard, 1, 2)
    assert unheard.loss() is None, "what is stored is not known yet"


def test_a_device_that_does_not_say_what_it_keeps_is_waited_for() -> None:
    mark = Watermark()
    mark.restore(STREAM, [])
    for second in range(10):
        mark.pulse(pulse(second, 1))
    assert mark.loss() is None


def test_a_beginning_that_was_lost_is_given_up_too() -> None:
    mark = Watermark()
    mark.start(start(STREAM))
    mark.restore(STREAM, [])
    quiet(mark, 1, 0)
    loss = mark.loss()
    assert loss is not None
    assert (loss.up_to, loss.unbegun) == ({}, STREAM)
    mark.give_up(loss)
    assert mark.stamp == stamp(QUIET_PULSES)


def test_a_restarted_daemon_learns_what_is_stored() -> None:
    mark = Watermark()
    mark.pulse(pulse(4, 7))
    assert mark.unrestored() == [STREAM]
    mark.restore(STREAM, [(1, 7)])
    assert mark.unrestored() == []
    assert mark.stamp == stamp(4)
    assert mark.holds(STREAM, 7)
    assert not mark.holds(STREAM, 8)


def test_it_tells_which_streams_it_waits_for() -> None:
    mark, before, after = Watermark(), uuid4(), uuid4()
    assert mark.missing() == []
    mark.start(start(after, previous=before, last_seq=1))
    assert mark.missing() == [before, after]
    mark.stored(before, 1)
    assert mark.missing() == [after]  # when it began is not stored
    mark.begun(after)
    assert mark.missing() == []
    mark.pulse(pulse(1, 1, after))
    assert mark.missing() == [after]
    mark.stored(after, 1)
    assert mark.missing() == []


def test_of_a_device_that_reboots_for_ever_the_last_boots_are_remembered() -> None:
    mark, boots = Watermark(), [uuid4() for _ in range(3 * STREAMS_KEPT)]
    for number, (before, boot) in enumerate(pairwise(boots)):
        mark.start(start(boot, previous=before, last_seq=2))
        for stream in mark.unrestored():
            mark.restore(stream, [(1, 1)])
        mark.begun(boot)
        mark.quarantined(before, 2)
        mark.pulse(pulse(number, 1, boot))
        if number != 5:  # that boot's last event comes while its successors reboot
            mark.stored(before, 2)
        assert mark.stamp == (stamp(number) if number < 5 or number >= 4 + STREAMS_KEPT else stamp(4))
    remembered = [boot for boot in boots if mark.restored(boot)]
    assert remembered == boots[-STREAMS_KEPT:]
    assert all(mark.holds(boot, 2) for boot in remembered[:-1])
    assert not any(mark.holds(boot, 1) or mark.holds(boot, 2) for boot in boots[:-STREAMS_KEPT])


@given(order=st.permutations(range(1, 9)), heard_after=st.integers(0, 8))
def test_whatever_the_order_it_covers_exactly_the_whole_prefix(order: list[int], heard_after: int) -> None:
    mark = Watermark()
    for seq in range(9):
        if seq == heard_after:
            for last in range(9):
                mark.pulse(pulse(last + 1, last))
        if seq < 8:
            mark.stored(STREAM, order[seq])
    assert mark.stamp == stamp(9)
    for count in range(9):
        fresh = Watermark()
        for last in range(9):
            fresh.pulse(pulse(last + 1, last))
        for seq in order[:count]:
            fresh.stored(STREAM, seq)
        whole = next(n for n in range(9) if n + 1 not in order[:count])
        assert fresh.stamp == stamp(whole + 1)
