"""A client of the API, for changes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.edge.push.serving import Service, http


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, over a real socket."""
    async with http(service, "/api/v0/") as made:
        yield made
