"""The page loads in few requests, and a second visit in fewer; a new version takes effect with the next load."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from edge.common.postgres.connection import Connection
from edge.push.http.page import View, loaded_modules
from edge.push.http.static import StaticFiles
from tests.edge.lane_rows import OUTDOORS, LaneRows
from tests.edge.push.page.conftest import STATIC
from tests.edge.push.page.fixture_types import Open
from tests.edge.push.serving import Service
from tests.eventually import POLL_INTERVAL_S

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

VERSION = StaticFiles().version
STYLES = set(re.findall(r'href="static/(\w[\w-]*\.css)"', (STATIC / "index.html").read_text()))
FILES = {str(path.relative_to(STATIC)): path.read_bytes() for path in STATIC.rglob("*") if path.is_file()}
TRANSFERRED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter((one) => one.transferSize > 0).map((one) => new URL(one.name).pathname)"""

FOUND_BY_IMPORT = """() => performance.getEntriesByType("resource")
    .filter((one) => one.name.endsWith(".js") && one.initiatorType === "script").map((one) => one.name)"""


async def requests_of_load(page: Page) -> list[str]:
    """Reload the page; return the requested paths until it is live, without the icon, which a browser may skip."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    await page.reload()
    await expect(page.locator("#connection")).to_have_text("live")
    return [path.replace(f"/static/{VERSION}/", "") for path in asked if not path.endswith("icon.svg")]


@pytest.mark.parametrize(
    ("query", "view", "answers"),
    [
        ("", View.LANE, ["live", "statistics"]),
        ("?lane=1", View.LANE, ["live", "statistics"]),
        ("?lane=all", View.OVERVIEW, ["live/all", "statistics/all"]),
        ("?wall", View.WALL, ["live/all", "statistics/all"]),
        ("?wall&lane=1", View.WALL, ["live", "statistics"]),
        ("?overlay", View.OVERLAY, ["live", "statistics"]),
    ],
)
async def test_the_page_requests_each_file_and_answer_once(
    open_page: Open, lane: LaneRows, connection: Connection, query: str, view: View, answers: list[str]
) -> None:
    other = LaneRows(connection, OUTDOORS, lane.number + 1)
    await other.build()
    page = await open_page(query=query)
    by_import = await page.evaluate(FOUND_BY_IMPORT)
    assert [address for address in by_import if not address.endswith("/start.js")] == []
    modules = set(loaded_modules(FILES, view))
    asked = await requests_of_load(page)
    assert sorted(asked) == sorted(["/", *STYLES, *modules, *(f"/api/v0/{one}" for one in answers), "/api/v0/events"])
    announced = await page.eval_on_selector_all("link[rel=modulepreload]", "all => all.map((one) => one.href)")
    assert {re.sub(r".*/static/\w+/", "", address) for address in announced} == modules


async def test_the_second_visit_transfers_no_file(open_page: Open, service: Service) -> None:
    page = await open_page()
    assert f"/static/{VERSION}/start.js" in await page.evaluate(TRANSFERRED)
    again = await page.context.new_page()
    await again.goto(service.url)
    await expect(again.locator("#connection")).to_have_text("live")
    # After its first look wait_for_function needs eval, which the page's policy refuses.
    async with asyncio.timeout(10):
        while len(await again.evaluate(TRANSFERRED)) < 3:
            await asyncio.sleep(POLL_INTERVAL_S)
    assert set(await again.evaluate(TRANSFERRED)) == {"/", "/api/v0/live", "/api/v0/statistics"}
    sizes = await again.evaluate("performance.getEntriesByType('navigation').map((one) => one.transferSize)")
    assert sizes[0] < 1000, "only the headers of a 304"


async def test_a_new_version_is_shown_after_a_restart(
    open_page: Open, lane: LaneRows, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await open_page()
    await expect(page.locator("#title")).to_have_text(f"Lane {lane.number}")
    folder = tmp_path / "static"
    shutil.copytree(STATIC, folder)
    texts = folder / "texts" / "en.js"
    texts.write_text(texts.read_text().replace("`Lane ${", "`Butt ${"))
    await service.stop()
    monkeypatch.setattr("edge.push.app.StaticFiles", lambda: StaticFiles(folder))
    service.start()
    await service.until_live()
    await page.goto(service.url)
    await expect(page.locator("#title")).to_have_text(f"Butt {lane.number}")
