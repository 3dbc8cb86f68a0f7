"""Measurements of the page's elements.

Each finds and measures an element in one call: between two calls the page may draw it anew, and a removed element has no size.
"""

from __future__ import annotations

from playwright.async_api import Page


async def size(page: Page, selector: str, number: int = 0) -> tuple[float, float]:
    """Return the width and height of an element in pixels."""
    width, height = await page.evaluate(
        """([selector, number]) => {
            const box = document.querySelectorAll(selector)[number].getBoundingClientRect();
            return [box.width, box.height];
        }""",
        [selector, number],
    )
    return float(width), float(height)


async def fits(page: Page, selector: str) -> bool:
    """Whether an element is at most as wide as the element around it."""
    return bool(
        await page.evaluate(
            """selector => {
                const found = document.querySelector(selector);
                return found.offsetWidth <= found.parentElement.clientWidth;
            }""",
            selector,
        )
    )


async def lines(page: Page, selector: str) -> int:
    """Return the number of lines that an element's text takes."""
    return int(
        await page.evaluate(
            """selector => {
                const text = document.createRange();
                text.selectNodeContents(document.querySelector(selector));
                return text.getClientRects().length;
            }""",
            selector,
        )
    )


async def content_after(page: Page, selector: str) -> str:
    """Return what the style sheet writes behind an element, with its quotes."""
    return str(
        await page.evaluate(
            "selector => getComputedStyle(document.querySelector(selector), '::after').content", selector
        )
    )
