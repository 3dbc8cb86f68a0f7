"""A session that runs: end an end, mark sighters, change it and close it, while arrows keep arriving."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import open_database
from tests.edge.lane_rows import LaneRows, SessionSetup, started_ago
from tests.edge.push.page.operate.hands import OPERATOR, Operate
from tests.edge.shot_rows import add_shot
from tests.edge.shots.running import assembler, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def session_setup() -> SessionSetup:
    """Return a session of these minutes: an operator closes it now."""
    return started_ago(600)


async def test_an_end_is_finished_early(operate: Operate, lane: LaneRows) -> None:
    for points in (9, 8):
        await add_shot(lane, points=points)
    operator = await operate(width=390)
    dialog = await operator.choose("end")
    await expect(dialog).to_contain_text("2 arrows shot, 17 points")
    await operator.finish()
    marks = await lane.connection.fetch("select session_id, who from end_marks")
    assert [tuple(one) for one in marks] == [(lane.session_id, OPERATOR)]


async def test_only_the_end_that_was_shown_is_finished(operate: Operate, lane: LaneRows) -> None:
    for _ in range(5):
        await add_shot(lane, points=9)
    first, second = await operate("Anna"), await operate("Bert")
    await first.choose("end")
    await second.choose("end")
    await second.finish()
    await lane.connection.execute("update end_marks set at = (select max(arrow_disengage_time) from shots)")
    await first.submit()
    await expect(first.dialog).to_contain_text("Someone else has finished end 1 already.")
    assert await lane.connection.fetchval("select array_agg(who) from end_marks") == ["Bert"]
    await first.page.keyboard.press("Escape")
    await add_shot(lane, points=8)
    await first.page.reload()
    await lane.connection.execute("delete from end_marks")
    await expect(first.button("end")).to_be_disabled()  # six of six are shot
    await lane.connection.execute("update sessions set arrows_per_end = 12")
    await expect(first.button("end")).to_be_enabled()
    dialog = await first.choose("end")
    await add_shot(lane, points=7)  # the first one of end 2
    await first.submit()
    await expect(first.faults).to_contain_text("End 2 has begun meanwhile")
    await expect(dialog.locator("h2")).to_have_text("Finish end 2")
    assert await lane.connection.fetchval("select count(*) from end_marks") == 0
    await first.finish()
    assert await lane.connection.fetchval("select who from end_marks") == "Anna"


async def test_back_closes_what_asks_about_another_lane(operate: Operate, lane: LaneRows) -> None:
    await LaneRows(lane.connection, started_ago(600), 2).build()
    operator = await operate(query="?lane=1")
    await operator.page.locator(".lanes a", has_text="2").click()
    await expect(operator.page.locator("#title")).to_have_text("Lane 2")
    dialog = await operator.choose("end")
    await expect(dialog.locator("h2")).to_have_text("Lane 2: Finish end")
    await operator.page.go_back()
    await expect(operator.page.locator("#title")).to_have_text("Lane 1")
    await expect(operator.page.locator("dialog")).to_have_count(0)
    assert await lane.connection.fetchval("select count(*) from end_marks") == 0


async def test_a_session_closes_once_it_is_decided(
    operate: Operate, lane: LaneRows, database_settings: ServiceSettings
) -> None:
    operator = await operate()
    dialog = await operator.choose("close")
    await expect(dialog).to_contain_text("0 arrows shot, 0 points")
    await operator.finish()
    await expect(operator.page.locator("#operate-bar .closing")).to_have_text("closing …")
    await expect(operator.button("end")).to_be_hidden()
    assert await lane.connection.fetchval("select closing_time is not null and is_opened from sessions")
    await lane.set_watermarks(10_000)
    async with open_database(database_settings, application="test") as database, assembler(database):
        await until(lane, "not is_opened from sessions")
        await expect(operator.page.locator("#operate-bar .closing")).to_be_hidden()
    await expect(operator.button("open")).to_be_visible()
    assert await lane.connection.fetchval("select end_time is not null from sessions")


async def test_sighters_are_marked(operate: Operate, lane: LaneRows) -> None:
    await add_shot(lane, points=9)
    operator = await operate(width=390)
    await expect(operator.page.locator("#total")).to_have_text("9")
    dialog = await operator.choose("sighters")
    await dialog.get_by_label("Number of sighter ends").fill("1")
    await operator.page.keyboard.press("Enter")
    await expect(operator.page.locator("dialog")).to_have_count(0)
    assert await lane.connection.fetchval("select sighter_ends from sessions") == 1
    await expect(operator.page.locator("#ends tr.sighter")).to_have_count(1)
    await expect(operator.page.locator("#total")).to_have_text("0")


async def test_a_session_is_changed(operate: Operate, lane: LaneRows) -> None:
    operator = await operate(width=390)
    dialog = await operator.choose("settings")
    await dialog.get_by_label("Place").fill("Halle Süd")
    await dialog.get_by_label("Indoors").check()
    await dialog.get_by_label("Arrows per end").fill("3")
    await operator.finish()
    row = await lane.connection.fetchrow("select location, is_indoor, arrows_per_end from sessions")
    assert row is not None
    assert tuple(row) == ("Halle Süd", True, 3)
    await expect(operator.page.locator("#subtitle")).to_contain_text("indoors · WA 122 · Halle Süd")


@pytest.mark.long
async def test_a_value_that_the_field_refuses_is_not_sent(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    dialog = await operator.choose("sighters")
    await dialog.get_by_label("Number of sighter ends").fill("-1")
    await operator.submit()
    assert await dialog.get_by_label("Number of sighter ends").evaluate("field => field.validity.rangeUnderflow")
    await expect(operator.dialog).to_be_visible()
    assert await lane.connection.fetchval("select sighter_ends from sessions") == 0


@pytest.mark.long
async def test_arrows_arrive_while_a_dialog_is_open(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    dialog = await operator.choose("settings")
    await dialog.get_by_label("Place").fill("Hall 3")
    for _ in range(3):
        await add_shot(lane)
    await expect(operator.page.locator("#shots tbody tr")).to_have_count(3)
    await expect(dialog.get_by_label("Place")).to_have_value("Hall 3")
    await expect(dialog.get_by_label("Place")).to_be_focused()
    await operator.finish()
    assert await lane.connection.fetchval("select location from sessions") == "Hall 3"


async def test_two_operators_do_not_overwrite_each_other(operate: Operate, lane: LaneRows) -> None:
    first, second = await operate("Anna"), await operate("Bert")
    mine, theirs = await first.choose("settings"), await second.choose("settings")
    await mine.get_by_label("Place").fill("Hall 2")
    await mine.get_by_label("Arrows per end").fill("3")
    await first.finish()
    await theirs.get_by_label("Place").fill("Garden")
    await second.submit()
    await expect(second.faults).to_contain_text("Someone else has changed this meanwhile")
    await expect(second.fault("location")).to_have_text("Now Hall 2 at the hub.")
    await expect(theirs.get_by_label("Place")).to_have_value("Garden")  # kept
    await expect(theirs.get_by_label("Arrows per end")).to_have_value("3")  # the new value
    row = await lane.connection.fetchrow("select location, arrows_per_end from sessions")
    assert row is not None
    assert tuple(row) == ("Hall 2", 3)
    await second.finish()
    row = await lane.connection.fetchrow("select location, arrows_per_end from sessions")
    assert row is not None
    assert tuple(row) == ("Garden", 3)
    await expect(first.page.locator("#subtitle")).to_contain_text("Garden")


@pytest.mark.long
async def test_a_closed_session_is_not_ended_by_another_page(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    await operator.choose("end")
    await lane.connection.execute("update sessions set is_opened = false, closing_time = now(), end_time = now()")
    await operator.submit()
    await expect(operator.faults).to_be_visible()
    assert await lane.connection.fetchval("select count(*) from end_marks") == 0
