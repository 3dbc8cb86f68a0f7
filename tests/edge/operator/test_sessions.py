"""Sessions as the operator opens, closes and lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.operator.opening import NewSession, open_session
from edge.operator.sessions import close_abandoned, list_sessions, request_close
from edge.operator.statistics import read_statistics


async def test_session_totals_leave_out_sighters(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        session = await open_session(connection, _new(host_now()))
        for end in (1, 2, 3, 3, None):
            await _shot(connection, session, end)
        (row,) = await list_sessions(connection, 10)
        assert (row.arrows, row.points) == (3, 27)
        await connection.close()


async def test_session_totals_equal_the_statistics(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        session = await open_session(connection, replace(_new(host_now()), sighter_ends=0))
        for result, points, flags in (
            ("hit", 9, ["line_call"]),
            ("miss", 0, []),
            ("unknown", None, []),
            ("hit", 10, ["extra"]),
            ("hit", 8, ["same_spot"]),
            ("not_shot", None, ["let_down"]),
        ):
            await _shot(connection, session, 1, result=result, points=points, flags=flags)
        (row,) = await list_sessions(connection, 10)
        assert (row.arrows, row.points) == (3, 9)
        read = await read_statistics(connection, session)
        assert read is not None
        totals = read[2].totals
        assert (totals.arrows, totals.points) == (3, 9)
        await connection.close()


@pytest.mark.parametrize("stepped_s", [-3600, 10800])
@pytest.mark.parametrize("abandoned", [True, False])
async def test_session_ends_by_the_clock_it_was_opened_with(
    database_settings: ServiceSettings, stepped_s: int, *, abandoned: bool
) -> None:
    start = host_now()
    later = start.at_utc(start.at + timedelta(seconds=600))
    later = replace(later, at=later.at + timedelta(seconds=stepped_s))
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        session = await open_session(connection, _new(start))
        if abandoned:
            assert await close_abandoned(connection, "range", later) == 1
        else:
            assert await request_close(connection, 1, later) == session
        closing = await connection.fetchval("select closing_time from sessions")
        await connection.close()
    assert closing == start.at + timedelta(seconds=600)


async def test_session_ends_by_wall_clock_after_a_host_reboot(database_settings: ServiceSettings) -> None:
    start = host_now()
    later = Instant(start.at + timedelta(seconds=600), mono_ns=5_000_000_000, host_boot_id=uuid4())
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        await open_session(connection, _new(start))
        await request_close(connection, 1, later)
        assert await connection.fetchval("select closing_time from sessions") == later.at
        await connection.close()


async def test_session_does_not_end_before_its_start(database_settings: ServiceSettings) -> None:
    start = host_now()
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        session = await open_session(connection, _new(start))
        assert await request_close(connection, 1, start.at_utc(start.at - timedelta(seconds=1))) == session
        assert await connection.fetchval("select closing_time from sessions") == start.at
        await connection.close()


def _new(start: Instant) -> NewSession:
    return NewSession(
        lane=1,
        start=start,
        location="range",
        is_indoor=False,
        arrows_per_end=3,
        end_timeout_s=60,
        distance_m=18,
        butt_width_mm=1240,
        butt_height_mm=1240,
        faces=[],
        sighter_ends=2,
    )


async def _shot(
    connection: Connection,
    session: UUID,
    end: int | None,
    *,
    result: str = "hit",
    points: int | None = 9,
    flags: Sequence[str] = (),
) -> None:
    stream = uuid4()
    await connection.execute(
        "insert into devices (id, kind, driver, lane) values ('target-1', 'target', 'x', 1) on conflict do nothing"
    )
    await connection.execute(
        """insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)
        values ('target-1', $1, 1, 'landing', now(), $1, now(), 'simulator')""",
        stream,
    )
    await connection.execute(
        """insert into shots (id, session_id, lane, end_number, arrow_landing_time, x, y, result, points, rule_version,
            time_source, landing_device_id, landing_stream_id, landing_seq, flags)
        values ($1, $2, 1, $3, now(), 620, 620, $4, $5, 1, 'target', 'target-1', $1, 1, $6)""",
        stream,
        session,
        end,
        result,
        points,
        list(flags),
    )
