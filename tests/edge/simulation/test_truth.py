"""What ``archstats-sensor truth`` prints, and when."""

from __future__ import annotations

from itertools import islice

from edge.simulation.truth import PIECE_US, in_order
from simulators.world.range import FIXED_START_US, World

YEARS_US = 10 * 365 * 86_400 * 1_000_000


def test_it_is_in_order_and_complete_over_the_pieces_it_is_drawn_in() -> None:
    world, until_us = World(5, FIXED_START_US, 20.0), FIXED_START_US + 2 * PIECE_US + 1
    assert list(in_order(world, 3, FIXED_START_US, until_us)) == world.all_releases(3, FIXED_START_US, until_us)


def test_the_first_lines_of_ten_years_come_before_the_last_is_drawn() -> None:
    world = World(5, FIXED_START_US, 4.0)
    assert [r.shot for r in islice(in_order(world, 1, FIXED_START_US, FIXED_START_US + YEARS_US), 3)] == [1, 2, 3]
