"""The inbox is bounded, keeps the order and takes each event once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from drivers.contract import ClockModel, Reading, ReadingKind, Source, Stamp
from edge.sensor.queue.inbox import Inbox

STREAM, BOOT = uuid4(), uuid4()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def reading(seq: int) -> Reading:
    stamp = Stamp(NOW, seq, None, 0.001)
    return Reading("bow-1", STREAM, seq, ReadingKind.ENGAGE, stamp, NOW, Source.SIMULATOR)


def clock(uncertainty_s: float) -> ClockModel:
    return ClockModel(STREAM, BOOT, 0, 0, 0.0, uncertainty_s, 0.0)


def test_reports_are_first_in_first_out_until_removed() -> None:
    inbox = Inbox()
    for seq in (1, 2, 3):
        inbox.put(reading(seq))
    first = inbox.oldest(2)
    assert first == [reading(1), reading(2)]
    assert inbox.oldest(2) == first
    inbox.remove(first)
    assert inbox.oldest(9) == [reading(3)]


def test_repeated_event_takes_no_second_place() -> None:
    inbox = Inbox(capacity=2)
    assert inbox.put(reading(1))
    assert inbox.put(reading(1))
    assert len(inbox) == 1


def test_full_inbox_turns_away_and_counts() -> None:
    inbox = Inbox(capacity=2)
    assert [inbox.put(reading(seq)) for seq in (1, 2, 3, 4)] == [True, True, False, False]
    assert inbox.turned_away == 2
    assert inbox.oldest(9) == [reading(1), reading(2)]
    assert inbox.put(reading(1)), "a queued event is not turned away"


def test_newer_clock_replaces_the_older_and_survives_removal() -> None:
    inbox = Inbox()
    inbox.put(clock(0.5))
    taken = inbox.oldest(1)
    inbox.put(clock(0.1))
    inbox.remove(taken)
    assert inbox.oldest(9) == [clock(0.1)]


async def test_wait_ends_with_the_first_report_or_the_deadline() -> None:
    inbox = Inbox()
    assert not await inbox.wait(0.0)
    waiting = asyncio.create_task(inbox.wait(30.0))
    await asyncio.sleep(0)
    inbox.put(reading(1))
    assert await waiting


def test_only_the_first_clock_of_a_stream_is_urgent() -> None:
    """After a killed daemon its successor dates by it the events that the device sends again."""
    inbox = Inbox()
    first, better = clock(0.5), clock(0.1)
    inbox.put(first)
    assert inbox.oldest_age_s() > 0
    inbox.remove([first])
    inbox.put(better)
    assert inbox.oldest_age_s() == 0
    inbox.put(reading(1))
    assert inbox.oldest_age_s() > 0
