"""The active assembler computes the shots again: archstats-shots, or the command itself."""

from __future__ import annotations

import asyncio

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import open_database
from edge.operator import rebuilds
from edge.operator.rebuilds import await_rebuild, request_rebuild
from edge.shots.store.shares import release_share, share_of, take_share
from tests.edge.cli.command_line import shoot_lane
from tests.edge.shots.running import assembler


async def test_rebuild_with_idle_absent_and_hung_assembler(
    database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_database(database_settings, application="test-shots") as database:
        connection, other = await database.connect(), await database.connect()
        lane = await shoot_lane(connection)
        share = share_of(lane.number)
        done = []
        async with assembler(database):
            while await take_share(other, share):  # until the assembler holds the lock
                await release_share(other, share)
                await asyncio.sleep(0.05)
            done.append(await request_rebuild(connection, lane.session_id, "test"))
            assert await await_rebuild(connection, lane.session_id)
        done.append(await request_rebuild(connection, lane.session_id, "test"))
        assert await await_rebuild(connection, lane.session_id)
        answered = await connection.fetch(
            "select id, shots, revised from rebuilds where done_at is not null order by id"
        )
        assert [(row["id"], row["shots"]) for row in answered] == [(number, 2) for number in done]
        assert answered[-1]["revised"] == 0

        assert await take_share(other, share)  # holds the lock without working
        monkeypatch.setattr(rebuilds, "DECIDED_WITHIN_S", 0.3)
        await request_rebuild(connection, lane.session_id, "test")
        assert not await await_rebuild(connection, lane.session_id)
        for opened in (connection, other):
            await opened.close()
