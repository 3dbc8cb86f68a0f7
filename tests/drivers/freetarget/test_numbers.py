"""The target's own count of impacts."""

from __future__ import annotations

from drivers.freetarget.numbers import Order, ShotCount


def orders(*numbers: int) -> list[Order]:
    count = ShotCount()
    return [count.on_shot(number, 1.0 * place, 2.0) for place, number in enumerate(numbers)]


def test_the_count_begins_at_any_number_and_goes_on() -> None:
    assert orders(41, 42, 43) == [Order.NEXT] * 3


def test_a_missing_number_is_a_skipped_impact() -> None:
    assert orders(41, 43, 44) == [Order.NEXT, Order.SKIPPED, Order.NEXT]


def test_a_smaller_number_is_a_restart() -> None:
    assert orders(41, 1, 2, 2) == [Order.NEXT, Order.RESTARTED, Order.NEXT, Order.RESTARTED]


def test_firmware_6_wraps_after_a_hundred() -> None:
    assert orders(99, 100, 1, 2) == [Order.NEXT] * 4
    assert orders(99, 100, 101) == [Order.NEXT] * 3
    assert orders(99, 1) == orders(97, 3) == [Order.NEXT, Order.SKIPPED]
    assert orders(85, 1) == orders(101, 1) == [Order.NEXT, Order.RESTARTED]


def test_the_same_number_and_place_is_printed_again() -> None:
    count = ShotCount()
    for number in (1, 2, 3):
        count.on_shot(number, 10.0 * number, 0.0)

    assert [count.on_shot(number, 10.0 * number, 0.0) for number in (1, 2, 3)] == [Order.REPEATED] * 3
    assert count.on_shot(4, 40.0, 0.0) is Order.NEXT
    assert len(count._known) == 4


def test_announced_misses_and_unlocated_impacts_take_numbers() -> None:
    count = ShotCount()
    count.on_shot(1, 0.0, 0.0)
    assert count.on_miss(2) is Order.NEXT
    assert count.on_miss(2) is Order.REPEATED
    count.on_unlocated()
    assert count.on_shot(4, 1.0, 0.0) is Order.NEXT
    assert count.on_miss(6) is Order.SKIPPED

    over_the_end = ShotCount()
    over_the_end.on_shot(100, 0.0, 0.0)
    over_the_end.on_unlocated()
    assert over_the_end.on_shot(2, 1.0, 0.0) is Order.NEXT


def test_the_known_impacts_are_bounded() -> None:
    count = ShotCount()
    for number in range(1, 400):
        count.on_shot(number, 0.0, 0.0)
    assert len(count._known) == 100
