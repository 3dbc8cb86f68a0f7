"""Every view without a violation of axe-core, in both schemes and languages and at the sizes of phone, laptop and wall."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import OUTDOORS, LaneRows
from tests.edge.push.page.conftest import in_the_runs_loop
from tests.edge.push.page.fixture_types import Scheme
from tests.edge.push.page.views.range_rows import Archer, build_range, shoot
from tests.edge.push.serving import Service
from tests.edge.shot_rows import add_orphan, add_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RUN = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map((one) =>
    `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.any.concat(node.all)[0]?.message ?? ""}`).join(" | ")}`)"""

VIEWS = {
    "lane": ("?lane=1", 390),
    "laptop": ("?lane=1", 1280),
    "shared": ("?lane=2", 1280),
    "wide": ("?lane=1&spectator", 1920),
    "empty": ("?lane=3", 1280),
    "all": ("?lane=all", 1280),
    "wall": ("?wall", 1920),
    "wall-of-one": ("?wall&lane=2", 1920),
    "overlay": ("?overlay&lane=1", 1920),
}
SHOWN = {"lane": "#ends tbody tr", "all": ".card", "wall": ".board .chip-value", "overlay": ".board .chip-value"}

TOUCHED = """() => [...document.querySelectorAll('a, button, select, input, summary, [role=button], tr[tabindex], tr[data-shot]')]
    .filter((one) => one.offsetParent !== null && !one.closest('.skip'))
    .map((one) => [one.textContent.trim() || one.id, one.getBoundingClientRect()])
    .filter(([, box]) => box.width < 44 || box.height < 44).map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


@in_the_runs_loop
async def club(connection: Connection) -> list[LaneRows]:
    """Return a range: a lane with everything that a page shows, a shared butt, and a lane without a session."""
    (first,) = await build_range(connection, 1)
    await add_shot(first, None, None, 0, result="miss")
    await add_shot(first, None, None, None, result="not_shot")
    await add_shot(first, None, None, None, result="pending")
    await add_orphan(first, 300.0, 900.0)
    await first.set_state("target-1", "lost")
    shared = LaneRows(connection, OUTDOORS, 2)
    await shared.build()
    await shoot(shared, [Archer("Bernd Okafor"), Archer("Chiara Moreau", dx=-200.0)], 14)
    empty = LaneRows(connection, OUTDOORS, 3)
    await empty.add_devices()
    return [first, shared, empty]


async def violations(page: Page) -> list[str]:
    await page.evaluate(AXE)
    found: list[str] = await page.evaluate(RUN)
    return found


@pytest.mark.parametrize("first", [0, pytest.param(1, marks=pytest.mark.long)])
async def test_no_view_violates_a_rule_of_axe(
    browser: Browser, service: Service, club: list[LaneRows], first: int
) -> None:
    """The looks alternate from view to view; with --long each view has both."""
    assert len(club) == 3
    found: dict[str, list[str]] = {}
    looks: tuple[tuple[Scheme, str], ...] = (("light", "de"), ("dark", "en"))
    for number, (scheme, language) in enumerate(looks):
        context = await browser.new_context(color_scheme=scheme, locale=language, reduced_motion="reduce")
        page = await context.new_page()
        for name in list(VIEWS)[(number + first) % 2 :: 2]:
            query, width = VIEWS[name]
            await page.set_viewport_size({"width": width, "height": 844 if width == 390 else 1080})
            await page.goto(f"{service.url}/{query}")
            await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
            if name != "empty":
                await expect(page.locator(SHOWN.get(name.split("-")[0], SHOWN["lane"])).first).to_be_visible()
            for details in await page.locator("details").all():
                await details.evaluate("one => { one.open = true; }")
            found[f"{name} {scheme} {language}"] = await violations(page)
        await page.goto(f"{service.url}/?lane=1")
        await page.locator("#settings").click()
        found[f"settings {scheme}"] = await violations(page)
        await context.close()
    assert len(found) == len(VIEWS) + len(looks)
    assert {name: one for name, one in found.items() if one} == {}


@pytest.mark.usefixtures("club")
async def test_every_target_of_a_finger_is_44_pixels(browser: Browser, service: Service) -> None:
    context = await browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    page = await context.new_page()
    found: dict[str, Any] = {}
    for query in ("?lane=1", "?lane=2", "?lane=all"):
        await page.goto(f"{service.url}/{query}")
        await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        await expect(page.locator("#lanes a").first).to_be_visible()
        found[query] = await page.evaluate(TOUCHED)
    await page.goto(f"{service.url}/?lane=1")
    await page.locator("#settings").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    found["settings"] = await page.evaluate(TOUCHED)
    assert {name: one for name, one in found.items() if one} == {}
    await context.close()
