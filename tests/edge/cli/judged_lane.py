"""A lane with something to judge, and the technician's commands on its database, in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from edge.cli.main import main
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from tests.edge.shots.lane_rows import StoredLane

T = TypeVar("T")


@dataclass
class Bench:
    """Where commands are typed."""

    settings: ServiceSettings
    capsys: pytest.CaptureFixture[str]

    def type(self, *words: str, status: int = 0) -> str:
        """Run one command and return what it said: standard output, of a failed one standard error."""
        self.capsys.readouterr()
        code = 0
        try:
            main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = self.capsys.readouterr()
        assert code == status, f"{words}: {code}\n{said.out}{said.err}"
        return said.err if status else said.out

    def json(self, *words: str) -> list[dict[str, Any]]:
        """Run one command with --json and return its objects."""
        return [json.loads(line) for line in self.type(*words, "--json").splitlines()]

    def on_database(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """Do something on a connection of one's own."""

        async def run() -> T:
            async with open_database(self.settings, application="test") as database:
                connection = await database.connect()
                try:
                    return await work(connection)
                finally:
                    await connection.close()

        return asyncio.run(run())


async def shoot_lane(connection: Connection) -> StoredLane:
    """A hit of 10, a miss at 40 s (the newest shot), and two landings that no release explains."""
    lane = StoredLane(connection)
    await lane.build()
    await lane.shoot(20.0)
    await lane.land(20.4, received=24.4)
    await lane.land(34.0, 100.0)
    await lane.shoot(40.0)
    await lane.land(46.0, 900.0)
    await lane.set_watermarks(58.0)
    return lane
