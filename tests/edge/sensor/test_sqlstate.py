"""The class of each database error that may occur on a range."""

from __future__ import annotations

import pytest

from edge.sensor.sqlstate import ErrorClass, classify


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        (None, ErrorClass.TRANSIENT),  # the line broke
        ("08006", ErrorClass.TRANSIENT),  # connection failure
        ("25006", ErrorClass.TRANSIENT),  # read only: servers are being switched
        ("28P01", ErrorClass.TRANSIENT),  # wrong password
        ("28000", ErrorClass.TRANSIENT),  # no entry in pg_hba.conf
        ("3D000", ErrorClass.TRANSIENT),  # no such database
        ("40P01", ErrorClass.TRANSIENT),  # deadlock
        ("53100", ErrorClass.TRANSIENT),  # the server's disk is full
        ("53300", ErrorClass.TRANSIENT),  # too many connections
        ("55P03", ErrorClass.TRANSIENT),  # lock not available
        ("57014", ErrorClass.TRANSIENT),  # statement time-out
        ("57P01", ErrorClass.TRANSIENT),  # the server shuts down
        ("57P03", ErrorClass.TRANSIENT),  # the server starts
        ("58030", ErrorClass.TRANSIENT),  # the server's I/O failed
        ("XX001", ErrorClass.TRANSIENT),  # the server's data is damaged
        ("42501", ErrorClass.BATCH),  # no permission
        ("42P01", ErrorClass.BATCH),  # no such table
        ("42703", ErrorClass.BATCH),  # no such column
        ("23503", ErrorClass.BATCH),  # the device was deleted
        ("P0001", ErrorClass.BATCH),  # a trigger of the installation
        ("0A000", ErrorClass.BATCH),  # unknown to the list
        ("22021", ErrorClass.ROW),  # a character that text cannot hold
        ("22003", ErrorClass.ROW),  # a number out of range
        ("22000", ErrorClass.ROW),  # refused before it was sent
        ("23514", ErrorClass.ROW),  # a check
        ("23502", ErrorClass.ROW),  # a null
    ],
)
def test_each_error_has_its_class(sqlstate: str | None, expected: ErrorClass) -> None:
    assert classify(sqlstate) is expected
