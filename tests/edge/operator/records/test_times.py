"""The time of a session on both clocks of the host, and what it may not leave out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from drivers.clock.host import host_now
from drivers.clock.instant import Instant, instant_of
from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode, SessionState
from edge.operator.records.locking import SESSION_ROW
from edge.operator.records.session_change import change_session, close_session
from edge.operator.records.sessions import BareSession, create_session
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
