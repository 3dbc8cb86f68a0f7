"""Whoever is active computes the shots again: archstats-shots, or the command itself."""

from __future__ import annotations

import asyncio

import pytest

from edge.cli import recompute as settling
from edge.cli.recompute import settle
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import open_database
from edge.operator.judging import ask_rebuild
from edge.shots.store.rebuilds import release_lock, take_over
from tests.edge.cli.judged_lane import shoot_lane
from tests.edge.shots.lane_rows import assembler


async def test_with_and_without_an_assembler_and_with_one_that_does_not_answer(
    database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_database(database_settings, application="test-shots") as database:
        connection, other = await database.connect(), await database.connect()
        lane = await shoot_lane(connection)
        assert lane.session_id is not None
        done = []
        async with assembler(database):
            while await take_over(other):  # until the assembler has it
                await release_lock(other)
                await asyncio.sleep(0.05)
            done.append(await ask_rebuild(connection, lane.session_id, "test"))
            assert await settle(connection, lane.session_id)
        done.append(await ask_rebuild(connection, lane.session_id, "test"))
        assert await settle(connection, lane.session_id)
        answered = await connection.fetch(
            "select id, shots, revised from rebuilds where done_at is not null order by id"
        )
        assert [(row["id"], row["shots"]) for row in answered] == [(number, 2) for number in done]
        assert answered[-1]["revised"] == 0

        assert await take_over(other)  # holds the lock and does nothing
        monkeypatch.setattr(settling, "SETTLED_WITHIN_S", 0.3)
        await ask_rebuild(connection, lane.session_id, "test")
        assert not await settle(connection, lane.session_id)
        for opened in (connection, other):
            await opened.close()
