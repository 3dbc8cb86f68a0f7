"""Refusals: counted each, logged when they begin and when they end."""

from __future__ import annotations

import logging

import pytest

from edge.push.http.refusals import Cause, Refusals
from tests.eventually import eventually


async def test_a_thousand_refusals_are_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusals = Refusals(quiet_s=0.05)
    for _ in range(1000):
        refusals.count(Cause.STREAMS_FULL)
    assert refusals.shortage is Cause.STREAMS_FULL
    await eventually(lambda: refusals.shortage is None)
    first, last = (record.getMessage() for record in caplog.records)
    assert "too many streams are open" in first
    assert "999 repetitions" in last
    assert refusals.counts[Cause.STREAMS_FULL] == 1000


async def test_everyday_refusals_are_only_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refusals = Refusals()
    for status in (404, 422, 405, 200, 503, 421):
        refusals.count_response(status)
    refusals.count(Cause.TOO_SLOW)
    assert (refusals.counts[Cause.REJECTED], refusals.counts[Cause.TOO_SLOW]) == (3, 1)
    assert (caplog.records, refusals.shortage) == ([], None)


async def test_texts_of_clients_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for number in range(1000):
        refusals.count(Cause.UNKNOWN_HOST, f"'{number}.example'")
    assert len(caplog.records) < 10
    assert "'0.example'" in caplog.records[0].getMessage()
    refusals.close()


async def test_a_stop_logs_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusals = Refusals()
    refusals.count(Cause.INVALID_REQUEST)
    refusals.close()
    assert "no longer" in caplog.records[-1].getMessage()
