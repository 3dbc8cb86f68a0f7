"""Streams that the hub starts, numbers and polls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from drivers.clock.instant import ClockPair, Stamp
from drivers.host_stream import HostStream, Poll

S = 1_000_000_000
BOOT = uuid4()
PAIR = ClockPair(mono_ns=100 * S, utc_ns=1_700_000_000 * S)


def test_each_start_begins_a_stream_with_number_one() -> None:
    stream = HostStream(BOOT)
    opened = stream.stream_id

    first = stream.start(stream.stamp(100 * S, PAIR, 0.1))
    numbers = [stream.next_seq(), stream.next_seq()]
    blind_since = stream.stamp(101 * S, PAIR, 0.1)
    second = stream.start(stream.stamp(103 * S, PAIR, 0.1), blind_since, "its lid was closed")

    assert (first.stream_id, first.blind_since, numbers) == (opened, None, [1, 2])
    assert second.stream_id == stream.stream_id != opened
    assert (second.blind_since, second.reason) == (blind_since, "its lid was closed")
    assert (second.previous_stream_id, stream.next_seq()) == (None, 1)


def test_a_pulse_promises_the_events_so_far() -> None:
    stream = HostStream(BOOT)
    stamp = stream.stamp(103 * S, PAIR, 0.05)
    stream.start(stamp)
    assert stream.pulse(stamp).last_seq == 0
    stream.next_seq()

    pulse = stream.pulse(stamp)

    assert (pulse.stream_id, pulse.last_seq, pulse.pending) == (stream.stream_id, 1, None)
    at = datetime.fromtimestamp(1_700_000_000, UTC) + timedelta(seconds=3)
    assert pulse.stamp == Stamp(at, 103 * S, BOOT, 0.05)


def test_an_answer_proves_the_instant_of_its_request() -> None:
    poll = Poll(2 * S, 100 * S)
    assert (poll.due_ns, poll.is_open) == (100 * S, False)

    poll.sent(100 * S)

    assert (poll.due_ns, poll.is_open) == (102 * S, True)
    assert poll.answered() == 100 * S
    assert (poll.answered(), poll.is_open) == (None, False)


def test_a_repeated_request_counts_the_missing_answer() -> None:
    poll = Poll(2 * S, 100 * S)
    poll.sent(100 * S)
    poll.sent(102 * S)
    poll.sent(104 * S)
    assert poll.unanswered == 2

    assert poll.answered() == 104 * S
    assert poll.unanswered == 0


def test_a_withdrawn_request_does_not_count_as_unanswered() -> None:
    poll = Poll(2 * S, 100 * S)
    poll.sent(100 * S)

    poll.withdrawn(101 * S)

    assert (poll.due_ns, poll.is_open, poll.answered()) == (101 * S, False, None)
    poll.sent(101 * S)
    assert poll.unanswered == 0
