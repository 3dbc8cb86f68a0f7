"""Changes of sessions beside a running assembler: it closes, opens again and forgets them as the operator says."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from uuid import UUID

import pytest

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.vocabulary import ErrorCode, SessionState, SlotLetter
from edge.operator.export.history import HistoryFilter, read_history
from edge.operator.records.faces import change_face, delete_face
from edge.operator.records.opening import WantedSession, WantedSlot, open_wanted
from edge.operator.records.session_change import await_closing, change_session
from edge.operator.records.sessions import BareSession, create_session, delete_session
from edge.operator.records.slots import change_slot
from edge.operator.records.targets import delete_target
from edge.operator.sessions import list_sessions
from tests.edge.lane_rows import LaneRows
from tests.edge.shot_rows import add_shot
from tests.edge.shots.running import assembler, until


async def test_the_assembler_closes_at_the_given_instant(lane: LaneRows, database: Database, api: Connection) -> None:
    await lane.shoot(10.0)
    await lane.land(10.5)
    await lane.set_watermarks(50.0)
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'hit')")
        closing = {"is_opened": False, "end_time": lane.at(30.0)}
        await change_session(api, lane.session_id, closing)
        assert await await_closing(lambda: nullcontext(api), lane.session_id) is SessionState.CLOSED
    assert await lane.connection.fetchval("select end_time from sessions") == lane.at(30.0)


async def test_a_withdrawn_closing_leaves_the_session_open(lane: LaneRows, database: Database, api: Connection) -> None:
    await lane.connection.execute("update sessions set closing_time = $1", lane.at(30.0))
    async with assembler(database):
        opened = {"is_opened": True, "end_time": None}
        assert await change_session(api, lane.session_id, opened) is SessionState.OPEN
        await lane.shoot(40.0)
        await lane.land(40.5)
        await lane.set_watermarks(50.0)
        await until(lane, "exists (select from shots where result = 'hit')")
    assert await lane.connection.fetchval("select is_opened and closing_time is null from sessions")


async def test_a_session_that_is_opened_again_takes_shots(lane: LaneRows, database: Database, api: Connection) -> None:
    await lane.set_watermarks(50.0)
    async with assembler(database):
        await change_session(api, lane.session_id, {"is_opened": False, "end_time": lane.at(20.0)})
        await until(lane, "not is_opened from sessions")
        await change_session(api, lane.session_id, {"is_opened": True, "end_time": None})
        await lane.shoot(40.0)
        await lane.land(40.5)
        await until(lane, "exists (select from shots where result = 'hit')")
    assert await lane.connection.fetchval("select count(*) from shots") == 1


async def test_a_deleted_session_gets_no_shots(
    lane: LaneRows, database: Database, api: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with assembler(database):
        await lane.add_reading(lane.bow, "engage", 5.0)
        await until(lane, "exists (select from ends)")  # the session is in the assembler's memory
        await delete_session(api, lane.session_id)
        await lane.shoot(10.0)
        await lane.land(10.5)
        await lane.set_watermarks(20.0)
        later = await create_session(api, BareSession(1, lane.at(0.0), "again", False, 6, 0))
        await until(lane, "exists (select from shots where result not in ('pending', 'void'))")
    rows = await lane.connection.fetch("select session_id, points from shots")
    assert [tuple(row) for row in rows] == [(later, None)]
    assert "stuck" not in caplog.text


@pytest.mark.parametrize("kind", ["face", "target"])
async def test_a_shot_is_scored_without_what_was_deleted(
    lane: LaneRows, database: Database, api: Connection, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    async with assembler(database):
        await lane.add_reading(lane.bow, "engage", 5.0)
        await until(lane, "exists (select from ends)")  # the session is in the assembler's memory
        if kind == "face":
            await delete_face(api, lane.face_id)
        else:
            await delete_target(api, await lane.connection.fetchval("select id from targets"))
        await lane.shoot(10.0)
        await lane.land(10.5)
        await lane.set_watermarks(20.0)
        await until(lane, "exists (select from shots where result not in ('pending', 'void'))")
    (row,) = await lane.connection.fetch("select face_id, points from shots")
    assert row["face_id"] is None
    assert "stuck" not in caplog.text


async def test_a_changed_face_scores_the_next_shot(lane: LaneRows, database: Database, api: Connection) -> None:
    async with assembler(database):
        await lane.add_reading(lane.bow, "engage", 5.0)
        await until(lane, "exists (select from ends)")
        await change_face(api, lane.face_id, {"radii": [100.0], "points": [7], "x_radius": None})
        await lane.shoot(10.0)
        await lane.land(10.5)
        await lane.set_watermarks(20.0)
        await until(lane, "exists (select from shots where result = 'hit')")
    assert await lane.connection.fetchval("select points from shots") == 7


async def test_a_shot_that_is_being_stored_keeps_its_session(
    lane: LaneRows, database: Database, api: Connection
) -> None:
    other = await database.connect()
    storing = other.transaction()
    await storing.start()
    ordinary, lane.connection = lane.connection, other
    await add_shot(lane, 640.0, 640.0, 1)
    lane.connection = ordinary
    deletion = asyncio.create_task(delete_session(api, lane.session_id))
    await until(lane, "exists (select from pg_locks where not granted)")
    await storing.commit()
    await other.close()
    with pytest.raises(CommandError) as refused:
        await deletion
    assert refused.value.code is ErrorCode.SESSION_HAS_SHOTS


async def test_opening_again_takes_the_lanes_present_devices(lane: LaneRows, api: Connection) -> None:
    await lane.connection.execute(
        "update sessions set is_opened = false, end_time = $1, closing_time = $1", lane.at(30.0)
    )
    await lane.connection.execute(
        "update sessions set end_time = end_time, start_time = start_time - interval '1 hour'"
    )
    await lane.connection.execute("update sessions set end_time = now() - interval '10 min'")
    await lane.connection.execute("update devices set lane = 2 where id = $1", lane.bow)
    await lane.add_device("bow-9", "bow", 1)
    await change_session(api, lane.session_id, {"is_opened": True, "end_time": None})
    rows = await lane.connection.fetch("select device_id, until is null from session_devices order by device_id")
    assert [tuple(row) for row in rows] == [("bow-1", False), ("bow-9", True), ("target-1", True)]


async def open_shared(lane: LaneRows, api: Connection, *slots: WantedSlot) -> None:
    """Open the lane's session anew, with a face for each slot."""
    await delete_session(api, lane.session_id)
    faces = [f"{slot.letter}=wa_40" for slot in slots]
    lane.session_id = await open_wanted(
        api, WantedSession(1, 18.0, faces, "range", True, 6, 0, "wa", slots, lane.start, 1280.0, 1280.0)
    )


