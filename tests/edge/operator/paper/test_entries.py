"""Ends on paper in a real database: append-only, announced, and kept apart from the shots."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import asyncpg
import pytest

from edge.common.config.errors import CommandError
from edge.common.vocabulary import CalledValue, ErrorCode, SlotLetter
from edge.operator.paper.entries import NewPaperEnd, enter_end, read_compared
from tests.edge.lane_rows import LaneRows
from tests.edge.shot_rows import add_shot

X, TEN, NINE, MISS = CalledValue.X, CalledValue.TEN, CalledValue.NINE, CalledValue.MISS


async def test_an_end_is_entered_compared_and_announced(lane: LaneRows) -> None:
    for points, is_x in ((9, False), (10, True), (10, False)):
        await add_shot(lane, points=points, is_x=is_x)
    connection = lane.connection
    await connection.execute("set role archstats_api")
    first = await enter_end(connection, lane.session_id, NewPaperEnd(None, 1, [NINE, NINE, X]), "Bea\n")
    second = await enter_end(connection, lane.session_id, NewPaperEnd(None, 1, [NINE, TEN, X]), "Bea")
    await connection.execute("set role archstats_push")
    (end,) = (await read_compared(connection, lane.session_id)).ends
    assert end.paper is not None
    assert (end.paper.id, end.paper.values, end.paper_sum, end.agrees) == (second, ["X", "10", "9"], 29, True)
    events = await connection.fetch("select data::text as data from events where type = 'paper.entered' order by id")
    entered = [json.loads(one["data"]) for one in events]
    assert [(one["id"], one["who"], one["slot"]) for one in entered] == [(first, "Bea", None), (second, "Bea", None)]
    await connection.execute("reset role")
    for change in ("update paper_ends set who = 'x'", "delete from paper_ends", "truncate paper_ends"):
        with pytest.raises(asyncpg.RestrictViolationError, match="enter the end once more"):
            await connection.execute(change)


async def test_an_end_that_does_not_fit_the_session_is_refused(lane: LaneRows) -> None:
    async def refusal(end: NewPaperEnd, who: str = "Bea") -> tuple[ErrorCode, str | None, str]:
        with pytest.raises(CommandError) as caught:
            await enter_end(lane.connection, lane.session_id, end, who)
        return caught.value.code, caught.value.field, caught.value.message

    invalid = ErrorCode.INVALID_VALUE
    assert (await refusal(NewPaperEnd(None, 0, [X])))[:2] == (invalid, "end_number")
    assert "nothing is on paper for this end" in (await refusal(NewPaperEnd(None, 1, [])))[2]
    assert (
        "no end of this session was shot, sighter ends included, and this is end 2"
        in (await refusal(NewPaperEnd(None, 2, [X])))[2]
    )
    assert "1 to 6 arrows, and 7 values" in (await refusal(NewPaperEnd(None, 1, [X] * 7)))[2]
    assert "has no slot A" in (await refusal(NewPaperEnd(SlotLetter.A, 1, [X])))[2]
    assert "scorer's name" in (await refusal(NewPaperEnd(None, 1, [X]), " "))[2]
    await lane.connection.execute("insert into slots (session_id, letter, face) values ($1, 'B', '1')", lane.session_id)
    assert "no slot is given" in (await refusal(NewPaperEnd(None, 1, [X])))[2]
    assert "has no slot A" in (await refusal(NewPaperEnd(SlotLetter.A, 1, [X])))[2]
    assert await enter_end(lane.connection, lane.session_id, NewPaperEnd(SlotLetter.B, 1, [MISS]), "Bea") > 0
    with pytest.raises(CommandError, match="does not exist"):
        await enter_end(lane.connection, uuid4(), NewPaperEnd(None, 1, [X]), "Bea")
    with pytest.raises(CommandError, match="does not exist"):
        await read_compared(lane.connection, uuid4())


async def test_a_mistyped_end_is_withdrawn(lane: LaneRows) -> None:
    await add_shot(lane, points=9)
    for values in ([NINE], [TEN], []):
        await enter_end(lane.connection, lane.session_id, NewPaperEnd(None, 2, values), "Bea")
    (end,) = (await read_compared(lane.connection, lane.session_id)).ends
    assert (end.end_number, end.paper) == (1, None)
    with pytest.raises(CommandError, match="nothing is on paper"):
        await enter_end(lane.connection, lane.session_id, NewPaperEnd(None, 2, []), "Bea")
    with pytest.raises(CommandError, match=r"the last end of this session is end 1, .* and this is end 3"):
        await enter_end(lane.connection, lane.session_id, NewPaperEnd(None, 3, [NINE]), "Bea")
    await lane.connection.execute(
        "update sessions set is_opened = false, closing_time = start_time, end_time = start_time"
    )
    with pytest.raises(CommandError, match=r"is end 1, .* and this is end 2"):
        await enter_end(lane.connection, lane.session_id, NewPaperEnd(None, 2, [NINE]), "Bea")
    assert await enter_end(lane.connection, lane.session_id, NewPaperEnd(None, 1, [NINE]), "Bea") > 0


async def test_a_value_that_the_face_does_not_have_is_refused(lane: LaneRows) -> None:
    await lane.connection.execute("update faces set points = points[1:5], radii = radii[1:5], x_radius = null")
    for value, name in ((X, "X"), (CalledValue.FIVE, "5")):
        with pytest.raises(CommandError, match=f"the archer's face has no {name}"):
            await enter_end(lane.connection, lane.session_id, NewPaperEnd(None, 1, [value]), "Bea")
    assert await enter_end(lane.connection, lane.session_id, NewPaperEnd(None, 1, [TEN, MISS]), "Bea") > 0


async def test_the_table_takes_the_called_values_alone(lane: LaneRows) -> None:
    definition = await lane.connection.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'paper_ends'::regclass "
        "and pg_get_constraintdef(oid) like '%arrow_values%'"
    )
    assert re.findall(r"'(\w+)'", definition) == [value.value for value in CalledValue]
    put = "insert into paper_ends (session_id, end_number, arrow_values, who) values ($1, 1, $2, 'Bea')"
    for values in (["11"], [["X"], ["9"]], ["X"] * 73):
        with pytest.raises(asyncpg.CheckViolationError):
            await lane.connection.execute(put, lane.session_id, values)
