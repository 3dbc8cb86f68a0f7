"""The class of each refusal that a range may meet."""

from __future__ import annotations

import pytest

from edge.sensor.sqlstate import Verdict, verdict_on


@pytest.mark.parametrize(
    ("sqlstate", "verdict"),
    [
        (None, Verdict.TRANSIENT),  # the line broke
        ("08006", Verdict.TRANSIENT),  # connection failure
        ("25006", Verdict.TRANSIENT),  # read only: servers are being switched
        ("28P01", Verdict.TRANSIENT),  # wrong password
        ("28000", Verdict.TRANSIENT),  # no entry in pg_hba.conf
        ("3D000", Verdict.TRANSIENT),  # no such database
        ("40P01", Verdict.TRANSIENT),  # deadlock
        ("53100", Verdict.TRANSIENT),  # the server's disk is full
        ("53300", Verdict.TRANSIENT),  # too many connections
        ("55P03", Verdict.TRANSIENT),  # lock not available
        ("57014", Verdict.TRANSIENT),  # statement time-out
        ("57P01", Verdict.TRANSIENT),  # the server shuts down
        ("57P03", Verdict.TRANSIENT),  # the server starts
        ("58030", Verdict.TRANSIENT),  # the server's I/O failed
        ("XX001", Verdict.TRANSIENT),  # the server's data is damaged
        ("42501", Verdict.BATCH),  # no right
        ("42P01", Verdict.BATCH),  # no such table
        ("42703", Verdict.BATCH),  # no such column
        ("23503", Verdict.BATCH),  # the device was deleted
        ("P0001", Verdict.BATCH),  # somebody's trigger
        ("0A000", Verdict.BATCH),  # unknown to the list
        ("22021", Verdict.ROW),  # a character that text cannot hold
        ("22003", Verdict.ROW),  # a number out of range
        ("22000", Verdict.ROW),  # refused before it was sent
        ("23514", Verdict.ROW),  # a check
        ("23502", Verdict.ROW),  # a null
    ],
)
def test_each_refusal_has_its_class(sqlstate: str | None, verdict: Verdict) -> None:
    assert verdict_on(sqlstate) is verdict
