"""Past sessions on the page: average, spread, personal best, and the files of each session."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.edge.lane_rows import CENTRE_MM, OUTDOORS, LaneRows
from tests.edge.push.page.operate.hands import Operate
from tests.edge.shot_rows import add_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def past_session(lane: LaneRows, archer: str, *points: int) -> None:
    """Shoot with a known archer, and close the session."""
    await lane.connection.execute("insert into archers (name) values ($1) on conflict do nothing", archer)
    await lane.connection.execute(
        "insert into slots (session_id, letter, face, archer_id) select $1, 'A', '1', id from archers where name = $2",
        lane.session_id,
        archer,
    )
    for number, worth in enumerate(points):
        await add_shot(lane, CENTRE_MM + 61 * (10 - worth), CENTRE_MM + 20 * number, worth)
    await lane.connection.execute(
        "update shots set slot_id = (select id from slots where slots.session_id = shots.session_id) where session_id = $1",
        lane.session_id,
    )
    await lane.connection.execute(
        "update sessions set is_opened = false, closing_time = start_time + interval '1 h', end_time = start_time + interval '1 h' where id = $1",
        lane.session_id,
    )


async def test_past_sessions_have_average_spread_and_best(operate: Operate, lane: LaneRows) -> None:
    await past_session(lane, "Kim", 10, 9, 9, 10, 8, 10, 9, 9, 10, 8)
    later = LaneRows(lane.connection, OUTDOORS)
    later.seqs = lane.seqs
    later.streams = lane.streams
    await later.open_session()
    await past_session(later, "Kim", 10, 9, 9, 10, 8, 10, 9, 9, 10, 7)
    operator = await operate(width=390)
    dialog = await operator.choose("history")
    sessions = dialog.locator("li")
    await expect(sessions).to_have_count(2)
    await expect(sessions.first).to_have_attribute("data-session", str(later.session_id))
    await expect(sessions.first.locator(".about")).to_have_text("Lane 1 · 70 m · WA 122 · Field 1")
    await expect(sessions.first.locator(".result")).to_contain_text(
        "Kim 10 arrows · 91 points · 9.10 per arrow · spread "
    )
    await expect(sessions.first.locator(".result")).to_contain_text("best 92")
    await expect(sessions.last.locator(".best")).to_have_text("personal best")


async def test_a_session_links_to_its_files(operate: Operate, lane: LaneRows) -> None:
    await past_session(lane, "Kim", 10, 9)
    operator = await operate()
    dialog = await operator.choose("history")
    await expect(dialog.locator(".links a")).to_have_text(["Score sheet", "Certificate", "Shots (CSV)", "Ends (CSV)"])
    addresses = await dialog.locator(".links a").evaluate_all("links => links.map((link) => link.href)")
    for address in addresses:
        answer = await operator.page.request.get(address)
        assert answer.status == 200, address
        assert "Kim" in await answer.text()


async def test_a_running_session_links_to_its_files(operate: Operate, lane: LaneRows) -> None:
    await add_shot(lane)
    operator = await operate(width=390)
    dialog = await operator.choose("files")
    links = dialog.locator(".links a")
    await expect(links).to_have_text(["Score sheet", "Certificate", "Shots (CSV)", "Ends (CSV)"])
    for address in await links.evaluate_all("links => links.map((link) => link.href)"):
        assert str(lane.session_id) in address
        assert (await operator.page.request.get(address)).status == 200, address


@pytest.mark.long
async def test_a_lane_without_past_sessions_says_so(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    dialog = await operator.choose("history")
    await expect(dialog).to_contain_text("No session was closed on this lane yet.")
    assert await lane.connection.fetchval("select is_opened from sessions")


@pytest.mark.long
async def test_earlier_sessions_follow(operate: Operate, lane: LaneRows) -> None:
    await past_session(lane, "Kim", 10)
    await lane.connection.execute(
        """
        insert into sessions (lane, start_time, location, is_opened, closing_time, end_time)
        select 1, $1::timestamptz + n * interval '1 day', 'Hall ' || n, false, $1::timestamptz + n * interval '1 day', $1::timestamptz + n * interval '1 day'
        from generate_series(1, 24) n
        """,
        OUTDOORS.start,
    )
    operator = await operate()
    dialog = await operator.choose("history")
    await expect(dialog.locator("li")).to_have_count(20)
    await dialog.get_by_role("button", name="Earlier sessions").click()
    await expect(dialog.locator("li")).to_have_count(25)
    await expect(dialog.locator("li").last).to_contain_text("Field 1")
    await expect(dialog.get_by_role("button", name="Earlier sessions")).to_be_hidden()
