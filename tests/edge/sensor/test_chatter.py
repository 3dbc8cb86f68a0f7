"""A device that reports more than archers can shoot: which readings are surplus, and the time in which it counts as blind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from drivers.contract import Reading, ReadingKind
from edge.sensor.chatter import (
    BLIND_AFTER_S,
    DECISIONS_KEPT,
    LIMIT,
    WINDOW_S,
    BlindInterval,
    ChatterFilter,
    Judgement,
)
from tests.edge.sensor.reports import T0, clock, reading, stamp, start


def landing(seq: int, second: float, kind: ReadingKind = ReadingKind.LANDING) -> Reading:
    return replace(reading(seq), kind=kind, stamp=stamp(second), received_at=T0 + timedelta(seconds=second))


def landings(first: int, count: int, since: float, every: float) -> list[Reading]:
    return [landing(first + number, since + number * every) for number in range(count)]


def surplus_of(judgement: Judgement) -> list[int]:
    return sorted(seq for _, seq in judgement.surplus)


def covers(blind: Sequence[BlindInterval], second: float) -> bool:
    return any(one.since.at <= stamp(second).at <= one.until.at for one in blind)


def test_four_archers_at_full_pace_are_no_surplus() -> None:
    filtered = ChatterFilter()
    for archer in range(4):
        assert filtered.judge(landings(archer * 1000 + 1, 500, archer * 0.7, 3.0)) == Judgement()


def test_readings_beyond_the_limit_are_surplus_until_it_ends() -> None:
    filtered = ChatterFilter()
    assert surplus_of(filtered.judge(landings(1, 2500, 0.0, 0.02))) == list(range(LIMIT + 1, 2501))
    later = 50.0 + WINDOW_S
    assert surplus_of(filtered.judge([landing(2501, later - 1.5)])) == [2501], (
        "the sensor was not still for long enough"
    )
    assert surplus_of(filtered.judge([landing(2502, later)])) == []


def test_each_kind_has_its_own_limit() -> None:
    filtered = ChatterFilter()
    filtered.judge(landings(1, 1000, 0.0, 0.01))
    kinds = (ReadingKind.TAGS, ReadingKind.RELEASE, ReadingKind.ENGAGE)
    assert [surplus_of(filtered.judge([landing(2000 + n, 10.0, kind)])) for n, kind in enumerate(kinds)] == [[], [], []]
    assert filtered.judge([start(), clock()]) == Judgement()


def test_undated_backlog_is_no_surplus_and_not_counted() -> None:
    """All its events have one instant, that of the receipt."""
    filtered = ChatterFilter()
    undated = replace(stamp(5.0), uncertainty_s=None)
    assert filtered.judge([replace(landing(seq, 5.0), stamp=undated) for seq in range(1, 1000)]) == Judgement()
    assert filtered.judge(landings(1001, LIMIT, 5.0, 0.01)) == Judgement()


def test_dated_backlog_is_judged_by_its_own_instants() -> None:
    filtered = ChatterFilter()
    filtered.judge(landings(1, LIMIT, 1000.0, 0.01))
    received_at_once = [replace(one, received_at=T0 + timedelta(seconds=2000)) for one in landings(100, 300, 0.0, 1.0)]
    assert filtered.judge(received_at_once) == Judgement()


def test_other_boot_of_the_host_begins_anew() -> None:
    filtered = ChatterFilter()
    filtered.judge(landings(1, 100, 0.0, 0.01))
    rebooted = replace(stamp(1.0), host_boot_id=UUID(int=2))
    assert filtered.judge([replace(landing(101, 1.0), stamp=rebooted)]) == Judgement()


@pytest.mark.parametrize("part", [1, 7, 250, 500])
def test_batch_that_is_judged_again_keeps_its_decisions(part: int) -> None:
    """After a failed write the same reports are offered again, alone or with newer ones, or a part of them."""
    filtered, fresh = ChatterFilter(), ChatterFilter()
    batch = landings(1, 500, 0.0, 0.1)
    first = filtered.judge(batch)
    assert filtered.judge(batch) == first
    for begin in range(0, 500, part):
        again = filtered.judge(batch[begin : begin + part])
        assert again.surplus == first.surplus & {(one.stream_id.int, one.seq) for one in batch[begin : begin + part]}
        filtered.on_stored(batch[begin : begin + part])
    more = landings(501, 50, 50.0, 0.7)
    fresh.judge(batch)
    assert filtered.judge(more).surplus == fresh.judge(more).surplus


def test_memory_is_bounded_while_nothing_is_stored() -> None:
    filtered = ChatterFilter()
    for begin in range(1, 50_001, 1000):
        filtered.judge(landings(begin, 1000, begin * 0.01, 0.01))
    assert len(filtered._decided) == DECISIONS_KEPT
    assert all(len(window.stamps) <= LIMIT for window in filtered._windows.values())


def test_every_surplus_reading_lies_in_a_blind_interval() -> None:
    filtered = ChatterFilter()
    batch = landings(1, 5000, 100.0, 0.01)
    judgement = filtered.judge(batch)
    assert covers(judgement.blind, 100.0), "true events may hide among the readings that led to it"
    assert not covers(judgement.blind, 99.9)
    surplus = [one for one in batch if (one.stream_id.int, one.seq) in judgement.surplus]
    seconds = [(one.stamp.at - T0).total_seconds() for one in surplus]
    assert len(seconds) == 5000 - LIMIT
    assert all(covers(judgement.blind, second) for second in seconds)
    assert len(judgement.blind) == 50.0 / BLIND_AFTER_S


def test_blind_intervals_wait_until_a_surplus_reading_is_stored() -> None:
    filtered = ChatterFilter()
    batch = landings(1, 100, 0.0, 0.01)
    (blind,) = filtered.judge(batch).blind
    assert filtered.on_stored(batch[:LIMIT]) == 0
    assert filtered.judge(batch[LIMIT:]).blind == (blind,)
    assert filtered.on_stored(batch[LIMIT:]) == 100 - LIMIT
    assert filtered.judge(landings(101, 10, 1.0, 0.01)).blind == ()
    assert (blind.until.at - T0).total_seconds() == (LIMIT * 0.01) + BLIND_AFTER_S
    (following,) = filtered.judge([landing(111, LIMIT * 0.01 + BLIND_AFTER_S + 0.01)]).blind
    assert following.id != blind.id


def test_numbers_of_the_message() -> None:
    filtered = ChatterFilter()
    assert filtered.describe() == ""
    filtered.judge(landings(1, 100, 0.0, 0.02))
    assert (
        filtered.describe()
        == "100 landings in 2.0 s are more than archers can shoot: kept as readings, left out of shots"
    )
    filtered.judge(landings(101, 5000, 2.0, 0.002))
    assert filtered.describe().startswith("5,000 landings in 10 s are more")
    filtered.end_chatter()
    assert filtered.describe() == ""
