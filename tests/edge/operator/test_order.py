"""``last`` and the lists follow the order of sessions and boots, also on a hub whose wall clock stood before its last shutdown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role
from edge.operator.lookup import LAST
from edge.operator.orphans import find_orphan, list_orphans
from edge.operator.sessions import request_close
from edge.operator.shots import find_shot, list_shots
from edge.push.api.live import live
from edge.push.http.read_pool import ReadPool
from edge.shots.assembler import Assembler
from edge.shots.store.shares import SHARES
from tests.edge.boot_rows import HubBoot, hub_boot, open_in
from tests.edge.lane_rows import LaneRows, SessionSetup, stored_lane

ZERO = datetime(2026, 10, 4, 16, 30, tzinfo=UTC)
"""Wall clock of the first boot at its start."""
LATER_BOOTS = (ZERO - timedelta(hours=1), datetime(1972, 1, 1, tzinfo=UTC))
"""Wall clocks of the boots after it: an hour behind, and never set."""
FAR_BEHIND = ZERO - timedelta(days=40)
"""Wall clock of the last boot, so far behind that it may be the earlier one that was wrong: no instant is moved."""


@pytest.fixture
async def lane(database: Database) -> AsyncIterator[LaneRows]:
    """A lane without a session."""
    async with stored_lane(database, SessionSetup(ZERO)) as built:
        await built.connection.execute("delete from sessions; delete from session_changes")
        yield built


async def shoot_session(boot: HubBoot, assembler: Assembler) -> None:
    """A closed session of one shot and one landing that no release explains."""
    await boot.record(10.0)
    await open_in(boot, boot.at(20.0))
    await boot.shoot(40.0)
    await boot.store(boot.lane.target, "landing", 80.0, uuid4().hex)
    await boot.set_watermarks(200.0)
    await request_close(boot.lane.connection, boot.lane.number, boot.at(150.0))
    await assembler.step()
    await boot.record(210.0)


async def shoot_in_boots(lane: LaneRows, database: Database, *zeros: datetime) -> list[HubBoot]:
    """A session in each of several boots, by the wall clocks at their start."""
    boots = [hub_boot(lane, zero) for zero in zeros]
    connection = await database.acting_as(Role.SHOTS).connect()
    for boot in boots:
        await shoot_session(boot, Assembler(connection, range(SHARES)))
    await connection.close()
    return boots


async def test_last_and_lists_follow_the_order_of_boots(lane: LaneRows, database: Database) -> None:
    boots = await shoot_in_boots(lane, database, ZERO, *LATER_BOOTS, FAR_BEHIND)
    connection = await database.acting_as(Role.OPERATOR).connect()
    sessions = [row["id"] for row in await connection.fetch("select id from sessions order by number")]
    assert len(sessions) == len(boots)
    assert [shot.session_id for shot in await list_shots(connection, lane.number, None, 10)] == sessions
    orphans = await list_orphans(connection, lane.number, settled=False, limit=10)
    assert [orphan.session_id for orphan in orphans] == sessions
    on_all_lanes = await list_orphans(connection, None, settled=False, limit=10)
    assert [orphan.session_id for orphan in on_all_lanes] == sessions[-1:] + sessions[:-1], "by their dates"
    assert (await find_shot(connection, LAST)).session_id == sessions[-1]
    last = await find_orphan(connection, LAST)
    assert last.session_id == sessions[-1]
    shot = await find_shot(connection, LAST)
    assert shot.arrow_disengage_time is not None
    assert last.at - shot.arrow_disengage_time == timedelta(seconds=40), "dated as the shots of its session are"
    await connection.close()


async def test_page_dates_orphans_as_their_session_is_dated(lane: LaneRows, database: Database) -> None:
    boots = await shoot_in_boots(lane, database, ZERO, *LATER_BOOTS)
    pool = ReadPool(database.acting_as(Role.PUSH))
    try:
        state = json.loads(await live(pool, lane.number))
    finally:
        pool.close()
    (orphan,), (shot,) = state["orphans"], state["shots"]
    released = datetime.fromisoformat(shot["arrow_disengage_time"])
    assert datetime.fromisoformat(orphan["at"]) - released == timedelta(seconds=40)
    assert released > boots[0].at(210.0).at, "the boots after it were dated after it"
