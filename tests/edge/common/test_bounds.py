"""Bounds of values from outside, which requests and commands share."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edge.common.bounds import EARLIEST, LATEST, storable_instant, storable_text


@pytest.mark.parametrize("text", ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-05-02T12:00:00+14:00"])
def test_an_instant_within_the_bounds_is_in_utc(text: str) -> None:
    at = datetime.fromisoformat(text)
    assert storable_instant(at) == at
    assert storable_instant(at).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00+00:01",
    ],
)  # fmt: skip
def test_an_instant_beyond_them_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="between 1970 and 9999"):
        storable_instant(datetime.fromisoformat(text))


def test_bounds_are_aware() -> None:
    assert EARLIEST.tzinfo is LATEST.tzinfo is UTC


@pytest.mark.parametrize("text", ["a\0b", "\udcff"])
def test_a_text_that_no_row_holds_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        storable_text(text)
    assert storable_text("Bogenhaus \u00e4") == "Bogenhaus \u00e4"
