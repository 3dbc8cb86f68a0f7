"""A real, headless Chromium for the tests of the live page."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

PROGRAMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
"""In order of preference: the shell draws no window around a page, and takes a third of the processor time."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
]  # fmt: skip


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser and close it with all of its windows.

    Without Chromium a test skips with a reason; with ``CI=true`` it fails.
    """
    program = next((program for program in PROGRAMS if program.exists()), None)
    if program is None:
        message = "Chromium is missing: install the package chromium-headless-shell or chromium."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=90_000)
        try:
            yield browser
        finally:
            await browser.close()
