"""Instants on both clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from drivers.clock.instant import ClockPair, Instant

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
