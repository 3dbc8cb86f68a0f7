"""Nothing on the page jumps or vanishes while shots arrive, and no request leaves the hub."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, Route, expect

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import CENTRE_MM, OUTDOORS, LaneRows
from tests.edge.push.page.fixture_types import Open
from tests.edge.push.page.views.range_rows import TAG_PREFIX, Archer, add_archer, shoot
from tests.edge.push.serving import Service
from tests.edge.shot_rows import add_orphan, add_shot, revise_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MOST_SHIFT = 0.1
OBSERVE = """window.shifts = [];
    new PerformanceObserver((list) => {
        for (const one of list.getEntries()) window.shifts.push([one.startTime, one.value,
            one.sources.map((source) => `${source.node?.id || source.node?.className || source.node?.nodeName}`).join()]);
    }).observe({ type: "layout-shift", buffered: true });"""
CUMULATIVE = """() => {
    let [worst, sum, began, last] = [0, 0, -Infinity, -Infinity];
    for (const [at, value] of window.shifts) {
        if (at - last > 1000 || at - began > 5000) [sum, began] = [0, at];
        last = at;
        sum += value;
        worst = Math.max(worst, sum);
    }
    return worst;
}"""
"""The largest sum of a session window: pauses below 1 s, 5 s at most, as browsers define cumulative layout shift."""


@pytest.mark.parametrize(
    ("query", "width", "height"),
    [
        ("?lane=1", 390, 844),
        pytest.param("?lane=1", 1280, 900, marks=pytest.mark.long),
        pytest.param("?lane=1", 1920, 1080, marks=pytest.mark.long),
        pytest.param("?wall", 390, 844, marks=pytest.mark.long),
        pytest.param("?wall", 1280, 900, marks=pytest.mark.long),
        ("?wall", 1920, 1080),
    ],
)
async def test_the_layout_stays_while_shots_arrive(
    browser: Browser, service: Service, lane: LaneRows, width: int, height: int, query: str
) -> None:
    await add_archer(lane, "A", "Anna Lindqvist")
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    await page.add_init_script(OBSERVE)
    await page.goto(f"{service.url}/{query}")
    await expect(page.locator("#connection")).to_have_text("live")
    for number in range(14):
        shot = await add_shot(lane, None, None, None, result="pending")
        await revise_shot(lane, shot, CENTRE_MM + 20 * number, CENTRE_MM - 15 * number, 9, "hit")
        if number == 6:
            await add_orphan(lane, 200.0, 200.0)
        total = page.locator("#total, .figure.total b").first if query == "?wall" else page.locator("#total")
        await expect(total if query != "?wall" else page.locator(".figure.total b")).to_have_text(str(9 * number + 9))
    shift = await page.evaluate(CUMULATIVE)
    assert shift < MOST_SHIFT, await page.evaluate("window.shifts.filter(([, value]) => value > 0.005)")
    await context.close()


async def test_nothing_vanishes_while_an_arrow_flies(open_page: Open, lane: LaneRows) -> None:
    for points in (9, 8, 7, 10, 9, 8):
        await add_shot(lane, CENTRE_MM + 61 * (10 - points), CENTRE_MM, points)
    page = await open_page()
    shown = ("#last-value", "#end-sum", "#total", "#last-detail", "#why-panel h2", "#why-panel dl")
    await expect(page.locator("#end-sum")).to_have_text("51")
    before = [await page.locator(one).inner_text() for one in shown]
    chips = page.locator("#chips .chip-value:not(.free)")
    await expect(chips).to_have_text(["9", "8", "7", "10", "9", "8"])
    flying = await add_shot(lane, None, None, None, result="pending")  # the first of the next end
    await expect(page.locator("#flying")).to_have_text("In flight, or waiting for the target")
    await expect(chips).to_have_count(6)
    assert [await page.locator(one).inner_text() for one in shown] == before
    await expect(page.locator(".shot.current")).to_have_count(6)
    await expect(page.locator(".shot.last")).to_have_count(1)
    await revise_shot(lane, flying, CENTRE_MM, CENTRE_MM, 10, "hit")
    await expect(page.locator("#last-value")).to_have_text("10")
    await expect(page.locator("#flying")).to_have_text("")
    await expect(chips).to_have_text(["10"])
    await expect(page.locator("#end-sum")).to_have_text("10")
    await expect(page.locator("#end-detail")).to_have_text("end 2")


async def test_unregistered_arrows_keep_notes_in_view(open_page: Open, lane: LaneRows, connection: Connection) -> None:
    await shoot(lane, [Archer("Anna Lindqvist")], 8)
    await add_shot(lane, None, None, None, result="unknown")
    await connection.execute(
        "update shots set flags = '{tag_mismatch,late}', revision = revision + 1 where arrow_tag = $1",
        f"{TAG_PREFIX}{2:012x}",
    )
    page = await open_page(360, 740)
    names = page.locator("#shots td.name")
    await expect(names).to_have_text(["?", "arrow 2", "arrow 1", *(f"arrow {n}" for n in (6, 5, 4, 3, 2, 1))])
    await expect(page.locator("#arrows-panel tbody th")).to_have_text([f"arrow {n}" for n in range(1, 7)])
    notes = await page.locator("#shots td.note").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().right <= innerWidth)"
    )
    assert all(notes)
    assert await page.evaluate("document.querySelector('#shots').parentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    "query",
    [
        "?lane=1",
        "?wall",
        *(pytest.param(one, marks=pytest.mark.long) for one in ("?lane=all", "?overlay", "?lane=1&spectator&lang=de")),
    ],
)
async def test_no_request_leaves_the_hub(browser: Browser, service: Service, lane: LaneRows, query: str) -> None:
    await add_shot(lane)
    context = await browser.new_context()
    page = await context.new_page()
    outside: list[str] = []

    async def only_the_hub(route: Route) -> None:
        if route.request.url.startswith(f"{service.url}/"):
            await route.continue_()
        else:
            outside.append(route.request.url)
            await route.abort()

    await context.route("**/*", only_the_hub)
    await page.goto(f"{service.url}/{query}")
    await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    await shown(page, query)
    assert outside == []
    await context.close()


async def shown(page: Page, query: str) -> None:
    """Wait until the view shows the total."""
    total = page.locator("#total" if query.startswith("?lane=1") else ".total b")
    await expect(total.first).to_have_text("10")


async def test_a_spectators_page_keeps_its_view(open_page: Open, lane: LaneRows, connection: Connection) -> None:
    other = LaneRows(connection, OUTDOORS, 2)
    await other.build()
    await add_shot(other, points=5)
    page = await open_page(query=f"?lane={lane.number}&spectator&lang=en")
    await expect(page.locator("#operate")).to_be_hidden()
    await page.get_by_role("link", name="Lane 2").click()
    await expect(page.locator("#total")).to_have_text("5")
    assert "spectator" in page.url
    await page.reload()
    await expect(page.locator("#title")).to_have_text("Lane 2")
    await expect(page.locator("#operate")).to_be_hidden()
