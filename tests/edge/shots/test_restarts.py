"""The assembler on a real database, killed before any of its statements: the tables end up as if it never had been."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.listener import Listener
from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.model import BlindInterval, TimedReading
from edge.shots.service import Assembler
from edge.shots.store import readings as incoming
from edge.shots.store import shots as shot_rows
from edge.shots.store.context import load_snapshot, read_watermarks, sensed
from edge.shots.store.corrections import Rulings
from tests.edge.shots.assembly.histories import (
    BOWS,
    GAPS,
    LONG_S,
    QUIVER,
    TARGET,
    any_readings,
    arrivals,
    sound_history,
)

LANES = itertools.count(1)
KINDS = dict.fromkeys(BOWS, "bow") | {TARGET: "target"}
EXAMPLES = 5
MANY = 150


@dataclass(frozen=True)
class Life:
    """What happens to a lane and to its assembler."""

    arrived: Sequence[TimedReading]
    sizes: Sequence[int]
    """How many readings are stored together; over and over."""
    kills: Sequence[int | None]
    """Before which statement of a step the assembler is killed, None for never; over and over."""
    blind: Sequence[BlindInterval]
    closes: float | None


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Any readings, or sound ones, in any order of arrival."""
    readings = draw(any_readings(least=5, most=25) | sound_history().map(lambda sound: sound[0].readings))
    return Life(
        draw(arrivals(readings)),
        draw(st.lists(st.integers(1, 12), min_size=1, max_size=5)),
        draw(st.lists(st.none() | st.integers(1, 45), min_size=1, max_size=6)),
        draw(GAPS),
        draw(st.none() | st.floats(20.0, LONG_S)),
    )


class Killed(Exception):
    """The assembler is no more."""


class Mortal:
    """A connection whose owner dies before one of its statements."""

    def __init__(self, connection: Connection, before: int) -> None:
        self._connection = connection
        self._left = before

    def transaction(self, **options: object) -> object:
        return self._connection.transaction(**options)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        self._left -= 1
        if self._left == 0:
            raise Killed
        return getattr(self._connection, name)


class Lane:
    """A lane of its own in the database, an hour ago."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self.number = next(LANES)
        self._connection = connection
        self._database = database
        self._zero = datetime.now(UTC) - timedelta(hours=1)
        self._session: UUID | None = None

    def name(self, device: str) -> str:
        return f"l{self.number}-{device}"

    def at(self, t: float) -> datetime:
        return self._zero + timedelta(seconds=t)

    async def build(self) -> None:
        await self._connection.executemany(
            "insert into devices (id, kind, driver, lane) values ($1, $2, $2 || '.link', $3)",
            [(self.name(device), kind, self.number) for device, kind in KINDS.items()],
        )
        await self._connection.executemany(
            """
            insert into arrows (id, human_identifier, length, is_active, voided_date)
            values ($1, $2, 70, $3, case when $3 then null else now() - interval '2 h' end) on conflict do nothing
            """,
            [(arrow, f"A{number}", number != 2) for number, arrow in enumerate(QUIVER)],
        )
        self._session = await self._connection.fetchval(
            "insert into sessions (lane, start_time, location) values ($1, $2, 'test') returning id",
            self.number,
            self._zero,
        )
        target = await self._connection.fetchval(
            "insert into targets (session_id, max_x, max_y, distance) values ($1, 1280, 1280, 18) returning id",
            self._session,
        )
        await self._connection.execute(
            """
            insert into faces (target_id, human_identifier, code, version, x, y, radii, points, x_radius)
            values ($1, 'A', 'wa_122', 1, 640, 640, '{61,122,610}', '{10,9,1}', 30.5)
            """,
            target,
        )

    async def keep(self, readings: Sequence[TimedReading]) -> None:
        await self._connection.executemany(
            """
            insert into readings (device_id, stream_id, seq, kind, at, uncertainty_s, host_boot_id, received_at, source,
                                  tag, tags, x_mm, y_mm, rssi_dbm, cause)
            values ($1, $2, $3, $4, $5, $6, $2, $13, 'simulator', $7, $8, $9, $10, $11, $12)
            """,
            [
                (
                    self.name(r.key.device_id), r.key.stream_id, r.key.seq, r.kind, self.at(r.t), r.error_s, r.tag,
                    r.tags, r.x, r.y, r.rssi, r.cause, self.at(r.told),
                )
                for r in readings
            ],
        )  # fmt: skip

    async def tell(self, device: str, until: float) -> None:
        await self._connection.execute(
            """
            insert into device_status (device_id, state, since, watermark, interval_s) values ($1, 'ready', now(), $2, 1)
            on conflict (device_id) do update set watermark = excluded.watermark
            """,
            self.name(device),
            self.at(until),
        )

    async def be_blind(self, gaps: Sequence[BlindInterval]) -> None:
        await self._connection.executemany(
            """
            insert into device_gaps (device_id, stream_id, since, until, reason) values ($1, gen_random_uuid(), $2, $3, 'test')
            """,
            [(self.name(g.device_id), self.at(g.since), self.at(g.until)) for g in gaps],
        )

    async def close(self, t: float) -> None:
        await self._connection.execute("update sessions set closing_time = $2 where id = $1", self._session, self.at(t))

    async def leave(self) -> None:
        await self._connection.execute(
            """
            update sessions set is_opened = false, start_time = start_time - interval '3 d', closing_time = null,
                end_time = now() - interval '2 d' where id = $1
            """,
            self._session,
        )

    async def assembler(self, killed_before: int | None = None) -> tuple[Assembler, Connection]:
        own = await self._database.connect()
        mortal = own if killed_before is None else cast("Connection", Mortal(own, killed_before))
        return Assembler(mortal, Listener(self._database, [])), own

    async def rows(self) -> dict[UUID, asyncpg.Record]:
        """What counts of the shots' table."""
        found = await self._connection.fetch(
            "select * from shots where session_id = $1 and not 'superseded' = any(flags)", self._session
        )
        return {row["id"]: row for row in found}

    async def expected(self) -> dict[UUID, shot_rows.Values]:
        """What the readings say, computed at once by somebody who was never killed."""
        assert self._session is not None
        told = await read_watermarks(self._connection)
        stage = await load_snapshot(self._connection, self._session, [], Rulings(), told)
        assert stage is not None
        rows = await incoming.readings_of(self._connection, self._session)
        found = assemble((sensed(row, stage.axis) for row in rows), stage.context)
        return {shot.id: shot_rows.values_of(shot) for shot in found.shots}

    async def told(self) -> dict[str, tuple[int, str]]:
        """Of each shot how many events there were, and the result that the last one told."""
        rows = await self._connection.fetch(
            """
            select data ->> 'id' as id, count(*) as told, (array_agg(data ->> 'result' order by id desc))[1] as last
            from events where type like 'shot.%' and lane = $1 group by 1
            """,
            self.number,
        )
        return {row["id"]: (row["told"], row["last"]) for row in rows}


