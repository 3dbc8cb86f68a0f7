"""One lane in a real database: its devices, a session, and readings as a sensor daemon stores them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role
from edge.shots.service import run_shots

ARROW = uuid4()
BOOT = uuid4()
DEVICES: Mapping[str, str] = {"bow-1": "bow", "target-1": "target"}


class StoredLane:
    """A lane with an open session that began ``ago_s`` seconds before now. Instants are seconds since then."""

    def __init__(
        self, connection: Connection, ago_s: float = 60.0, number: int = 1, devices: Mapping[str, str] = DEVICES
    ) -> None:
        self.connection = connection
        self.number = number
        self.devices = devices
        self.zero = datetime.now(UTC) - timedelta(seconds=ago_s)
        self.streams = {device: uuid4() for device in devices}
        self.seqs = dict.fromkeys(devices, 0)
        self.session_id: UUID | None = None

    def at(self, t: float) -> datetime:
        return self.zero + timedelta(seconds=t)

    async def build(self) -> None:
        """Insert the devices, an arrow, and a session with a 122 cm face at 18 m."""
        await self.connection.executemany(
            "insert into devices (id, kind, driver, lane) values ($1, $2, $2 || '.link', $3)",
            [(device, kind, self.number) for device, kind in self.devices.items()],
        )
        await self.connection.execute(
            "insert into arrows (id, human_identifier, length, diameter) values ($1, 'A1', 70, 6) on conflict do nothing",
            ARROW,
        )
        self.session_id = await self.connection.fetchval(
            "insert into sessions (lane, start_time, location) values ($1, $2, 'test') returning id",
            self.number,
            self.zero,
        )
        target = await self.connection.fetchval(
            "insert into targets (session_id, max_x, max_y, distance) values ($1, 1280, 1280, 18) returning id",
            self.session_id,
        )
        await self.connection.execute(
            """
            insert into faces (target_id, human_identifier, code, version, x, y, radii, points, x_radius)
            values ($1, 'A', 'wa_122', 1, 640, 640, '{61,122,610}', '{10,9,1}', 30.5)
            """,
            target,
        )

    async def add_device(self, device: str, kind: str, lane: int) -> None:
        """Insert another device, on any lane."""
        await self.connection.execute(
            "insert into devices (id, kind, driver, lane) values ($1, $2, $2 || '.link', $3)", device, kind, lane
        )
        self.streams[device], self.seqs[device] = uuid4(), 0

    async def add_reading(
        self, device: str, kind: str, t: float, on: Connection | None = None, **values: object
    ) -> None:
        """Store a reading of the arrow ``ARROW``; ``on`` is another connection, ``received`` the time of receipt."""
        self.seqs[device] += 1
        row: dict[str, object] = {
            "tag": None if kind == "tags" else ARROW.hex,
            "x_mm": None,
            "y_mm": None,
            "received": t,
            **values,
        }
        await (on or self.connection).execute(
            """
            insert into readings (device_id, stream_id, seq, kind, at, uncertainty_s, host_boot_id, received_at, source,
                                  tag, x_mm, y_mm)
            values ($1, $2, $3, $4, $5, 0.0005, $6, $10, 'simulator', $7, $8, $9)
            """,
            device, self.streams[device], self.seqs[device], kind, self.at(t), BOOT,
            row["tag"], row["x_mm"], row["y_mm"], self.at(float(str(row["received"]))),
        )  # fmt: skip

    async def shoot(self, t: float) -> None:
        """Store an engage and its release at ``t``."""
        await self.add_reading("bow-1", "engage", t - 2)
        await self.add_reading("bow-1", "release", t)

    async def land(self, t: float, x: float = 640.0, received: float | None = None) -> None:
        """Store a landing; ``received`` is the hub's time of receipt, ``t`` by default."""
        received = t if received is None else received
        await self.add_reading("target-1", "landing", t, x_mm=x, y_mm=640.0, received=received)

    async def set_watermarks(self, t: float) -> None:
        """Set the watermark of every device of the lane."""
        for device in self.streams:
            await self.set_watermark(device, t)

    async def set_watermark(self, device: str, t: float) -> None:
        await self.connection.execute(
            """
            insert into device_status (device_id, state, since, watermark, interval_s) values ($1, 'ready', now(), $2, 1)
            on conflict (device_id) do update set watermark = excluded.watermark
            """,
            device,
            self.at(t),
        )


@asynccontextmanager
async def stored_lane(database: Database, ago_s: float = 60.0) -> AsyncIterator[StoredLane]:
    """A lane in a fresh database, on a connection of its own."""
    connection = await database.connect()
    lane = StoredLane(connection, ago_s)
    await lane.build()
    yield lane
    await connection.close()


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


async def until(lane: StoredLane, condition: str, within_s: float = 30.0) -> None:
    """Wait until a condition of SQL holds, with a deadline."""
    async with asyncio.timeout(within_s):
        while not await lane.connection.fetchval(f"select {condition}"):
            await asyncio.sleep(0.01)
