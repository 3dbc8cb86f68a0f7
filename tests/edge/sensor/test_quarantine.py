"""Bad rows are found and quarantined in a real database; the others are stored in order."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import DeviceKind, Reading
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from edge.common.vocabulary import ReportKind
from edge.sensor.quarantine import BatchResult, store_or_quarantine
from edge.sensor.queue.inbox import Storable
from edge.sensor.store import Device, SensorStore
from tests.edge.sensor.reports import BOOT, STREAM, clock, reading, start
from tests.test_project import ROOT

DEVICE = Device("bow-1", DeviceKind.BOW, "bow.link", 1, 1.0)


@dataclass(frozen=True)
class Stored:
    connection: Connection
    store: SensorStore

    async def put(self, batch: Sequence[Storable]) -> BatchResult:
        write = partial(self.store.write, last_watermark=None)
        return await store_or_quarantine(batch, write, self.store.quarantine)

    async def seqs(self) -> list[int]:
        rows = await self.connection.fetch("select seq from readings order by xid, seq")
        return [row["seq"] for row in rows]


@pytest.fixture
async def stored(database_settings: ServiceSettings) -> AsyncIterator[Stored]:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        store = SensorStore(connection, DEVICE)
        await store.register()
        yield Stored(connection, store)
        await connection.close()


async def test_bad_row_does_not_hide_the_boot_of_the_others(stored: Stored) -> None:
    """The start of a stream makes the batch a transaction, and the bad row ends that."""
    await stored.put([start(), reading(1), reading(0), reading(2)])
    assert await stored.seqs() == [1, 2]
    assert await stored.connection.fetchval("select count(*) from host_boots where host_boot_id = $1", BOOT) == 1


async def test_bad_rows_are_quarantined_and_the_others_stored(stored: Stored) -> None:
    bad = {5: reading(5, reason="a\0b"), 9: reading(9, rssi_dbm=40_000), 16: reading(0)}
    batch = [bad.get(seq, reading(seq)) for seq in range(1, 17)]
    result = await stored.put(batch)
    good = [seq for seq in range(1, 17) if seq not in bad]
    assert await stored.seqs() == good
    assert cast("list[Reading]", result.stored) == [reading(seq) for seq in good]
    assert result.quarantined == [bad[5], bad[9], bad[16]]
    rows = await stored.connection.fetch("select * from quarantine order by id")
    assert [(row["device_id"], row["kind"], row["stream_id"], int(row["seq"])) for row in rows] == [
        ("bow-1", "reading", STREAM, seq) for seq in (5, 9, 0)
    ]
    assert [row["sqlstate"] for row in rows] == ["22021", "22000", "23514"]
    assert "readings_seq_check" in rows[2]["reason"]
    assert json.loads(rows[1]["row"])["rssi_dbm"] == 40_000
    assert json.loads(rows[0]["row"])["reason"] == "a\N{REPLACEMENT CHARACTER}b"


async def test_bad_clock_is_quarantined_once(stored: Stored) -> None:
    for _ in range(2):
        result = await stored.put([clock(ticks_us=2**64 - 1), reading(1), reading(2)])
        assert result.quarantined == [clock(ticks_us=2**64 - 1)]
    assert await stored.seqs() == [1, 2]
    assert await stored.connection.fetchval("select count(*) from quarantine") == 1


async def test_other_database_errors_quarantine_nothing(stored: Stored) -> None:
    await stored.connection.execute("alter table readings rename to away")
    with pytest.raises(asyncpg.UndefinedTableError):
        await stored.put([reading(1), reading(2)])
    assert await stored.connection.fetchval("select count(*) from quarantine") == 0
    await stored.connection.execute("alter table away rename to readings")
    await stored.connection.execute("delete from devices")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await stored.put([reading(1), reading(2)])
    assert await stored.connection.fetchval("select count(*) from quarantine") == 0


async def test_stored_runs_include_settled_rows(stored: Stored) -> None:
    await stored.put([reading(seq) for seq in (1, 2, 3, 5, 6, 9)])
    assert sorted(await stored.store.stored_runs(STREAM)) == [(1, 3), (5, 6), (9, 9)]
    await stored.put([reading(4, reason="\0")])
    assert sorted(await stored.store.stored_runs(STREAM)) == [(1, 3), (5, 6), (9, 9)]
    await stored.connection.execute("update quarantine set settled_at = now()")
    assert sorted(await stored.store.stored_runs(STREAM)) == [(1, 6), (9, 9)]


async def test_role_of_the_daemon_may_quarantine(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test", role=Role.SENSOR) as database:
        connection = await database.connect()
        store = SensorStore(connection, DEVICE)
        await store.register()
        result = await Stored(connection, store).put([reading(1), reading(2, reason="\0"), reading(3)])
        assert result.quarantined == [reading(2, reason="\0")]
        assert await store.stored_runs(STREAM) in ([(1, 1), (3, 3)], [(3, 3), (1, 1)])
        await connection.close()


async def test_statement_in_the_spool_page_works(stored: Stored) -> None:
    await stored.connection.execute(
        """
        insert into device_status (device_id, state, since, interval_s, spool_rows, spool_bytes, spool_error)
        values ('bow-1', 'ready', now(), 1, 7, 4096, 'the disk is full')
        """
    )
    (statement,) = re.findall(r'-c "([^"]+)"', (ROOT / "docs" / "hub" / "spool.md").read_text())
    rows = await stored.connection.fetch(statement)
    assert [tuple(row) for row in rows] == [("bow-1", 7, 4096, None, "the disk is full")]


async def test_each_kind_of_report_may_be_quarantined(stored: Stored) -> None:
    for report in (reading(1), start(), clock()):
        await stored.store.quarantine(report, "refused", "23514")
    rows = await stored.connection.fetch("select kind from quarantine")
    assert {row["kind"] for row in rows} == set(ReportKind)


async def test_settled_rows_of_the_given_streams_are_returned(stored: Stored) -> None:
    await stored.put([reading(seq, reason="\0") for seq in (1, 2, 3)])
    assert await stored.store.settled([STREAM]) == []
    await stored.connection.execute("update quarantine set settled_at = now() where seq > 1")
    await stored.connection.execute(
        """
        insert into quarantine (device_id, kind, stream_id, seq, row, reason, sqlstate, settled_at)
        select 'bow-1', kind, $1, seq, '{}', '', '', now()
        from (values ('start', 0), ('clock', 0), ('reading', 1e30)) other (kind, seq)
        """,
        STREAM,
    )
    assert set(await stored.store.settled([STREAM])) == {(STREAM, 2), (STREAM, 3), (STREAM, None)}
    assert await stored.store.settled([BOOT]) == []


@given(count=st.integers(0, 40), bad=st.sets(st.integers(1, 40)))
async def test_exactly_the_bad_rows_are_quarantined(count: int, bad: set[int]) -> None:
    written, quarantined = list[int](), list[int]()

    async def write(part: list[Storable]) -> None:
        seqs = [report.seq for report in part if isinstance(report, Reading)]
        if bad & set(seqs):
            raise asyncpg.CheckViolationError("bad")
        written.extend(seqs)

    async def quarantine(report: Storable, reason: str, sqlstate: str) -> None:
        assert isinstance(report, Reading)
        assert (reason, sqlstate) == ("bad", "23514")
        quarantined.append(report.seq)

    await store_or_quarantine([reading(seq) for seq in range(1, count + 1)], write, quarantine)
    assert written == [seq for seq in range(1, count + 1) if seq not in bad]
    assert quarantined == sorted(bad & set(range(1, count + 1)))
