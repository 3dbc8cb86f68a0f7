"""Shots at simulated pins: contacts that bounce for up to 15 ms, moved by another thread, in real time."""

from __future__ import annotations

import asyncio

import pytest

from drivers.contract import Reading
from tests.drivers.nock.switches import MS, Moved, move_contacts, opened_switch, read_readings
from tests.drivers.simulated_pins import simulated_pins

PINS = [number for number in range(28) if number not in (2, 3)]
"""Pins of the header without a resistor on the board: so many switches shoot at the same time."""
EVERY_NS = 250 * MS


def compare(moved: list[Moved], readings: list[Reading]) -> tuple[int, int]:
    """The number of readings with the right kind, and the largest difference of their times in nanoseconds."""
    right, worst_ns = 0, 0
    for truth, reading in zip(moved, readings, strict=False):
        right += reading.kind.value == ("engage" if truth.nocked else "release")
        worst_ns = max(worst_ns, abs((reading.stamp.mono_ns or 0) - truth.at_ns))
    return right, worst_ns


@pytest.mark.parametrize(
    "shots", [78, pytest.param(10_010, marks=[pytest.mark.long, pytest.mark.timeout(300)], id="ten-thousand")]
)
async def test_every_shot_is_one_engage_and_one_release(shots: int) -> None:
    each = shots // len(PINS)
    with simulated_pins() as factory:
        for pin in PINS:
            factory.drive((pin, True, 0))
        drivers = [await opened_switch(pin) for pin in PINS]
        try:
            moving = asyncio.create_task(asyncio.to_thread(move_contacts, factory, PINS, each, EVERY_NS, seed=1))
            within_s = each * EVERY_NS / 1e9 + 10.0
            found = await asyncio.gather(*(read_readings(driver, 2 * each, within_s) for driver in drivers))
            moved = await moving
            counters = [driver.counters() for driver in drivers]
        finally:
            await asyncio.gather(*(driver.close() for driver in drivers))

    for pin, readings in zip(PINS, found, strict=True):
        truth = [one for one in moved if one.pin == pin]
        assert len(readings) == len(truth) == 2 * each
        right, worst_ns = compare(truth, readings)
        assert right == 2 * each
        assert worst_ns < 1 * MS
        assert [reading.seq for reading in readings] == list(range(1, 2 * each + 1))
    assert sum(one["same_direction"] for one in counters) > shots // 10
    assert {one["edges_dropped"] + one["edges_missed"] for one in counters} == {0}
