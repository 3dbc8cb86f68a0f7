"""The live page in a real Chromium: shots appear in their place, once; a lost connection shows a banner."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from edge.common.postgres.connection import Connection
from edge.push.stream.hub import Hub
from tests.edge.lane_rows import CENTRE_MM, OUTDOORS, LaneRows
from tests.edge.push.page.fixture_types import Open, Scheme
from tests.edge.push.page.measure import fits
from tests.edge.push.serving import Service
from tests.edge.shot_rows import add_shot, revise_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def centre(of: Locator) -> tuple[float, float]:
    """Return the middle of an element, in pixels."""
    box = await of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def assert_in_place(page: Page, lane: LaneRows, shot_id: str, x: float, y: float) -> None:
    """Check the place of a shot's dot against the rings, to one pixel."""
    ring = await page.locator('#face .ring[data-radius="610"]').bounding_box()
    assert ring is not None
    px_per_mm = ring["width"] / (2 * 609)  # the middle of the line is 1 mm inside
    middle_x, middle_y = ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2
    seen_x, seen_y = await centre(page.locator(f'.shot[data-shot="{shot_id}"] .shaft'))
    assert abs(seen_x - (middle_x + (x - CENTRE_MM) * px_per_mm)) <= 1
    assert abs(seen_y - (middle_y - (y - CENTRE_MM) * px_per_mm)) <= 1
    assert lane.seqs[lane.bow] > 0


