"""Connections: bounded, with a deadline for their first request, and fair between addresses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from pytest_mock import MockerFixture

from edge.push.http import admission
from edge.push.http.admission import (
    CLOSED_AT_ONCE,
    MARGIN_PER_ADDRESS,
    MAX_CONNECTIONS,
    MAX_STREAMS,
    OWN_DESCRIPTORS,
    Admission,
    capacity,
    counted_address,
)
from edge.push.http.envelope import RequestRejected
from edge.push.http.refusals import Cause, Refusals
from edge.push.stream.hub import Hub
from tests.eventually import eventually


@dataclass(eq=False)
class FakeConnection:
    """A connection that notes how it was closed."""

    closed: str = ""

    def give_way(self) -> None:
        """Close for another."""
        self.closed = "gave way"

    def time_out(self) -> None:
        """Close at the deadline."""
        self.closed = "timed out"


@pytest.fixture
def refusals() -> Refusals:
    """Return counters."""
    return Refusals()


def connected(places: Admission, count: int, address: str | None = None) -> list[FakeConnection]:
    made = [FakeConnection() for _ in range(count)]
    for one in made:
        places.connect(one, address)
    return made


def test_capacity_leaves_descriptors_to_the_process() -> None:
    assert [capacity(limit) for limit in (64, 256, 1024, 8192, 2**30)] == [
        32,
        192,
        960,
        MAX_CONNECTIONS,
        MAX_CONNECTIONS,
    ]


async def test_every_stream_fits_and_requests_have_room(refusals: Refusals) -> None:
    assert Admission(refusals, 0, lambda: MAX_CONNECTIONS + OWN_DESCRIPTORS).max_streams == MAX_STREAMS
    assert Admission(refusals, 0, lambda: 256).max_streams == 144


async def test_oldest_connection_without_a_request_gives_way(refusals: Refusals) -> None:
    places = Admission(refusals, 0, lambda: 64)
    busy, *silent = connected(places, 32)
    places.begin_request(busy)
    connected(places, 2)
    assert [one.closed for one in (busy, *silent[:3])] == ["", "gave way", "gave way", ""]
    assert refusals.counts[Cause.CONNECTIONS_FULL] == 2
    assert refusals.shortage is Cause.CONNECTIONS_FULL
    places.close()
    refusals.close()


async def test_streams_never_give_way(refusals: Refusals) -> None:
    places = Admission(refusals, 0, lambda: 64)
    for one in connected(places, 32):
        places.begin_request(one)
    assert not places.connect(FakeConnection(), None)
    places.disconnect(None)
    assert places.open == 32
    places.close()
    refusals.close()


async def test_silent_connections_are_closed_after_the_deadline(refusals: Refusals, mocker: MockerFixture) -> None:
    mocker.patch.object(admission, "SWEEP_S", 0.01)
    places = Admission(refusals, 0, lambda: 256, request_within_s=0.05)
    silent, busy = connected(places, 2)
    places.begin_request(busy)
    await eventually(lambda: silent.closed == "timed out")
    assert (busy.closed, refusals.counts[Cause.TOO_SLOW], refusals.shortage) == ("", 1, None)
    places.await_request(busy)  # its response is complete
    await eventually(lambda: busy.closed == "timed out")
    for _ in range(2):
        places.disconnect(None)
    await eventually(lambda: places._timer is None)  # idle without connections


async def test_many_late_connections_are_closed_in_portions(refusals: Refusals) -> None:
    places = Admission(refusals, 0, request_within_s=0.0)
    silent = connected(places, 2 * CLOSED_AT_ONCE)
    places._sweep()
    assert [one.closed for one in silent] == ["timed out"] * CLOSED_AT_ONCE + [""] * CLOSED_AT_ONCE
    await eventually(lambda: all(one.closed for one in silent))
    places.close()


async def test_exhausted_descriptors_are_counted_and_freed(refusals: Refusals, mocker: MockerFixture) -> None:
    mocker.patch.object(admission, "SWEEP_S", 0.01)
    is_free = mocker.patch.object(admission, "is_descriptor_free", return_value=False)
    places = Admission(refusals, 0, lambda: 256)
    silent = connected(places, 4)
    await eventually(lambda: refusals.shortage is Cause.NO_DESCRIPTOR and all(one.closed for one in silent))
    assert {one.closed for one in silent} == {"gave way"}
    assert refusals.counts[Cause.NO_DESCRIPTOR] >= 1
    is_free.return_value = True
    places.close()
    refusals.close()


async def test_a_lowered_limit_closes_silent_connections(refusals: Refusals, mocker: MockerFixture) -> None:
    mocker.patch.object(admission, "SWEEP_S", 0.01)
    limits = [256]
    places = Admission(refusals, 0, lambda: limits[0])
    silent = connected(places, 40)
    limits[0] = 64
    await eventually(lambda: places.limit == 32)
    assert [one.closed for one in silent].count("gave way") >= 8
    places.close()
    refusals.close()


async def test_one_address_cannot_take_every_stream(refusals: Refusals) -> None:
    places = Admission(refusals, 10, lambda: 1024)
    connected(places, 11, "192.0.2.1")
    connected(places, 1, "192.0.2.2")
    hub = Hub()
    with pytest.raises(RequestRejected) as rejected:
        places.check_stream("192.0.2.1", hub)
    assert (rejected.value.status, rejected.value.errors[0].code) == (429, "too_many_from_address")
    places.check_stream("192.0.2.2", hub)
    places.check_stream(None, hub)
    places.disconnect("192.0.2.1")
    places.check_stream("192.0.2.1", hub)
    connected(places, MARGIN_PER_ADDRESS, "192.0.2.1")
    assert not places.connect(FakeConnection(), "192.0.2.1")
    assert places.connect(FakeConnection(), "192.0.2.2")
    places.close()
    refusals.close()


async def test_without_a_limit_an_address_has_every_place(refusals: Refusals) -> None:
    places = Admission(refusals, 0, lambda: 1024)
    connected(places, 700, "192.0.2.1")
    places.check_stream("192.0.2.1", Hub())
    assert refusals.counts[Cause.ADDRESS_FULL] == 0
    places.close()


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (None, None),
        (("127.0.0.1", 5), None),
        (("::1", 5), None),
        (("::ffff:127.0.0.1", 5), None),
        (("192.0.2.1", 5), "192.0.2.1"),
        (("fe80::1", 5), "fe80::1"),
        (("", 5), None),
    ],
)
def test_this_machine_may_be_a_proxy_and_is_not_counted(client: tuple[str, int] | None, expected: str | None) -> None:
    assert counted_address(client) == expected


async def test_a_full_hub_and_few_descriptors_reject_streams(refusals: Refusals) -> None:
    places = Admission(refusals, 0, lambda: 1024)
    hub = Hub(max_clients=0)
    with pytest.raises(RequestRejected) as rejected:
        places.check_stream(None, hub)
    assert (rejected.value.status, refusals.shortage) == (503, Cause.STREAMS_FULL)
    assert Hub().is_full(0)
    assert not Hub().is_full(1)
    await asyncio.sleep(0)
    refusals.close()
