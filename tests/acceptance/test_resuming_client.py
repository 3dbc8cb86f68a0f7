"""The resuming client detects missing, repeated and reordered events."""

from __future__ import annotations

import pytest

from tests.acceptance.resuming_client import ResumingClient

EVENTS = ["a", "b", "c"]


@pytest.mark.parametrize("ids", [["a", "b", "c"], ["b", "c"], ["a", "b", "c", "newer"]])
def test_each_event_once_in_order_is_no_difference(ids: list[str]) -> None:
    assert ResumingClient(0, ids=ids).differences(EVENTS) == []


@pytest.mark.parametrize(
    "ids", [["a", "b", "c", "c"], ["a", "b", "c", "b"], ["a", "c", "b"], ["a", "c"], ["a", "b", "c", "new", "new"], []]
)
def test_any_other_sequence_is_a_difference(ids: list[str]) -> None:
    assert ResumingClient(0, ids=ids).differences(EVENTS) != []
