"""The order of boots, and instants of several boots on a session's time axis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pytest_mock import MockerFixture

from drivers.clock.instant import Instant
from edge.shots.assembly.boots import Boot, BootOrder, Order
from edge.shots.assembly.timeline import Axis
from edge.shots.assembly.window import DeviceInterval, SessionWindow

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
A, B, C, LAPTOP, UNRECORDED = (UUID(int=n) for n in range(1, 6))
HUB, OTHER = UUID(int=10), UUID(int=11)


def boot(i: UUID, number: float, host: UUID | None = HUB, *, zero_s: float = 0.0, end_s: float | None = None) -> Boot:
    end_ns = None if end_s is None else round(end_s * 1e9)
    return Boot(i, host, number, number, NOON + timedelta(seconds=zero_s), is_dated=False, end_ns=end_ns)


BOOTS = BootOrder.of(
    [boot(A, 1, end_s=1000.0), boot(B, 2, zero_s=500.0, end_s=100.0), boot(C, 3, zero_s=5000.0), boot(LAPTOP, 4, OTHER)]
)
"""B begins with a clock that stands 500 s before the end of A."""


def at(i: UUID | None, wall_s: float, mono_s: float | None) -> Instant:
    return Instant(NOON + timedelta(seconds=wall_s), None if mono_s is None else round(mono_s * 1e9), i)


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        (A, B, Order.BEFORE),
        (C, A, Order.AFTER),
        (A, A, Order.UNKNOWN),
        (A, LAPTOP, Order.UNKNOWN),
        (A, UNRECORDED, Order.UNKNOWN),
        (None, A, Order.UNKNOWN),
    ],
)
def test_boots_of_one_host_have_an_order(a: UUID | None, b: UUID | None, order: Order) -> None:
    assert BOOTS.order(a, b) is order


def test_boots_that_overlap_have_no_order() -> None:
    shared = BootOrder.of([Boot(A, HUB, 1, 2, NOON, is_dated=False, end_ns=None), boot(B, 2)])
    assert (shared.order(A, B), shared.order(B, A)) == (Order.UNKNOWN, Order.UNKNOWN)


def test_host_without_a_machine_id_may_be_any() -> None:
    assert BootOrder.of([boot(A, 1, None), boot(B, 2)]).order(A, B) is Order.BEFORE


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (at(A, 900, 900), at(A, 0, 901)),
        (at(A, 900, 900), at(B, 600, 100)),
        (at(A, 900, None), at(B, 600, 100)),
        (at(LAPTOP, 100, 900), at(A, 101, 1)),
        (at(None, 100, None), at(UNRECORDED, 101, 5)),
    ],
)
def test_instants_follow_the_order_of_their_boots(earlier: Instant, later: Instant) -> None:
    assert BOOTS.is_before(earlier, later)
    assert not BOOTS.is_before(later, earlier)


def test_later_boot_begins_after_the_end_of_the_one_before() -> None:
    axis = Axis(at(A, 900, 900), boots=BOOTS)
    assert axis.seconds_of(at(A, 0, 950)) == pytest.approx(50.0)
    assert axis.seconds_of(at(B, 520, 20)) == pytest.approx(100.0 + 20.0)
    assert axis.seconds_of(at(B, 520, None)) == pytest.approx(100.0)
    assert axis.seconds_of(at(C, 5030, 30)) == pytest.approx(5030.0 - 900.0)


def test_boots_without_an_instant_are_not_placed(mocker: MockerFixture) -> None:
    """A hub that is switched off every night has a thousand boots after three years; placing each looks at all of them."""
    placed = mocker.spy(BootOrder, "placed_after")
    axis = Axis(at(A, 900, 900), boots=BOOTS)
    assert placed.call_count == 0
    for _ in range(2):
        assert axis.seconds_of(at(B, 520, 20)) == pytest.approx(100.0 + 20.0)
    assert placed.call_count == 1


def test_no_reading_of_a_later_boot_moves_it_on_the_axis() -> None:
    axis = Axis(at(A, 900, 900), [at(B, 540, 40)], boots=BOOTS)
    assert not axis.tie(at(B, 520, 20))
    assert axis.seconds_of(at(B, 540, 40)) - axis.seconds_of(at(B, 520, 20)) == pytest.approx(20.0)


def test_instant_of_an_earlier_boot_is_before_the_session() -> None:
    """Such as a device's arrival at its lane, while the wall clock of the session's boot was behind."""
    axis = Axis(at(B, 530, 30), boots=BOOTS)
    assert axis.seconds_of(at(A, 990, 990)) == pytest.approx(-30.0)
    assert axis.seconds_of(at(A, 100, 100)) == pytest.approx(-430.0)


def window(start: Instant, closing: Instant | None) -> SessionWindow:
    ended_at = None if closing is None else closing.at
    return SessionWindow(start, closing, ended_at, {"bow-1": [DeviceInterval(at(A, 800, 800))]}, BOOTS)


@pytest.mark.parametrize(
    ("reading", "held"),
    [
        (at(A, 950, 950), True),
        (at(A, 1009, 1009), True),
        (at(A, 1011, 1011), False),
        (at(B, 950, 450), False),
        (at(C, 950, 450), False),
        (at(LAPTOP, 950, 450), True),
    ],
)
def test_closed_session_holds_no_later_boot(reading: Instant, *, held: bool) -> None:
    assert window(at(A, 900, 900), at(A, 1000, 999)).holds("bow-1", reading) is held


@pytest.mark.parametrize(
    ("reading", "held"),
    [(at(A, 950, 950), False), (at(B, 540, 40), True), (at(B, 575, 75), False), (at(C, 540, 40), False)],
)
def test_session_of_a_later_boot_holds_no_earlier_one(reading: Instant, *, held: bool) -> None:
    assert window(at(B, 530, 30), at(B, 560, 60)).holds("bow-1", reading) is held


@pytest.mark.parametrize(
    ("reading", "held"),
    [(at(A, 950, 950), True), (at(B, 550, 50), True), (at(B, 580, 80), False), (at(C, 550, 50), False)],
)
def test_session_over_two_boots_holds_both(reading: Instant, *, held: bool) -> None:
    assert window(at(A, 900, 900), at(B, 560, 60)).holds("bow-1", reading) is held


def test_open_session_holds_later_boots() -> None:
    open_one = window(at(A, 900, 900), None)
    assert open_one.holds("bow-1", at(B, -9000, 5))
    assert open_one.began_before(at(B, -9000, 5))
