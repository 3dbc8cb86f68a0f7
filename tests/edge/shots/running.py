"""A running assembler, and the wait for what it writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role
from edge.shots.service import run_shots
from tests.edge.lane_rows import LaneRows


@asynccontextmanager
async def assembler(database: Database) -> AsyncIterator[None]:
    """The running service, stopped at the end."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_shots(database.acting_as(Role.SHOTS), stop))
        try:
            yield
        finally:
            stop.set()


async def until(lane: LaneRows, condition: str, within_s: float = 30.0) -> None:
    """Wait until a condition of SQL holds, with a deadline."""
    async with asyncio.timeout(within_s):
        while not await lane.connection.fetchval(f"select {condition}"):
            await asyncio.sleep(0.01)
