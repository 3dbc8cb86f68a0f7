"""The assembler on a real database, killed before any of its statements: the tables end up as without the kill."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.vocabulary import Flag
from edge.shots.assembler import Assembler
from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.timeline import BlindInterval
from edge.shots.store.context import load_snapshot
from edge.shots.store.results import COLUMNS, Values, values_of
from edge.shots.store.shares import SHARES
from tests.edge.lane_rows import LaneRows, started_ago
from tests.edge.shots.assembly.histories import (
    BOWS,
    GAPS,
    LONG_S,
    QUIVER,
    SCANNER,
    TARGET,
    any_readings,
    arrivals,
    sound_history,
)

LANES = itertools.count(1)
KINDS = dict.fromkeys(BOWS, "bow") | {TARGET: "target", SCANNER: "arrow"}
EXAMPLES = 5
MANY = 150


@dataclass(frozen=True)
class LaneHistory:
    """The events of a lane, and the kills of its assembler."""

    arrived: Sequence[TimedReading]
    sizes: Sequence[int]
    """Numbers of readings that are stored together, in a cycle."""
    kills: Sequence[int | None]
    """Statements of a step before which the assembler is killed, None for no kill, in a cycle."""
    blind: Sequence[BlindInterval]
    closes: float | None


@st.composite
def lane_histories(draw: st.DrawFn) -> LaneHistory:
    """Arbitrary or realistic readings, in any order of arrival."""
    readings = draw(any_readings(least=5, most=25) | sound_history().map(lambda sound: sound[0].readings))
    return LaneHistory(
        draw(arrivals(readings)),
        draw(st.lists(st.integers(1, 12), min_size=1, max_size=5)),
        draw(st.lists(st.none() | st.integers(1, 45), min_size=1, max_size=6)),
        draw(GAPS),
        draw(st.none() | st.floats(20.0, LONG_S)),
    )


class Killed(Exception):
    """The assembler was killed."""


class DyingConnection:
    """A connection whose owner is killed before one of its statements."""

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


class RestartLane(LaneRows):
    """A lane of its own in a shared database, an hour ago, with the arrows of the generated histories."""

    def __init__(self, connection: Connection, database: Database) -> None:
        number = next(LANES)
        devices = {f"l{number}-{device}": kind for device, kind in KINDS.items()}
        super().__init__(connection, started_ago(3600.0), number, devices=devices)
        self._database = database

    def name(self, device: str) -> str:
        return f"l{self.number}-{device}"

    async def build(self) -> None:
        await self.connection.executemany(
            """
            insert into arrows (id, human_identifier, length, is_active, voided_date)
            values ($1, $2, 70, $3, case when $3 then null else now() - interval '2 h' end) on conflict do nothing
            """,
            [(arrow, f"Q{number}", number != 2) for number, arrow in enumerate(QUIVER)],
        )
        await super().build()

    async def store(self, readings: Sequence[TimedReading]) -> None:
        await self.connection.executemany(
            """
            insert into readings (device_id, stream_id, seq, kind, at, uncertainty_s, host_boot_id, received_at, source,
                                  tag, tags, x_mm, y_mm, rssi_dbm, cause)
            values ($1, $2, $3, $4, $5, $6, $2, $13, 'simulator', $7, $8, $9, $10, $11, $12)
            """,
            [
                (
                    self.name(r.key.device_id), r.key.stream_id, r.key.seq, r.kind, self.at(r.t), r.error_s, r.tag,
                    r.tags, r.x, r.y, r.rssi, r.cause, self.at(r.received),
                )
                for r in readings
            ],
        )  # fmt: skip

    async def store_gaps(self, gaps: Sequence[BlindInterval]) -> None:
        await self.connection.executemany(
            """
            insert into device_gaps (device_id, stream_id, since, until, reason) values ($1, gen_random_uuid(), $2, $3, 'test')
            """,
            [(self.name(g.device_id), self.at(g.since), self.at(g.until)) for g in gaps],
        )

    async def request_close(self, t: float) -> None:
        await self.connection.execute(
            "update sessions set closing_time = $2 where id = $1", self.session_id, self.at(t)
        )

    async def retire(self) -> None:
        """Move the session out of the way of the next example."""
        await self.connection.execute(
            """
            update sessions set is_opened = false, start_time = start_time - interval '3 d', closing_time = null,
                end_time = now() - interval '2 d' where id = $1
            """,
            self.session_id,
        )

    async def assembler(self, killed_before: int | None = None) -> tuple[Assembler, Connection]:
        connection = await self._database.connect()
        used = connection if killed_before is None else cast("Connection", DyingConnection(connection, killed_before))
        return Assembler(used, range(SHARES)), connection

    async def rows(self) -> dict[UUID, asyncpg.Record]:
        """The shots that were not superseded."""
        found = await self.connection.fetch(
            "select * from shots where session_id = $1 and $2 <> all(flags)", self.session_id, Flag.SUPERSEDED
        )
        return {row["id"]: row for row in found}

    async def expected(self) -> dict[UUID, Values]:
        """The shots that one uninterrupted computation gives."""
        snapshot = await load_snapshot(self.connection, self.session_id)
        assert snapshot is not None
        found = assemble(snapshot.readings, snapshot.context)
        return {shot.id: values_of(shot) for shot in found.shots}

    async def published(self) -> dict[str, tuple[int, str]]:
        """The number of events of each shot, and the result in the last one."""
        rows = await self.connection.fetch(
            """
            select data ->> 'id' as id, count(*) as count, (array_agg(data ->> 'result' order by id desc))[1] as last
            from events where type like 'shot.%' and lane = $1 group by 1
            """,
            self.number,
        )
        return {row["id"]: (row["count"], row["last"]) for row in rows}


async def run_history(database: Database, history: LaneHistory) -> None:
    """Play a history to its end and compare the tables with one uninterrupted computation."""
    connection = await database.connect()
    lane = RestartLane(connection, database)
    try:
        await lane.build()
        await lane.store_gaps(history.blind)
        waiting, sizes, kills = list(history.arrived), itertools.cycle(history.sizes), itertools.cycle(history.kills)
        closes = LONG_S if history.closes is None else history.closes
        while waiting:
            size = next(sizes)
            batch, waiting = waiting[:size], waiting[size:]
            async with connection.transaction():
                await lane.store(batch)
            latest = {r.key.device_id: r.t for r in batch}
            for device, t in latest.items():
                await lane.set_watermark(lane.name(device), t)
            if history.closes is not None and not waiting:
                await lane.request_close(closes)
            await steps(lane, next(kills))
        await lane.set_watermarks(LONG_S + 60.0)
        await steps(lane, next(kills))
        await steps(lane, None)
        await check_tables(lane)
    finally:
        await lane.retire()
        await connection.close()


async def steps(lane: RestartLane, killed_before: int | None) -> None:
    """Start an assembler and run two steps, or until it is killed."""
    assembler, connection = await lane.assembler(killed_before)
    try:
        await assembler.step()
        await assembler.step()
    except Killed:
        pass
    finally:
        connection.terminate()


def as_stored(value: object) -> object:
    """A value as the database returns it: enums are text."""
    if isinstance(value, list):
        return [as_stored(item) for item in value]
    return str(value) if isinstance(value, str) else value


async def check_tables(lane: RestartLane) -> None:
    rows = await lane.rows()
    expected = await lane.expected()
    assert rows.keys() == expected.keys()
    for i, row in rows.items():
        held = {name: repr(row[name]) for name in COLUMNS}
        assert held == {name: repr(as_stored(value)) for name, value in zip(COLUMNS, expected[i], strict=True)}
    published = await lane.published()
    assert {str(i): (row["revision"], row["result"]) for i, row in rows.items()} == {
        i: last for i, last in published.items() if UUID(i) in rows
    }
    await steps(lane, None)
    assert await lane.rows() == rows  # a new start writes nothing


def play(database_settings: ServiceSettings, history: LaneHistory) -> None:
    async def run() -> None:
        async with open_database(database_settings, application="test-restarts") as database:
            await run_history(database, history)

    asyncio.run(run())


@given(history=lane_histories())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
def test_kills_between_any_two_statements_change_nothing(
    database_settings: ServiceSettings, history: LaneHistory
) -> None:
    play(database_settings, history)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(history=lane_histories())
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
def test_many_kills_change_nothing(database_settings: ServiceSettings, history: LaneHistory) -> None:
    play(database_settings, history)
