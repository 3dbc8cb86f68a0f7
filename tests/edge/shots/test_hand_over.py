"""A session goes from one assembler to another: no reading is lost, and only one of them writes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import pytest
from pytest_mock import MockerFixture

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role
from edge.shots import assembler as limits
from edge.shots import stuck
from edge.shots.assembler import Assembler
from edge.shots.session import SessionAssembler
from edge.shots.store.results import SessionResult
from edge.shots.store.shares import SHARES
from tests.edge.lane_rows import LaneRows


class Taken(list[tuple[UUID, int]]):
    """The sessions that were handed over, with their lanes."""

    def __contains__(self, session_id: object) -> bool:
        return session_id in [taken for taken, _ in self]

    def take(self, session_id: UUID, lane: int) -> None:
        self.append((session_id, lane))


@pytest.fixture
async def own(database: Database) -> AsyncIterator[Connection]:
    opened = await database.acting_as(Role.SHOTS).connect()
    yield opened
    await opened.close()


async def shot(lane: LaneRows, *releases: float) -> None:
    for t in releases:
        await lane.shoot(t)
        await lane.land(t + 0.36)


async def test_readings_of_another_lane_take_none_from_the_session(
    lane: LaneRows, own: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a bow that moved are read too, and once filled the limit: the session lost its landings."""
    taken = Taken()
    assembler = Assembler(own, range(SHARES), slow=taken)
    await shot(lane, 10.0, 20.0)
    await assembler.step()
    await lane.connection.execute("update devices set lane = 2, lane_since = $1 where id = $2", lane.at(25.0), lane.bow)
    await assembler.step()
    for n in range(20):
        await lane.shoot(30.0 + n)
    monkeypatch.setattr(limits, "LOADED_READINGS", 10)
    await lane.add_device("bow-new", "bow", 1)  # the session is loaded again
    await assembler.step()
    assert await lane.connection.fetchval("select count(*) from shots where result = 'hit'") == 2
    assert taken == [(lane.session_id, 1)]


async def test_stuck_session_that_is_handed_over_is_tried_no_more(
    lane: LaneRows, own: Connection, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """The assembler of all lanes once loaded and gave it away without a pause, for ever."""
    monkeypatch.setattr(stuck, "FIRST_RETRY_S", 0.0)
    taken = Taken()
    assembler = Assembler(own, range(SHARES), slow=taken)
    await shot(lane, 10.0, 20.0)
    fails = mocker.patch.object(SessionAssembler, "assemble", side_effect=ZeroDivisionError)
    await assembler._read_and_assemble(())
    await assembler._read_and_assemble(())
    assert fails.call_count == 1
    mocker.stopall()
    monkeypatch.setattr(limits, "LOADED_READINGS", 3)
    for _ in range(3):
        await assembler.step()
    assert taken == [(lane.session_id, 1)]
    assert assembler.next_due_s > 0


async def test_session_given_up_during_its_assembly_is_not_written(
    lane: LaneRows, own: Connection, mocker: MockerFixture
) -> None:
    """The lanes were divided anew: another assembler writes the session by now."""
    owned = {lane.session_id}
    assembler = Assembler(own, range(SHARES), only=lambda: owned)
    assembler.load(owned)
    real = SessionAssembler.assemble

    def assemble(self: SessionAssembler, now: Instant, watermarks: Mapping[str, Instant]) -> SessionResult:
        owned.clear()
        return real(self, now, watermarks)

    mocker.patch.object(SessionAssembler, "assemble", assemble)
    await shot(lane, 10.0)
    await assembler.step()
    assert await lane.connection.fetchval("select count(*) from shots") == 0


async def test_closed_session_is_handed_over_with_a_request(
    lane: LaneRows, own: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading position moves on: after a crash only the request brings the late readings back."""
    monkeypatch.setattr(limits, "LOADED_READINGS", 3)
    taken = Taken()
    await lane.connection.execute(
        "update sessions set closing_time = $1, is_opened = false, end_time = $1", lane.at(60.0)
    )
    assembler = Assembler(own, range(SHARES), slow=taken)
    await assembler.step()
    assembler._forget([lane.session_id])
    await shot(lane, 10.0, 20.0)
    await assembler.step()
    assert taken == [(lane.session_id, 1)]
    assert await lane.connection.fetchval("select count(*) from rebuilds where done_at is null") == 1