async def live(database: Database, life: Life) -> None:
    """Play a life to its end and hold the tables against it."""
    connection = await database.connect()
    lane = Lane(connection, database)
    try:
        await lane.build()
        await lane.be_blind(life.blind)
        waiting, sizes, kills = list(life.arrived), itertools.cycle(life.sizes), itertools.cycle(life.kills)
        closes = LONG_S if life.closes is None else life.closes
        while waiting:
            size = next(sizes)
            batch, waiting = waiting[:size], waiting[size:]
            async with connection.transaction():
                await lane.keep(batch)
            latest = {r.key.device_id: r.t for r in batch}
            for device, t in latest.items():
                await lane.tell(device, t)
            if life.closes is not None and not waiting:
                await lane.close(closes)
            await steps(lane, next(kills))
        for device in KINDS:
            await lane.tell(device, LONG_S + 60.0)
        await steps(lane, next(kills))
        await steps(lane, None)
        await hold_against(lane)
    finally:
        await lane.leave()
        await connection.close()


async def steps(lane: Lane, killed_before: int | None) -> None:
    """An assembler that is started, and works until it is killed or has nothing left to do."""
    assembler, own = await lane.assembler(killed_before)
    try:
        await assembler.step()
        await assembler.step()
    except Killed:
        pass
    finally:
        own.terminate()


async def hold_against(lane: Lane) -> None:
    rows = await lane.rows()
    expected = await lane.expected()
    assert rows.keys() == expected.keys()
    for i, row in rows.items():
        held = {name: repr(row[name]) for name in shot_rows.COLUMNS}
        assert held == {name: repr(value) for name, value in zip(shot_rows.COLUMNS, expected[i], strict=True)}
    told = await lane.told()
    assert {str(i): (row["revision"], row["result"]) for i, row in rows.items()} == {
        i: what for i, what in told.items() if UUID(i) in rows
    }
    await steps(lane, None)
    assert await lane.rows() == rows  # whoever starts anew writes nothing


def play(database_settings: ServiceSettings, life: Life) -> None:
    async def run() -> None:
        async with open_database(database_settings, application="test-restarts") as database:
            await live(database, life)

    asyncio.run(run())


@given(life=lives())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
def test_kills_between_any_two_statements_change_nothing(database_settings: ServiceSettings, life: Life) -> None:
    play(database_settings, life)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(life=lives())
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
def test_many_lives_with_kills_change_nothing(database_settings: ServiceSettings, life: Life) -> None:
    play(database_settings, life)
