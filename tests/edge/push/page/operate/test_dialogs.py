"""Every dialog: by keyboard and by touch, sent once, open while a request runs, and without a jump of the page."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.edge.lane_rows import LaneRows
from tests.edge.push.page.fixture_types import Open, Scheme
from tests.edge.push.page.operate.hands import Operate, Operator
from tests.edge.push.page.views.test_accessibility import violations
from tests.edge.push.serving import Service
from tests.edge.shot_rows import add_orphan, add_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TOUCH_PX = 44
ACTIONS = ("end", "paper", "settings", "sighters", "arrows", "history", "close")
TOO_SMALL = """(least) => [...document.querySelectorAll("dialog[open] :is(button, a, select, summary, input), #operate-bar button, #operate, .operate-shot button, .operate-orphans")]
    .filter((one) => one.checkVisibility()).map((one) => [one.closest("label") ?? one, one])
    .map(([target, one]) => [one.outerHTML.slice(0, 80), target.getBoundingClientRect()])
    .filter(([, box]) => box.height < least - 0.5 || box.width < least - 0.5).map(([html, box]) => [html, box.width, box.height])"""
WIDER_THAN_THE_SCREEN = "() => document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll('dialog[open]')].some((one) => one.scrollWidth > one.clientWidth)"
WATCH_SHIFTS = """() => { window.shifted = 0;
    new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shifted += one.value; }).observe({ type: "layout-shift" }); }"""
PLACES = "() => ['title', 'last-value', 'ends', 'operate-bar'].map((id) => JSON.stringify(document.getElementById(id).getBoundingClientRect()))"


async def furnish(lane: LaneRows) -> str:
    """Add shots, a line call and a landing to resolve; return the id of the line call."""
    for points in (10, 9, 8):
        await add_shot(lane, points=points)
    shot = str(await add_shot(lane, points=9))
    await lane.connection.execute("update shots set line_call = true, revision = revision + 1 where id = $1", shot)
    await add_orphan(lane, 600.0, 700.0)
    return shot


async def opened_dialogs(operator: Operator, shot: str) -> list[str]:
    """Open every dialog of a running session in turn; return what a finger cannot meet or the screen cannot hold."""
    faults = []
    for action in ACTIONS:
        await operator.choose(action)
        faults += await check(operator.page, action)
        await operator.page.keyboard.press("Escape")
        await expect(operator.page.locator("dialog")).to_have_count(0)
    for button in ("Decide line call", "Void"):
        await operator.at_shot(shot, button)
        faults += await check(operator.page, button)
        await operator.page.keyboard.press("Escape")
        await expect(operator.page.locator("dialog")).to_have_count(0)
    await operator.page.locator(".operate-orphans").click()
    await expect(operator.dialog).to_be_visible()
    return faults + await check(operator.page, "orphan")


async def check(page: Page, name: str) -> list[str]:
    """Return the targets that are too small, whether something does not fit, and the violations that axe-core finds."""
    faults = [f"{name}: {one}" for one in await page.evaluate(TOO_SMALL, TOUCH_PX)]
    if await page.evaluate(WIDER_THAN_THE_SCREEN):
        faults.append(f"{name}: wider than the screen")
    return faults + [f"{name}: {one}" for one in await violations(page)]


@pytest.mark.parametrize(
    ("width", "scheme"),
    [pytest.param(390, "light", id="phone"), pytest.param(1280, "dark", id="desk", marks=pytest.mark.long)],
)
async def test_every_dialog_fits_a_finger_and_a_reader(
    operate: Operate, open_page: Open, lane: LaneRows, width: int, scheme: Scheme
) -> None:
    shot = await furnish(lane)
    page = await open_page(width=width, height=844, scheme=scheme)
    await page.locator("#operate").click()
    assert await check(page, "name") == []
    operator = await operate(width=width, height=844, scheme=scheme)
    assert await opened_dialogs(operator, shot) == []
    await operator.page.keyboard.press("Escape")
    await operator.choose("arrows")
    await operator.dialog.get_by_role("button", name="Register an arrow").click()
    await operator.dialog.get_by_text("More:").click()
    assert await check(operator.page, "register") == []
    for _ in range(2):
        await operator.page.keyboard.press("Escape")
    await lane.connection.execute("update sessions set is_opened = false, closing_time = now(), end_time = now()")
    await expect(operator.button("open")).to_be_visible()
    await operator.choose("open")
    await operator.dialog.get_by_text("More:").click()
    assert await check(operator.page, "open") == []


@pytest.mark.long
async def test_every_dialog_closes_by_escape_to_its_opener(operate: Operate, lane: LaneRows) -> None:
    await furnish(lane)
    operator = await operate()
    for action in ACTIONS:
        await operator.choose(action)
        await operator.page.keyboard.press("Escape")
        await expect(operator.page.locator("dialog")).to_have_count(0)
        await expect(operator.button(action)).to_be_focused()


async def test_nothing_jumps_when_a_dialog_opens(operate: Operate, lane: LaneRows) -> None:
    await furnish(lane)
    operator = await operate()
    await expect(operator.page.locator(".operate-orphans")).to_be_visible()
    before = await operator.page.evaluate(PLACES)
    await operator.page.evaluate(WATCH_SHIFTS)
    await operator.choose("settings")
    assert await operator.page.evaluate(PLACES) == before
    await operator.page.keyboard.press("Escape")
    assert await operator.page.evaluate(PLACES) == before
    assert await operator.page.evaluate("window.shifted") == 0


async def test_a_form_is_sent_once_and_stays_open_meanwhile(operate: Operate, lane: LaneRows) -> None:
    operator = await operate()
    go_on = asyncio.Event()
    sent = []

    async def hold(route: Route) -> None:
        sent.append(route.request.method)
        await go_on.wait()
        await route.continue_()

    await operator.page.route("**/end", hold)
    dialog = await operator.choose("end")
    for _ in range(3):
        await dialog.locator("button[type=submit]").click(force=True)
    await expect(dialog.locator("button[type=submit]")).to_have_text("Working …")
    for _ in range(2):
        await operator.page.keyboard.press("Escape")
    for name in ("Cancel", "Close"):
        await dialog.get_by_role("button", name=name).click(force=True)
    await expect(dialog).to_be_visible()
    go_on.set()
    await expect(operator.page.locator("dialog")).to_have_count(0)
    assert sent == ["POST"]
    assert await lane.connection.fetchval("select count(*) from end_marks") == 1


async def test_a_hub_that_is_away_is_named_and_nothing_is_lost(
    operate: Operate, lane: LaneRows, service: Service
) -> None:
    operator = await operate()
    dialog = await operator.choose("settings")
    await dialog.get_by_label("Place").fill("Hall 2")
    await service.stop()
    await operator.submit()
    await expect(operator.faults).to_contain_text("The hub did not answer.")
    await expect(dialog.get_by_label("Place")).to_have_value("Hall 2")
    service.start()
    await service.until_live()
    await operator.finish()
    assert await lane.connection.fetchval("select location from sessions") == "Hall 2"


@pytest.mark.long
async def test_a_dialog_that_cannot_load_offers_another_try(operate: Operate, lane: LaneRows, service: Service) -> None:
    operator = await operate()
    await service.stop()
    await operator.choose("settings")
    await expect(operator.dialog).to_contain_text("The hub does not answer.")
    service.start()
    await service.until_live()
    await operator.dialog.get_by_role("button", name="Try again").click()
    await expect(operator.dialog.get_by_label("Place")).to_have_value("Field 1")
    assert await lane.connection.fetchval("select location from sessions") == "Field 1"


async def test_a_phone_folds_its_buttons_after_an_action(operate: Operate, lane: LaneRows) -> None:
    operator = await operate(width=390)
    more = operator.page.locator("#operate-bar .more")
    await expect(more).to_have_attribute("aria-expanded", "false")
    await expect(operator.button("end")).to_be_visible()
    await expect(operator.button("close")).to_be_hidden()
    await operator.choose("sighters")
    await operator.page.keyboard.press("Escape")
    await expect(more).to_have_attribute("aria-expanded", "false")
    await expect(more).to_be_focused()
    await more.click()
    await operator.page.get_by_role("button", name="Stop operating").click()
    await expect(operator.page.locator("#operate-bar")).to_have_count(0)
    await expect(operator.page.locator("#operate")).to_be_focused()
    await operator.page.reload()
    await expect(operator.page.locator("#connection")).to_have_text("live")
    await expect(operator.page.locator("#operate-bar")).to_have_count(0)
    assert await lane.connection.fetchval("select is_opened from sessions")


async def test_a_german_browser_gets_german_controls(browser: Browser, service: Service, lane: LaneRows) -> None:
    context = await browser.new_context(locale="de-DE", reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(service.url)
    await page.locator("#operate").click()
    await page.get_by_label("Dein Name").fill("Jörg")
    await page.keyboard.press("Enter")
    operator = Operator(page)
    dialog = await operator.choose("sighters")
    await dialog.get_by_label("Anzahl der Probepassen").fill("2")
    await dialog.get_by_role("button", name="Speichern").click()
    await expect(page.locator("dialog")).to_have_count(0)
    assert await lane.connection.fetchval("select sighter_ends from sessions") == 2
    await context.close()
