"""The technician's commands on a test database, run in this process, and a lane with shots to correct."""

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
from tests.edge.lane_rows import LaneRows, build_lane, started_ago

T = TypeVar("T")


@dataclass
class CommandLine:
    """Runs commands and captures their output."""

    settings: ServiceSettings
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str, status: int = 0) -> str:
        """Run one command and return its standard output; after a failure its standard error."""
        out, err = self.both(*words, status=status)
        return err if status else out

    def both(self, *words: str, status: int = 0) -> tuple[str, str]:
        """Run one command and return its standard output and its standard error."""
        self.capsys.readouterr()
        code = 0
        try:
            main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = self.capsys.readouterr()
        assert code == status, f"{words}: {code}\n{captured.out}{captured.err}"
        return captured.out, captured.err

    def json(self, *words: str) -> list[dict[str, Any]]:
        """Run one command with --json and return its objects."""
        return [json.loads(line) for line in self.run(*words, "--json").splitlines()]

    def on_database(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """Do some work on a separate connection."""

        async def run() -> T:
            async with open_database(self.settings, application="test") as database:
                connection = await database.connect()
                try:
                    return await work(connection)
                finally:
                    await connection.close()

        return asyncio.run(run())


async def shoot_lane(connection: Connection) -> LaneRows:
    """A hit of 10, a miss at 40 s (the newest shot), and two landings that no release explains."""
    lane = await build_lane(connection, started_ago(60.0))
    await lane.shoot(20.0)
    await lane.land(20.4, received=24.4)
    await lane.land(34.0, 100.0)
    await lane.shoot(40.0)
    await lane.land(46.0, 900.0)
    await lane.set_watermarks(58.0)
    return lane
