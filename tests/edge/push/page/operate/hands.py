"""Steps of an operator on the page, which several tests share."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from playwright.async_api import Locator, Page, expect

OPERATOR = "Anna Überall"
"""Its header has to be encoded."""


@dataclass
class Operator:
    """A page with the controls shown."""

    page: Page

    @property
    def dialog(self) -> Locator:
        """The dialog on top."""
        return self.page.locator("dialog[open]").last

    @property
    def faults(self) -> Locator:
        """The errors below the form."""
        return self.dialog.locator(".faults")

    def fault(self, name: str) -> Locator:
        """The error beside a field."""
        return self.dialog.locator(f'[data-fault="{name}"]')

    def button(self, action: str) -> Locator:
        """A button of the bar, by the name of its action."""
        return self.page.locator(f'#operate-bar [data-action="{action}"]')

    async def choose(self, action: str) -> Locator:
        """Begin an action of the bar, on a phone behind "More"; returns its dialog."""
        button = self.button(action)
        await expect(button).to_have_js_property("hidden", False)  # the state of the lane is known, and offers it
        if not await button.is_visible():
            await self.page.locator("#operate-bar .more").click()
        await button.click()
        await expect(self.dialog).to_be_visible()
        return self.dialog

    async def submit(self) -> None:
        """Send the form of the dialog on top."""
        await self.dialog.locator("button[type=submit]").click()

    async def finish(self) -> None:
        """Send the form, and wait until its dialog is closed."""
        await self.submit()
        await expect(self.page.locator("dialog")).to_have_count(0)

    async def at_shot(self, shot: object, button: str) -> Locator:
        """Choose a shot in the list, and what is to be done with it; returns the dialog."""
        await self.page.locator(f'#shots tr[data-shot="{shot}"]').click()
        await self.page.locator(".operate-shot").get_by_role("button", name=button).click()
        await expect(self.dialog).to_be_visible()
        return self.dialog


class Operate(Protocol):
    """Opens the page as an operator."""

    def __call__(self, name: str = ..., **options: object) -> Awaitable[Operator]:
        """Options: those of ``open_page``."""
