"""A boot of the hub before the run, whose last shutdown stands after the wall clock of the run.

Its closed sessions span the whole run by the wall clock. They must stay as they are, and every arrow of the run must belong to the run.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import asyncpg

from drivers.clock.host import host_id, host_now
from drivers.clock.instant import Instant
from edge.common.postgres.boots import record_boot
from edge.operator.butt.layout import FaceRequest, faces_on_butt
from edge.operator.opening import NewSession, open_session
from edge.simulation.setup import range_devices, register_devices

BEGAN_BEFORE = timedelta(minutes=10)
SHUT_DOWN_AFTER = timedelta(days=40)
"""So far ahead that either clock may be wrong: the run is dated by its own clock, and compared with the truth."""
ARROWS = 3

_SHOTS = "select * from shots where session_id = any($1) order by id"
_SESSIONS = "select * from sessions where id = any($1) order by id"
_ORPHANS = "select * from orphans where session_id = any($1) order by id"

Rows = list[asyncpg.Record]


@dataclass
class EarlierBoot:
    """The sessions of the earlier boot, and their rows once the assembler has read them."""

    sessions: list[uuid.UUID]

    async def rows(self, connection: asyncpg.Connection[asyncpg.Record]) -> tuple[Rows, Rows, Rows]:
        """The sessions with their shots and orphans."""
        return (
            await connection.fetch(_SESSIONS, self.sessions),
            await connection.fetch(_SHOTS, self.sessions),
            await connection.fetch(_ORPHANS, self.sessions),
        )

    async def differences(self, connection: asyncpg.Connection[asyncpg.Record]) -> list[str]:
        """Violations of the promise that a closed session takes nothing of a later boot."""
        sessions, shots, orphans = await self.rows(connection)
        found = [f"wrong: session {row['id']} of the earlier boot is open" for row in sessions if row["is_opened"]]
        if len(shots) != ARROWS * len(self.sessions):
            found.append(f"wrong: the sessions of the earlier boot have {len(shots)} shots")
        found += [f"wrong: {row['result']} in the earlier boot" for row in shots if row["result"] != "hit"]
        found += [f"wrong: orphan {row['id']} in the earlier boot" for row in orphans]
        clock = await connection.fetchval("select clock from host_boots order by number desc limit 1")
        return found if clock == "behind" else [*found, f"wrong: the clock of the run counts as {clock}"]


async def boot_before(connection: asyncpg.Connection[asyncpg.Record], lanes: int) -> EarlierBoot:
    """Store a boot with a session of some arrows on each lane, closed before the hub was shut down."""
    now = host_now()
    boot_id = uuid4()
    start = Instant(now.at - BEGAN_BEFORE, 100_000_000_000, boot_id)
    closing = start.at_utc(now.at + SHUT_DOWN_AFTER - timedelta(minutes=1))
    end = start.at_utc(now.at + SHUT_DOWN_AFTER)
    await register_devices(connection, range_devices(lanes))
    for instant in (start, end):  # before this boot of the machine is recorded
        await record_boot(connection, host_id(), *instant.columns)
    sessions = []
    for lane in range(1, lanes + 1):
        width, height, faces = faces_on_butt([FaceRequest("wa_122")], 1280.0, 1280.0)
        new = NewSession(lane, start, "an earlier boot", False, 6, 60.0, 18.0, width, height, faces)
        sessions.append(await open_session(connection, new))
        for n in range(ARROWS):
            await _shoot(connection, lane, n, start.at_utc(now.at + timedelta(seconds=20.0 * n)))
        for device in (f"bow-{lane}", f"target-{lane}"):
            await connection.execute(
                """
                insert into device_status (device_id, state, since, watermark, watermark_mono_ns, watermark_host_boot_id, interval_s)
                values ($1, 'stopped', now(), $2, $3, $4, 1)
                """,
                device, *end.columns,
            )  # fmt: skip
    await connection.execute(
        """
        update sessions set is_opened = false, closing_time = $1, end_time = $1, closing_mono_ns = $2, closing_host_boot_id = $3
        where id = any($4)
        """,
        *closing.columns,
        sessions,
    )
    return EarlierBoot(sessions)


async def _shoot(connection: asyncpg.Connection[asyncpg.Record], lane: int, n: int, released: Instant) -> None:
    """Store a release and its landing."""
    tag = uuid4().hex
    landed = released.at_utc(released.at + timedelta(seconds=0.36))
    for device, kind, instant in ((f"bow-{lane}", "release", released), (f"target-{lane}", "landing", landed)):
        place = 640.0 if kind == "landing" else None
        await connection.execute(
            """
            insert into readings (device_id, stream_id, seq, kind, at, mono_ns, host_boot_id, uncertainty_s, received_at, source,
                                  tag, x_mm, y_mm)
            values ($1, $2, $3, $4, $5, $6, $7, 0.0005, $5, 'simulator', $8, $9, $9)
            """,
            device, uuid.uuid5(uuid.NAMESPACE_OID, f"{instant.host_boot_id} {device}"), n + 1, kind, *instant.columns, tag, place,
        )  # fmt: skip
