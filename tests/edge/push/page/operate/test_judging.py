"""Decide about shots and landings: line calls, corrections, void shots, landings without a release."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import open_database
from tests.edge.lane_rows import CENTRE_MM, LaneRows, SessionSetup, started_ago
from tests.edge.push.page.conftest import in_the_runs_loop
from tests.edge.push.page.operate.hands import OPERATOR, Operate
from tests.edge.shots.running import assembler, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ON_THE_LINE_MM = CENTRE_MM + 64.3
"""A shaft of 6 mm that reaches 0.3 mm less far than the line of the 10."""


@pytest.fixture
def session_setup() -> SessionSetup:
    """Return a session of these minutes, which the assembler computes."""
    return started_ago(600)


@in_the_runs_loop
async def assembled(lane: LaneRows, database_settings: ServiceSettings) -> AsyncIterator[LaneRows]:
    """Return the lane with an assembler that computes its shots, and one hit on the line of the 10."""
    await lane.shoot(10)
    await lane.land(10.4, x=ON_THE_LINE_MM)
    await lane.set_watermarks(200)
    async with open_database(database_settings, application="test") as database, assembler(database):
        await until(lane, "count(*) = 1 from shots where line_call and points = 9")
        yield lane


async def only_shot(lane: LaneRows) -> Any:
    """Return the row of the only shot."""
    (row,) = await lane.connection.fetch("select * from shots")
    return row


async def corrections(lane: LaneRows) -> list[tuple[str, str, str]]:
    """Return kind, reason and operator of every correction."""
    rows = await lane.connection.fetch("select kind, reason, who from corrections order by id")
    return [(row["kind"], row["reason"], row["who"]) for row in rows]


async def test_a_line_call_is_decided(operate: Operate, assembled: LaneRows) -> None:
    shot = await only_shot(assembled)
    operator = await operate(width=390)
    dialog = await operator.at_shot(shot["id"], "Decide line call")
    assert await dialog.locator(".key").all_inner_texts() == ["X", "10", "9", "1", "M"]
    await expect(dialog.get_by_role("radio", name="9")).to_be_checked()
    await dialog.get_by_role("radio", name="10").check()
    await dialog.get_by_role("button", name="line call decided").click()
    await operator.finish()
    shot = await only_shot(assembled)
    assert (shot["points"], shot["is_x"], shot["flags"]) == (10, False, ["corrected"])
    assert await corrections(assembled) == [("result", "line call decided", OPERATOR)]
    await expect(operator.page.locator("#total")).to_have_text("10")


@pytest.mark.long
async def test_a_value_is_confirmed_by_keyboard_alone(operate: Operate, assembled: LaneRows) -> None:
    operator = await operate()
    await operator.page.locator(".operate-shot").get_by_role("button", name="Decide line call").focus()
    await operator.page.keyboard.press("Enter")
    await expect(operator.dialog.get_by_role("radio", name="9")).to_be_focused()
    await operator.page.keyboard.press("Tab")
    await expect(operator.dialog.get_by_label("Reason")).to_be_focused()
    await operator.page.keyboard.type("seen by the judge")
    await operator.page.keyboard.press("Enter")
    await expect(operator.page.locator("dialog")).to_have_count(0)
    shot = await only_shot(assembled)
    assert (shot["points"], shot["flags"]) == (9, ["corrected"])
    assert await corrections(assembled) == [("result", "seen by the judge", OPERATOR)]
    await expect(operator.page.locator(".operate-shot button").first).to_be_focused()


@pytest.mark.parametrize(
    ("key", "points", "is_x", "result"),
    [("X", 10, True, "hit"), pytest.param("M", 0, False, "off_face", marks=pytest.mark.long)],
)
async def test_a_value_is_corrected_to_x_and_to_a_miss(
    operate: Operate, assembled: LaneRows, key: str, points: int, is_x: bool, result: str
) -> None:
    shot = await only_shot(assembled)
    operator = await operate(width=390)
    dialog = await operator.at_shot(shot["id"], "Decide line call")
    await dialog.get_by_role("radio", name=key).check()
    await dialog.get_by_label("Reason").fill("looked")
    await operator.finish()
    shot = await only_shot(assembled)
    assert (shot["points"], shot["is_x"], shot["result"]) == (points, is_x, result)


@pytest.mark.long
async def test_a_correction_needs_a_reason(operate: Operate, assembled: LaneRows) -> None:
    shot = await only_shot(assembled)
    operator = await operate()
    dialog = await operator.at_shot(shot["id"], "Decide line call")
    await operator.submit()
    await expect(dialog.get_by_label("Reason")).to_be_focused()
    assert await corrections(assembled) == []


async def test_a_shot_is_voided_and_restored(operate: Operate, assembled: LaneRows) -> None:
    shot = await only_shot(assembled)
    operator = await operate(width=390)
    await operator.at_shot(shot["id"], "Void")
    await operator.dialog.get_by_role("button", name="shot after the signal").click()
    await operator.finish()
    assert (await only_shot(assembled))["result"] == "void"
    await expect(operator.page.locator("#total")).to_have_text("0")
    await operator.at_shot(shot["id"], "Restore")
    await operator.dialog.get_by_label("Reason").fill("it was in time")
    await operator.finish()
    shot = await only_shot(assembled)
    assert (shot["result"], shot["points"], shot["line_call"]) == ("hit", 9, True)
    await expect(operator.page.locator("#total")).to_have_text("9")
    assert await corrections(assembled) == [
        ("result", "shot after the signal", OPERATOR), ("restore", "it was in time", OPERATOR)
    ]  # fmt: skip


async def test_two_judges_do_not_overwrite_each_other(operate: Operate, assembled: LaneRows) -> None:
    shot = await only_shot(assembled)
    first, second = await operate("Anna"), await operate("Bert")
    mine, theirs = (
        await first.at_shot(shot["id"], "Decide line call"),
        await second.at_shot(shot["id"], "Decide line call"),
    )
    await mine.get_by_role("radio", name="10").check()
    await mine.get_by_label("Reason").fill("touches")
    await first.finish()
    await theirs.get_by_label("Reason").fill("does not touch")
    await second.submit()
    await expect(second.faults).to_contain_text("The shot has changed meanwhile")
    await expect(second.faults).to_contain_text("10")
    await expect(theirs.get_by_label("Reason")).to_have_value("does not touch")
    assert [who for _, _, who in await corrections(assembled)] == ["Anna"]
    await second.finish()  # having seen it, the second judge insists
    assert [who for _, _, who in await corrections(assembled)] == ["Anna", "Bert"]
    assert (await only_shot(assembled))["points"] == 9


async def landing_to_resolve(lane: LaneRows) -> tuple[UUID, UUID]:
    """Store a shot that the target missed, and later a landing that no release explains; return their ids."""
    await lane.shoot(40)
    await lane.set_watermarks(200)
    await until(lane, "count(*) = 1 from shots where result = 'miss'")
    await lane.land(60)
    await until(lane, "count(*) = 1 from orphans where status = 'open'")
    shot = await lane.connection.fetchval("select id from shots where result = 'miss'")
    return shot, await lane.connection.fetchval("select id from orphans")


@pytest.mark.parametrize(
    ("choice", "status", "shots"),
    [
        ("shot 1-2", "assigned", 2),
        pytest.param("a shot of its own", "assigned", 3, marks=pytest.mark.long),
        ("no arrow", "voided", 2),
    ],
)
async def test_a_landing_is_resolved(
    operate: Operate, assembled: LaneRows, choice: str, status: str, shots: int
) -> None:
    shot, orphan = await landing_to_resolve(assembled)
    operator = await operate(width=390)
    await operator.page.get_by_role("button", name="Resolve 1 unclaimed hit").click()
    await expect(operator.dialog.locator("select")).to_contain_text("0.0 mm right, 0.0 mm high")
    await operator.dialog.get_by_label(choice).check()
    await operator.dialog.get_by_role("button", name="tag was not read").click()
    await operator.finish()
    found = await assembled.connection.fetchrow("select status, shot_id from orphans where id = $1", orphan)
    assert found is not None
    assert found["status"] == status
    assert await assembled.connection.fetchval("select count(*) from shots where result <> 'void'") == shots
    landed = await assembled.connection.fetchval("select landing_seq is not null from shots where id = $1", shot)
    assert landed is (choice == "shot 1-2")
    ((_, reason, who),) = await corrections(assembled)
    assert (reason, who) == ("tag was not read", OPERATOR)
    await expect(operator.page.get_by_role("button", name="Resolve")).to_be_hidden()


@pytest.mark.long
async def test_a_landing_that_another_operator_resolved(operate: Operate, assembled: LaneRows) -> None:
    await landing_to_resolve(assembled)
    first, second = await operate("Anna"), await operate("Bert")
    for one in (first, second):
        await one.page.get_by_role("button", name="Resolve 1 unclaimed hit").click()
        await one.dialog.get_by_label("no arrow" if one is first else "shot 1-2").check()
        await one.dialog.get_by_label("Reason").fill("seen")
    await first.finish()
    await second.submit()
    await expect(second.faults).to_contain_text("Someone else has resolved this hit meanwhile")
    await expect(second.faults).to_contain_text('"voided"')
    assert [who for _, _, who in await corrections(assembled)] == ["Anna"]
