"""The status line that ``systemctl status`` shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drivers.errors import DeviceLost
from edge.common.postgres.boots import CLOCK_HINT
from edge.common.vocabulary import DeviceState
from edge.sensor.status import Status, headline

PORT = "/dev/archstats/bow-1"


def line(status: Status, *, database_ok: bool = True, waiting: int = 0) -> str:
    return headline("bow-1", PORT, status, database_ok=database_ok, waiting=waiting)


def test_line_of_a_working_device() -> None:
    status = Status(state=DeviceState.READY, readings_total=123)
    assert line(status) == "reading bow-1 on /dev/archstats/bow-1, 123 readings, database ok"


def test_line_of_a_device_that_chatters() -> None:
    status = Status(
        state=DeviceState.READY, readings_total=5000, chatter="4,960 landings in 10 s are more than archers can shoot"
    )
    assert line(status).startswith(
        "reading bow-1 on /dev/archstats/bow-1, 5000 readings; degraded: 4,960 landings in 10 s are"
    )


def test_a_fault_of_the_device_comes_before_its_chatter() -> None:
    status = Status(gap="one", gap_hint="1")
    assert status.trouble == ("one", "1")
    status.chatter, status.chatter_hint = "two", "2"
    assert status.trouble == ("two", "2")
    status.set_state(DeviceState.LOST, error="three", hint="3")
    assert status.trouble == ("three", "3")


def test_line_while_the_database_is_away() -> None:
    status = Status(state=DeviceState.READY, readings_total=123)
    assert line(status, database_ok=False, waiting=40) == (
        "reading bow-1 on /dev/archstats/bow-1, 123 readings; waiting for the database, 40 readings wait here"
    )


@pytest.mark.usefixtures("_new_york")
def test_line_of_a_lost_device() -> None:
    since = datetime(2026, 1, 2, 14, 3, 20, tzinfo=UTC)
    status = Status(state=DeviceState.LOST, since=since, error="the port is gone", hint="Check the cable.")
    assert line(status) == (
        "bow-1 on /dev/archstats/bow-1 is lost since 09:03:20 EST: the port is gone; Check the cable, database ok"
    )


def test_a_device_that_fails_while_the_daemon_stops_is_stopped() -> None:
    status = Status(state=DeviceState.STOPPED)
    assert not status.on_error(DeviceLost("the port is gone", device="bow-1", hint="Check the cable."))
    assert status.state is DeviceState.STOPPED


def test_every_state_has_a_line() -> None:
    for state in DeviceState:
        assert "bow-1" in line(Status(state=state))
        assert "bow-1" in headline("bow-1", None, Status(state=state), database_ok=False, waiting=0)


def test_wrong_clock_is_reported_after_faults_of_the_device() -> None:
    status = Status(state=DeviceState.READY, clock="this machine's clock is at least 31 s behind")
    assert line(status).endswith("database ok; this machine's clock is at least 31 s behind")
    assert status.trouble == (status.clock, CLOCK_HINT)
    status.gap, status.gap_hint = "misses cannot be confirmed", "wait"
    assert status.trouble == ("misses cannot be confirmed", "wait")
