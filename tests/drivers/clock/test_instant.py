"""Instants on both clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drivers.clock.instant import ClockPair, Instant, instant_columns, instant_of, optional_instant_of

BOOT = UUID(int=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_another_utc_time_keeps_the_pair_of_clocks() -> None:
    instant = Instant(NOON, 10_000_000_000, BOOT)

    assert instant.at_utc(NOON - timedelta(seconds=2)) == Instant(NOON - timedelta(seconds=2), 8_000_000_000, BOOT)


def test_utc_alone_stays_utc_alone() -> None:
    assert Instant(NOON).at_utc(NOON + timedelta(seconds=1)) == Instant(NOON + timedelta(seconds=1))


def test_a_pair_is_an_instant_of_its_boot() -> None:
    pair = ClockPair(mono_ns=5_000, utc_ns=1_767_268_800_000_000_000)

    assert pair.instant(BOOT) == Instant(NOON, 5_000, BOOT)


def test_pair_is_the_middle_of_two_monotonic_readings() -> None:
    assert ClockPair.read_between(1_000, 7, 4_000) == ClockPair(mono_ns=2_500, utc_ns=7)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("at", ("at", "mono_ns", "host_boot_id")),
        ("since", ("since", "since_mono_ns", "since_host_boot_id")),
        ("start_time", ("start_time", "start_mono_ns", "start_host_boot_id")),
        ("r.at", ("r.at", "r.mono_ns", "r.host_boot_id")),
        ("d.lane_since", ("d.lane_since", "d.lane_since_mono_ns", "d.lane_since_host_boot_id")),
    ],
)
def test_wall_clock_column_names_the_other_two(name: str, columns: tuple[str, str, str]) -> None:
    assert instant_columns(name) == columns


@pytest.mark.parametrize("name", ["at", "since", "closing_time"])
@pytest.mark.parametrize("instant", [Instant(NOON, 5_000, BOOT), Instant(NOON)])
def test_instant_is_read_from_its_columns(name: str, instant: Instant) -> None:
    row = dict(zip(instant_columns(name), instant.columns, strict=True))

    assert instant_of(row, name) == optional_instant_of(row, name) == instant


def test_null_columns_are_no_instant() -> None:
    assert optional_instant_of({"until": None, "until_mono_ns": None, "until_host_boot_id": None}, "until") is None
