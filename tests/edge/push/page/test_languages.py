"""The languages of the page: equal texts, chosen by the browser or the address, with the reader's numbers and units."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from edge.push.http.static import StaticFiles
from tests.edge.lane_rows import LaneRows
from tests.edge.push.page.conftest import STATIC
from tests.edge.push.page.fixture_types import Open
from tests.edge.push.serving import Service
from tests.edge.shot_rows import add_shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SHAPE = """async path => {
    const shape = (value) => typeof value === "object"
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)]))
        : typeof value === "function" ? `function of ${value.length}` : typeof value;
    return shape((await import(`/static/${path}`)).texts);
}"""
"""Names of the texts, and for each text whether it is a string or a function of so many arguments."""

EMPTY = """async path => {
    const found = [];
    const visit = (value, name) => {
        if (typeof value === "object") Object.entries(value).forEach(([key, one]) => visit(one, `${name}.${key}`));
        else if (typeof value === "string" ? !value.trim() : !String(value(...Array(value.length).fill(2))).trim()) found.push(name);
    };
    visit((await import(`/static/${path}`)).texts, "texts");
    return found;
}"""


def languages() -> list[Path]:
    """Return the files of the page's texts, one per language."""
    return sorted(path for path in (STATIC / "texts").glob("*.js") if path.stem != "index")


@pytest.mark.parametrize("path", languages(), ids=lambda path: path.stem)
async def test_every_language_has_the_same_texts(modules: Page, path: Path) -> None:
    relative = path.relative_to(STATIC)
    shape = await modules.evaluate(SHAPE, str(relative))
    assert shape == await modules.evaluate(SHAPE, str(relative.with_name("en.js")))
    assert await modules.evaluate(EMPTY, str(relative)) == []


async def test_german_has_one_word_for_a_thing() -> None:
    """A session is a Sitzung and closed, a tag is a Tag, a shot is gestrichen and corrected is berichtigt, in all files."""
    others = re.compile(r"\b(Chips?|ungültig|geändert|Änderung|beendet)\b")
    assert others.findall((STATIC / "texts" / "de.js").read_text()) == []


async def opened(browser: Browser, service: Service, locale: str, query: str = "") -> Page:
    context = await browser.new_context(locale=locale, timezone_id="UTC")
    page = await context.new_page()
    await page.goto(f"{service.url}/{query}")
    await expect(page.locator("#connection")).to_have_text("live")
    return page


async def test_browser_and_address_choose_the_language(browser: Browser, service: Service, lane: LaneRows) -> None:
    await add_shot(lane)
    expected = [
        ("de-AT", "", "de", "Bahn 1", "1,25 s"),
        ("de-AT", "?lang=en", "en", "Lane 1", "1.25 s"),
        ("fr", "", "en", "Lane 1", "1.25 s"),
        ("en-GB", "?lang=de&lane=1", "de", "Bahn 1", "1,25 s"),
        ("en-GB", "?lang=xx", "en", "Lane 1", "1.25 s"),
    ]
    for locale, query, language, title, flight in expected:
        page = await opened(browser, service, locale, query)
        assert await page.locator("html").get_attribute("lang") == language
        await expect(page.locator("#title")).to_have_text(title)
        await expect(page.locator("#last-detail")).to_contain_text(flight.replace(" ", "\u00a0"))
        await page.context.close()


async def test_no_text_of_another_language_is_ever_shown(browser: Browser, service: Service) -> None:
    """Until the first module runs the page has no text at all, so that none has to be replaced."""
    version = StaticFiles().version
    context = await browser.new_context(locale="de", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(service.url)
    await page.evaluate("document.querySelectorAll('noscript').forEach((one) => one.remove())")
    shown = (await page.locator("body").inner_text()).split()
    assert set(shown) <= {"\N{EN DASH}", "0"}, shown
    assert version in await page.content()
    await context.close()


async def test_settings_choose_units_and_language(open_page: Open, lane: LaneRows) -> None:
    await add_shot(lane)
    page = await open_page(query="?lane=1&lang=en")
    await expect(page.locator("#subtitle")).to_contain_text("70\u00a0m")
    await page.get_by_role("button", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings")
    await dialog.get_by_label("Distances").select_option("yd")
    await dialog.get_by_label("Speeds").select_option("fps")
    await dialog.get_by_label("Language").select_option("de")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.locator("#title")).to_have_text("Bahn 1")
    await expect(page.locator("#subtitle")).to_contain_text("76.6\u00a0yd".replace(".", ","))
    await expect(page.locator("#last-detail")).to_contain_text("184\u00a0ft/s")
    await expect(page.locator("#shots thead")).to_contain_text("ft/s")
    assert "lang=" not in page.url
    await page.get_by_role("button", name="Einstellungen").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.usefixtures("lane")
async def test_refused_storage_is_reported(open_page: Open) -> None:
    page = await open_page()
    await page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('refused'); }; }")
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert").filter(has_text="keeps no settings")).to_be_visible()
