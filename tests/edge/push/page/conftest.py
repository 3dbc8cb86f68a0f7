"""One Chromium for all tests of the page; it and everything it connects to share the event loop of the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

import edge.push
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from tests.chromium import chromium
from tests.edge.lane_rows import LaneRows, SessionSetup, build_lane
from tests.edge.push.page.fixture_types import Call, Open, Scheme
from tests.edge.push.serving import Service, serving

STATIC = Path(edge.push.__file__).parent / "static"
WITHIN_MS = 30_000
expect.set_options(timeout=WITHIN_MS)

in_the_runs_loop = pytest_asyncio.fixture(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Return the browser of the run."""
    async with chromium() as made:
        yield made


@in_the_runs_loop
async def _no_task_left(browser: Browser) -> AsyncIterator[None]:
    """Check for leftover tasks, except the browser's own, which belong to the run."""
    assert browser.is_connected()
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"


@in_the_runs_loop
async def connection(database_settings: ServiceSettings) -> AsyncIterator[Connection]:
    """Return a connection to the test's database."""
    async with open_database(database_settings, application="test") as database:
        made = await database.connect()
        try:
            yield made
        finally:
            made.terminate()


@in_the_runs_loop
async def lane(connection: Connection, session_setup: SessionSetup) -> LaneRows:
    """Return the lane of all tests in the event loop of the run."""
    return await build_lane(connection, session_setup)


@in_the_runs_loop
async def service(database_settings: ServiceSettings) -> AsyncIterator[Service]:
    """Return a push service that reads the feed."""
    async with serving(database_settings) as made:
        await made.until_live()
        yield made


@in_the_runs_loop
async def open_page(browser: Browser, service: Service) -> AsyncIterator[Open]:
    """Open the page; at the end it must have raised no error."""
    errors: list[str] = []
    contexts = []

    async def opened(width: int = 1280, height: int = 900, scheme: Scheme = "light", query: str = "") -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, timezone_id="UTC", reduced_motion="reduce", color_scheme=scheme
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(WITHIN_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{service.url}/{query}")
        await expect(page.locator("#connection")).to_have_text("live")
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def modules(browser: Browser) -> AsyncIterator[Page]:
    """Return an empty page in the zone UTC that can import the live page's modules, without hub and database."""
    context = await browser.new_context(timezone_id="UTC")
    page = await context.new_page()

    async def serve(route: Route) -> None:
        path = route.request.url.partition("/static/")[2]
        if path.endswith(".js"):
            await route.fulfill(path=STATIC / path, content_type="text/javascript")
        else:
            await route.fulfill(body="<!doctype html>", content_type="text/html")

    await page.route("http://page.test/**", serve)
    await page.goto("http://page.test/")
    yield page
    await context.close()


@pytest.fixture
def call(modules: Page) -> Call:
    """Return a function that calls a function of one of the page's modules in the browser."""

    async def called(module: str, function: str, *arguments: Any) -> Any:
        return await modules.evaluate(
            "async ([module, name, given]) => (await import(`/static/${module}`))[name](...given)",
            [module, function, list(arguments)],
        )

    return called
