"""The time of a session on both clocks of the host, and what it may not leave out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from drivers.clock.host import host_now
from drivers.clock.instant import Instant, instant_of
from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode, SessionState
from edge.operator.records.faces import change_face, delete_face
from edge.operator.records.locking import SESSION_ROW, has_shots
from edge.operator.records.session_change import change_session, close_session
from edge.operator.records.sessions import BareSession, create_session, delete_session
from edge.operator.records.targets import change_target, delete_target
from tests.edge.lane_rows import LaneRows
from tests.edge.shot_rows import add_shot


def bare(start: datetime) -> BareSession:
    """A session of lane 1 from an instant on."""
    return BareSession(1, start, "range", False, 6, 0)


async def stored_instant(connection: Connection, name: str) -> Instant:
    """An instant of the only session, by the name of its wall clock column."""
    (row,) = await connection.fetch("select * from sessions")
    return instant_of(row, name)


async def test_instants_keep_both_clocks(api: Connection) -> None:
    now = host_now()
    start = now.at - timedelta(seconds=1)
    session_id = await create_session(api, bare(start))
    stored = await stored_instant(api, "start_time")
    assert (stored.at, stored.host_boot_id) == (start, now.host_boot_id)
    earlier = start - timedelta(seconds=1)
    await change_session(api, session_id, {"start_time": earlier})
    moved = await stored_instant(api, "start_time")
    assert (moved.at, moved.mono_ns) == (earlier, (stored.mono_ns or 0) - 1_000_000_000)
    closing = {"is_opened": False, "end_time": start}
    assert await change_session(api, session_id, closing) is SessionState.CLOSED
    ended = await stored_instant(api, "closing_time")
    assert (ended.at, ended.mono_ns) == (start, stored.mono_ns)
    assert await api.fetchval("select end_time from sessions") == start


async def test_a_session_before_this_boot_has_the_wall_clock_alone(api: Connection) -> None:
    start = host_now().at - timedelta(days=4000)
    await create_session(api, bare(start))
    stored = await stored_instant(api, "start_time")
    assert (stored.at, stored.mono_ns, stored.host_boot_id) == (start, None, None)


async def test_closing_now_ends_a_lane_without_devices(api: Connection) -> None:
    start = host_now().at - timedelta(seconds=10)
    session_id = await create_session(api, bare(start))
    assert await close_session(api, session_id) is SessionState.CLOSED
    (row,) = await api.fetch("select end_time, closing_time, closing_mono_ns from sessions")
    assert row["end_time"] == row["closing_time"] > start
    assert row["closing_mono_ns"] is not None


async def test_a_change_leaves_out_no_shot(lane: LaneRows, api: Connection) -> None:
    shot = await add_shot(lane, 640.0, 640.0, 1)
    released: datetime = await lane.connection.fetchval("select arrow_disengage_time from shots where id = $1", shot)
    for change in (
        {"start_time": released + timedelta(seconds=1)},
        {"is_opened": False, "end_time": released - timedelta(seconds=1)},
    ):
        with pytest.raises(CommandError) as refused:
            await change_session(api, lane.session_id, change)
        assert refused.value.code is ErrorCode.SESSION_HAS_SHOTS
    await change_session(api, lane.session_id, {"start_time": released})
    assert await lane.connection.fetchval("select start_time from sessions") == released


async def test_a_refused_change_changes_nothing(lane: LaneRows, api: Connection) -> None:
    before = await lane.connection.fetchrow(f"select {SESSION_ROW} from sessions")

    def refuse(row_json: str) -> None:
        raise UsageError(row_json, hint="Read it again.")

    with pytest.raises(UsageError) as refused:
        await change_session(api, lane.session_id, {"location": "elsewhere"}, refuse)
    assert f'"id":"{lane.session_id}"' in refused.value.message
    assert await lane.connection.fetchrow(f"select {SESSION_ROW} from sessions") == before


async def test_arrows_that_wait_keep_their_session(lane: LaneRows, api: Connection) -> None:
    await lane.shoot(10.0)
    target = await lane.connection.fetchval("select id from targets")
    deletions = delete_session(api, lane.session_id), delete_target(api, target), delete_face(api, lane.face_id)
    change = change_face(api, lane.face_id, {"x": 641.0})
    for refusing in (*deletions, change, change_target(api, target, {"distance": 30.0})):
        with pytest.raises(CommandError) as refused:
            await refusing
        assert refused.value.code is ErrorCode.SESSION_HAS_SHOTS
    assert await lane.connection.fetchval("select count(*) from faces") == 1
    for late in ({"start_time": lane.at(11.0)}, {"is_opened": False, "end_time": lane.at(9.0)}):
        with pytest.raises(CommandError) as refused:
            await change_session(api, lane.session_id, late)
        assert refused.value.code is ErrorCode.PENDING
    await change_session(api, lane.session_id, {"start_time": lane.at(10.0)})


async def test_by_the_clock_of_one_boot_arrows_wait(lane: LaneRows, api: Connection) -> None:
    boot = host_now().host_boot_id
    await lane.shoot(10.0)
    await lane.connection.execute("update sessions set start_mono_ns = 1000, start_host_boot_id = $1", boot)
    for mono_ns, at, is_refused in ((1001, lane.at(-9000.0), True), (999, lane.at(10.0), False)):
        await lane.connection.execute("update readings set mono_ns = $1, host_boot_id = $2, at = $3", mono_ns, boot, at)
        assert await has_shots(api, lane.session_id) is is_refused


async def test_what_is_of_no_arrow_of_the_session_keeps_nothing(lane: LaneRows, api: Connection) -> None:
    await lane.add_reading(lane.bow, "engage", 10.0)
    await lane.add_reading(lane.target, "landing", 10.0, cause="removed")
    await lane.shoot(-5.0)
    await lane.connection.execute(
        "update sessions set is_opened = false, end_time = $1, closing_time = $1", lane.at(30.0)
    )
    await lane.shoot(31.0)
    await lane.land(41.0)
    await delete_session(api, lane.session_id)
    assert await lane.connection.fetchval("select count(*) from sessions") == 0
