"""The order and completeness of ``archstats-sensor truth``."""

from __future__ import annotations

from itertools import islice

import pytest

from edge.common.config.errors import UsageError
from edge.simulation.truth import PIECE_US, in_order, microseconds
from simulators.world.range import FIXED_START_US, World

YEARS_US = 10 * 365 * 86_400 * 1_000_000


def test_pieces_are_in_order_and_complete() -> None:
    world, until_us = World(5, FIXED_START_US, 20.0), FIXED_START_US + 2 * PIECE_US + 1
    assert list(in_order(world, 3, FIXED_START_US, until_us)) == world.all_releases(3, FIXED_START_US, until_us)


def test_first_lines_come_before_the_last_is_drawn() -> None:
    world = World(5, FIXED_START_US, 4.0)
    assert [r.shot for r in islice(in_order(world, 1, FIXED_START_US, FIXED_START_US + YEARS_US), 3)] == [1, 2, 3]


def test_option_instants_are_exact() -> None:
    assert microseconds("--since", "2026-01-01T01:00:00.000001+01:00") == FIXED_START_US + 1


@pytest.mark.parametrize("text", ["tomorrow", "2026-01-01T00:00:00"])
def test_invalid_instants_are_rejected_with_the_option(text: str) -> None:
    with pytest.raises(UsageError, match=f"--since {text} is not an instant with a time zone"):
        microseconds("--since", text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"])
def test_instants_outside_the_calendar_are_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="does not lie between 1970 and 9999"):
        microseconds("--since", text)
