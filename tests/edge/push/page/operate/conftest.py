"""The page in the hands of an operator."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.edge.push.page.conftest import in_the_runs_loop
from tests.edge.push.page.fixture_types import Open
from tests.edge.push.page.operate.hands import OPERATOR, Operate, Operator


@in_the_runs_loop
async def operate(open_page: Open) -> Operate:
    """Return a function that opens the page as an operator whose name the browser knows."""

    async def opened(name: str = OPERATOR, **options: object) -> Operator:
        page: Page = await open_page(**options)
        await page.locator("#operate").click()
        await page.get_by_label("Your name").fill(name)
        await page.keyboard.press("Enter")
        await expect(page.locator("#operate-bar")).to_be_visible()
        return Operator(page)

    return opened


@pytest.fixture(params=[390, pytest.param(1280, marks=pytest.mark.long)], ids=["phone", "desk"])
def width(request: pytest.FixtureRequest) -> int:
    """Width of the window in pixels."""
    return int(request.param)
