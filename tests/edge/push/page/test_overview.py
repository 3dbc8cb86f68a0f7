"""The overview of all lanes."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import OUTDOORS, LaneRows
from tests.edge.push.page.fixture_types import Open
from tests.edge.push.page.measure import size
from tests.edge.shot_rows import add_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_every_lane_has_a_card_that_follows_its_shots(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    other = LaneRows(connection, OUTDOORS, 2)
    await other.build()
    await add_shot(other, points=5)
    page = await open_page(query="?lane=all")
    cards = page.locator("#overview .card")
    await expect(cards.locator(".name")).to_have_text(["Lane 1", "Lane 2"])
    await expect(cards.locator(".total b")).to_have_text(["0", "5"])
    await expect(page.locator(".column").first).to_be_hidden()
    await expect(page.locator('#lanes [aria-current="page"]')).to_have_text("All")
    await add_shot(lane, points=9)
    await add_shot(other, None, None, 0, result="miss")
    await expect(cards.locator(".total b")).to_have_text(["9", "5"])
    await expect(cards.locator(".last b")).to_have_text(["9", "M"])
    await expect(cards.nth(0).locator(".dot.last")).to_have_count(1)
    await lane.set_state("bow-1", "lost")
    await expect(cards.nth(0).locator(".trouble")).to_contain_text("bow-1 lost")
    third = LaneRows(connection, OUTDOORS, 3)
    await third.build()
    await expect(cards).to_have_count(3)
    await add_shot(third, points=7)
    await expect(cards.nth(2).locator(".total b")).to_have_text("7")
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await expect(cards.nth(1).locator("svg")).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    width, height = await size(page, "#overview .butt", 1)
    assert width == pytest.approx(height, abs=0.5)  # as square as the face
    await cards.nth(1).click()
    await expect(page.locator("#title")).to_have_text("Lane 2")
    await expect(page.locator("#total")).to_have_text("5")
    await page.go_back()
    await expect(cards).to_have_count(3)


async def test_the_first_lane_appears_on_an_empty_overview(open_page: Open, connection: Connection) -> None:
    page = await open_page(query="?lane=all")
    await expect(page.locator("#overview .card .about")).to_have_text("no session")
    lane = LaneRows(connection, OUTDOORS, 7)
    await lane.build()
    await expect(page.locator("#overview .card .name")).to_have_text("Lane 7")


async def test_a_centre_names_hub_and_lane(open_page: Open, lane: LaneRows, connection: Connection) -> None:
    await add_shot(lane, points=8)
    await connection.execute("select set_hub_number(2)")
    await connection.execute("update installation set hub_id = 0, is_centre = true")
    await connection.execute("select build_centre()")
    page = await open_page(query="?lane=all")
    card = page.locator("#overview .card")
    await expect(card.locator(".name")).to_have_text("Hub 2, lane 1")
    await card.click()
    await expect(page.locator("#title")).to_have_text("Hub 2, lane 1")
    await expect(page.locator("#total")).to_have_text("8")
    await expect(page.locator('[data-device="hub2/bow-1"] .state')).to_have_text("unknown")
