"""Types of the fixtures that open the page and call its modules."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from playwright.async_api import Page

Scheme = Literal["light", "dark"]
Open = Callable[..., Awaitable[Page]]
Call = Callable[..., Awaitable[Any]]