async def totals(lane: LaneRows) -> tuple[int, int, dict[str, tuple[int, int]]]:
    """Arrows and points of the session, and those of each slot."""
    (session, *_) = await list_sessions(lane.connection, 1)
    slots: dict[str, tuple[int, int]] = {slot.letter: (slot.arrows, slot.points) for slot in session.slots}
    return session.arrows, session.points, slots


async def test_a_sole_archers_misses_are_in_all_totals(lane: LaneRows, database: Database, api: Connection) -> None:
    await open_shared(lane, api, WantedSlot(SlotLetter.A, "Solo"))
    async with assembler(database):
        for at, x in ((5.0, 640.0), (10.0, 1200.0), (15.0, None)):
            await lane.shoot(at)
            if x is not None:
                await lane.land(at + 0.4, x)
        await until(lane, "exists (select from shots where result = 'unknown' and slot_id is not null)")
        await lane.set_watermarks(30.0)
        await until(lane, "exists (select from shots where result = 'miss')")
        assert await totals(lane) == (3, 10, {"A": (3, 10)})
        await change_session(api, lane.session_id, {"is_opened": False, "end_time": lane.at(29.0)})
        await until(lane, "not exists (select from sessions where is_opened)")
    (past,) = (await read_history(lane.connection, HistoryFilter())).sessions
    assert [(one.archer, one.arrows, one.points, one.average) for one in past.archers] == [("Solo", 3, 10, 10 / 3)]


async def test_a_changed_slot_decides_its_shots_anew(lane: LaneRows, database: Database, api: Connection) -> None:
    """Also those of a session that is closed."""
    await open_shared(lane, api, WantedSlot(SlotLetter.A, "Kim", face="A"), WantedSlot(SlotLetter.B, "Lee", face="B"))
    slot: UUID = await lane.connection.fetchval("select id from slots where letter = 'A'")
    async with assembler(database):
        await lane.shoot(5.0)
        await lane.set_watermarks(30.0)
        await until(lane, "exists (select from shots where result = 'miss' and slot_id is null)")
        assert await totals(lane) == (1, 0, {"A": (0, 0), "B": (0, 0)})
        await change_slot(api, slot, {"bow_device_id": lane.bow, "archer_id": None})
        await until(lane, f"exists (select from shots where slot_id = '{slot}')")
        await change_session(api, lane.session_id, {"is_opened": False, "end_time": lane.at(29.0)})
        await until(lane, "not exists (select from sessions where is_opened)")
        await change_slot(api, slot, {"bow_device_id": None})
        await until(lane, "exists (select from shots where slot_id is null)")
    (past,) = (await read_history(lane.connection, HistoryFilter())).sessions
    assert [(one.slot, one.archer, one.arrows) for one in past.archers] == [
        ("A", None, 0),
        ("B", "Lee", 0),
        (None, None, 1),
    ]