async def test_shots_appear_without_reload_in_their_place(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    places = [(640.0, 640.0), (742.5, 801.25), (333.3, 1010.01), (1100.0, 250.0)]
    for number, (x, y) in enumerate(places, start=1):
        shot = str(await add_shot(lane, x, y, 10 - number))
        await expect(page.locator(".shot")).to_have_count(number)
        await expect(page.locator(f'.shot[data-shot="{shot}"]')).to_have_class("shot current last fresh")
        await assert_in_place(page, lane, shot, x, y)
    shaft = await page.locator(".shot .shaft").first.get_attribute("r")
    assert shaft == "2.75"
    await expect(page.locator("#total")).to_have_text(str(9 + 8 + 7 + 6))


async def test_list_and_totals_show_value_arrow_flight_and_speed(
    open_page: Open, lane: LaneRows, connection: Connection
) -> None:
    await add_shot(lane, 650.0, 640.0, 10, is_x=True)
    page = await open_page()
    await add_shot(lane, 900.0, 640.0, 6)
    await add_shot(lane, None, None, 0, result="miss")
    await add_shot(lane, None, None, None, result="unknown")
    await add_shot(lane, None, None, None, result="not_shot")
    await add_shot(lane, None, None, None, result="pending", launch_mps=57.2)
    rows = page.locator("#shots tbody tr")
    await expect(rows).to_have_count(6)
    await expect(rows.locator("td.value")).to_have_text(["…", "let down", "M?", "M", "6", "X"])
    await expect(rows.nth(1)).to_have_class("not-shot")
    await expect(rows.nth(4).locator("td")).to_have_text(
        ["6", "?", "1.25", "56.0", "10:01:00", ""], use_inner_text=True
    )
    await expect(rows.nth(0).locator("td.number")).to_have_text(
        ["\N{EN DASH}", "57.2"]
    )  # no mean speed: that at the bow
    for fact, value in (("arrows", 5), ("hits", 2), ("x", 1), ("misses", 1), ("average", "5.33")):
        await expect(page.locator(f"#fact-{fact}")).to_have_text(str(value))
    await expect(page.locator("#total")).to_have_text("16")
    await expect(page.locator("#last-value")).to_have_text("M?")
    await expect(page.locator("#flying")).to_have_text("In flight, or waiting for the target")
    assert await connection.fetchval("select count(*) from events where type = 'shot.created'") == 6


async def test_ends_are_summed(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    for points in (9, 10, 8, 7, 10, 6, 5):
        await add_shot(lane, 640.0 + 61 * (10 - points), 640.0, points)
    await expect(page.locator("#ends tbody tr")).to_have_count(2)
    first = page.locator("#ends tbody tr").first
    await expect(first.locator("td.arrow")).to_have_text(["10", "10", "9", "8", "7", "6"])
    await expect(first.locator("td.sum")).to_have_text("50")
    await expect(page.locator("#ends tbody tr").last.locator("td").last).to_have_text("55")


async def test_a_correction_changes_the_shot_in_place(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    shot = await add_shot(lane, None, None, 0, result="miss")
    await add_shot(lane)
    await expect(page.locator("#announcer")).to_have_text(re.compile(r"Shot 1-2: 10\. Total 10\.$"))
    await revise_shot(lane, shot, 500.0, 640.0, 8, "hit")
    row = page.locator(f'#shots tr[data-shot="{shot}"]')
    await expect(row).to_have_class("corrected recent")
    await expect(row.locator(".value")).to_have_text("M 8")
    await assert_in_place(page, lane, str(shot), 500.0, 640.0)
    await expect(page.locator("#announcer")).to_have_text("Correction: shot 1-1 is now 8, was M. Total 18.")
    await revise_shot(lane, shot, None, None, None, "void")
    await expect(page.locator("#shots tbody tr")).to_have_count(1)
    await expect(page.locator(".shot")).to_have_count(1)
    await expect(page.locator("#total")).to_have_text("10")


async def test_a_lost_connection_shows_a_banner_and_loses_no_shot(
    open_page: Open, lane: LaneRows, service: Service
) -> None:
    page = await open_page()
    await page.evaluate("window.notReloaded = true")
    await add_shot(lane)
    await expect(page.locator("#shots tbody tr")).to_have_count(1)
    await expect(page.locator("#offline")).to_be_hidden()
    await service.stop()
    await expect(page.locator("#offline")).to_be_visible()
    await expect(page.locator("#offline")).to_contain_text("NOT CONNECTED")
    missed = [str(await add_shot(lane, 640.0 + step, 640.0)) for step in range(3)]
    service.start()
    await expect(page.locator("#offline")).to_be_hidden()
    await expect(page.locator("#shots tbody tr")).to_have_count(4)
    last = str(await add_shot(lane, 700.0, 700.0, 9))
    await expect(page.locator("#shots tbody tr")).to_have_count(5)
    shown = await page.locator("#shots tbody tr").evaluate_all("rows => rows.map(row => row.dataset.shot)")
    assert shown[:4] == [last, *reversed(missed)]
    assert await page.evaluate("window.notReloaded")


async def test_an_unreachable_database_shows_a_banner(
    open_page: Open, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await open_page()
    service.hub.set_connected(connected=False)
    with monkeypatch.context() as seen:
        seen.setattr(service.hub, "set_connected", lambda *, connected: connected)
        await expect(page.locator("#offline")).to_be_visible()
        await expect(page.locator("#offline")).to_contain_text("does not reach its database")
    await expect(page.locator("#offline")).to_be_hidden()  # the service detects the database again


async def test_a_page_that_fell_behind_reads_the_snapshot_again(
    open_page: Open, lane: LaneRows, service: Service, connection: Connection
) -> None:
    page = await open_page()
    await add_shot(lane)
    await expect(page.locator("#shots tbody tr")).to_have_count(1)
    await service.stop()
    await connection.execute("alter table shots disable trigger shots_emit_event")
    await add_shot(lane)
    await connection.execute("alter table shots enable trigger shots_emit_event")
    await connection.execute("update installation set epoch = 'feedbeef'")
    service.start(Hub())
    await expect(page.locator("#shots tbody tr")).to_have_count(2)
    await add_shot(lane)
    await expect(page.locator("#shots tbody tr")).to_have_count(3)


async def test_only_simulated_shots_are_marked_as_simulated(open_page: Open, connection: Connection) -> None:
    simulated, real = LaneRows(connection, OUTDOORS), LaneRows(connection, OUTDOORS, 2, source="hardware")
    for made in (simulated, real):
        await made.build()
    page = await open_page()
    await expect(page.locator("#simulated")).to_contain_text("SIMULATED DATA")
    await page.get_by_role("link", name="Lane 2").click()
    await expect(page.locator("#title")).to_have_text("Lane 2")
    await expect(page.locator("#simulated")).to_be_hidden()
    await add_shot(simulated)
    shot = str(await add_shot(real))
    await expect(page.locator("#shots tbody tr")).to_have_attribute("data-shot", shot)
    assert page.url.endswith("?lane=2")


async def test_a_newly_opened_session_appears_without_reload(open_page: Open, connection: Connection) -> None:
    page = await open_page()
    await expect(page.locator("#face-empty")).to_be_visible()
    lane = LaneRows(connection, OUTDOORS)
    await lane.add_devices()
    async with connection.transaction():
        await lane.open_session()
    await expect(page.locator(".ring").first).to_be_visible()
    await add_shot(lane)
    await expect(page.locator("#total")).to_have_text("10")


async def test_devices_show_their_state_and_a_ticking_age(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    bow = page.locator('[data-device="bow-1"]')
    await expect(bow.locator(".state")).to_have_text("ready")
    await expect(bow.locator(".age")).to_contain_text("battery 87 % · heard")
    await lane.set_state("bow-1", "lost")
    await expect(bow.locator(".state")).to_have_text("lost")
    age = bow.locator(".age")
    await expect(age).to_contain_text(re.compile(r"heard [1-9]\d* s ago"))
    await expect(age).not_to_have_text(await age.inner_text(), use_inner_text=True)
    await expect(age).to_contain_text(re.compile(r"heard ([2-9]|\d\d+) s ago"))


async def test_arrow_keys_move_from_shot_to_shot(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    for step in range(3):
        await add_shot(lane, 600.0 + 40 * step, 640.0)
    await expect(page.locator(".shot")).to_have_count(3)
    assert await page.locator('.shot[tabindex="0"]').count() == 1
    await page.locator('.shot[tabindex="0"]').focus()
    focused = page.locator(".shot:focus")
    await expect(focused).to_have_attribute("aria-label", "Shot 1-3, 10, arrow ?, last shot")
    await page.keyboard.press("ArrowLeft")
    await expect(focused).to_have_attribute("aria-label", "Shot 1-2, 10, arrow ?")
    await page.keyboard.press("Home")
    await expect(focused).to_have_attribute("aria-label", "Shot 1-1, 10, arrow ?")
    await expect(page.locator("#shots tr.selected")).to_have_count(1)
    await expect(focused.locator(".pointer")).to_have_css("stroke", re.compile("^rgb"))
    await add_shot(lane)
    await expect(page.locator(".shot")).to_have_count(4)
    await expect(focused).to_have_attribute(
        "aria-label", "Shot 1-1, 10, arrow ?"
    )  # the focus stays on the selected shot
    await page.locator('#shots tr[tabindex="0"]').focus()
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#shots tr:focus th")).to_have_text("1-2")


async def test_a_screen_reader_gets_each_new_value_once(open_page: Open, lane: LaneRows) -> None:
    page = await open_page()
    await add_shot(lane, 700.0, 640.0, 9)
    await expect(page.locator("#announcer")).to_have_text("Shot 1-1: 9. Total 9.")
    speaking = "[aria-live]:not([aria-live=off]), [role=status], [role=alert], output:not([aria-live=off])"
    assert await page.locator(speaking).evaluate_all("all => all.map((one) => one.id)") == [
        "offline",
        "simulated",
        "clocks",
        "announcer",
    ]  # nothing else: a page that speaks every number is unusable
    await add_shot(lane, None, None, None, result="pending")
    await expect(page.locator("#flying")).to_have_text("In flight, or waiting for the target")
    await expect(page.locator("#announcer")).to_have_text("Shot 1-1: 9. Total 9.")
    unnamed = await page.evaluate(
        """() => [...document.querySelectorAll('a, button, svg, table, section, [role=img], [tabindex="0"]')].filter((one) => !one.closest('[aria-hidden=true], [hidden]')).filter((one) => {
            const by = one.getAttribute('aria-labelledby');
            const name = one.getAttribute('aria-label') || (by && document.getElementById(by.split(' ')[0])?.textContent)
                || one.querySelector('caption')?.textContent || one.textContent;
            return !name.trim();
        }).map((one) => one.outerHTML)"""
    )
    assert unnamed == []
    ids = await page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
    assert await page.locator("html").get_attribute("lang") == "en"
    assert await page.locator("h1").count() == 1
    for header in await page.locator("th").all():
        assert await header.get_attribute("scope") in ("col", "row", "colgroup")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
async def test_a_phone_needs_no_horizontal_scrolling(open_page: Open, lane: LaneRows, scheme: Scheme) -> None:
    for step in range(8):
        await add_shot(lane, 640.0 + 61 * step, 640.0, 10 - step)
    page = await open_page(360, 740, scheme)
    await expect(page.locator(".shot")).to_have_count(8)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    for table in ("#ends", "#shots"):
        assert await fits(page, table), table
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light == {"light": "rgb(245, 244, 240)", "dark": "rgb(16, 18, 22)"}[scheme]


async def test_the_page_loads_everything_from_the_hub(open_page: Open, service: Service) -> None:
    page = await open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await expect(page.locator("#connection")).to_have_text("live")
    assert asked
    assert all(url.startswith(service.url) for url in asked)
