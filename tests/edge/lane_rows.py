"""One lane in a real database: its devices, a session, and readings as a sensor daemon stores them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from drivers.contract import DeviceKind, Source
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database

ARROW = uuid4()
BOOT = uuid4()
BUTT_MM = 1280.0
CENTRE_MM = 640.0
START = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
"""Start of the session ``OUTDOORS``."""


@dataclass(frozen=True)
class SessionSetup:
    """A session to be opened: when, where, and at which distance and 122 cm face."""

    start: datetime
    distance_m: int = 18
    location: str = "test"
    radii: Sequence[float] = (61.0, 122.0, 610.0)
    points: Sequence[int] = (10, 9, 1)


OUTDOORS = SessionSetup(START, 70, "Field 1", [61.0 * ring for ring in range(1, 11)], range(10, 0, -1))


def started_ago(seconds: float) -> SessionSetup:
    """A session at 18 m that started so many seconds before now."""
    return SessionSetup(datetime.now(UTC) - timedelta(seconds=seconds))


class LaneRows:
    """The rows of one lane. Instants are seconds since the start of its session."""

    def __init__(
        self,
        connection: Connection,
        session: SessionSetup,
        number: int = 1,
        *,
        devices: Mapping[str, str] | None = None,
        source: str = Source.SIMULATOR,
    ) -> None:
        self.connection = connection
        self.session = session
        self.start = session.start
        self.number = number
        self.devices = devices or {f"{kind}-{number}": kind for kind in (DeviceKind.BOW, DeviceKind.TARGET)}
        self.source = source
        self.bow, self.target = f"bow-{number}", f"target-{number}"
        self.streams = {device: uuid4() for device in self.devices}
        self.seqs = dict.fromkeys(self.devices, 0)
        self.session_id = uuid4()
        self.face_id = uuid4()

    def at(self, t: float) -> datetime:
        return self.start + timedelta(seconds=t)

    async def build(self) -> None:
        """Insert the devices, an arrow and the session."""
        await self.add_devices()
        await self.connection.execute(
            "insert into arrows (id, human_identifier, length, diameter) values ($1, 'A1', 70, 6) on conflict do nothing",
            ARROW,
        )
        await self.open_session()

    async def add_devices(self) -> None:
        """Insert the devices of the lane, all ready."""
        for device, kind in self.devices.items():
            await self.add_device(device, kind, self.number)
            await self.set_state(device, "ready")

    async def add_device(self, device: str, kind: str, lane: int) -> None:
        """Insert one device, on any lane, without a status."""
        await self.connection.execute(
            "insert into devices (id, kind, driver, lane) values ($1, $2, $2 || '.link', $3)", device, kind, lane
        )
        self.streams[device], self.seqs[device] = uuid4(), 0

    async def open_session(self) -> None:
        """Insert the session with a face in the middle of the butt."""
        await self.connection.execute(
            "insert into sessions (id, lane, start_time, location) values ($1, $2, $3, $4)",
            self.session_id, self.number, self.start, self.session.location,
        )  # fmt: skip
        target_id = await self.connection.fetchval(
            "insert into targets (session_id, max_x, max_y, distance) values ($1, $2, $2, $3) returning id",
            self.session_id, BUTT_MM, self.session.distance_m,
        )  # fmt: skip
        await self.connection.execute(
            """
            insert into faces (id, target_id, human_identifier, code, version, x, y, radii, points, x_radius)
            values ($1, $2, 'A', 'wa_122', 1, $3, $3, $4, $5, 30.5)
            """,
            self.face_id, target_id, CENTRE_MM, list(self.session.radii), list(self.session.points),
        )  # fmt: skip

    async def set_state(self, device: str, state: str) -> None:
        """Write the status of a device, as its daemon does; a minute later the device is silent."""
        await self.connection.execute(
            """
            insert into device_status (device_id, state, since, interval_s, source, battery_percent)
            values ($1, $2, now(), 20.0, $3, 87)
            on conflict (device_id) do update set state = excluded.state, since = now(), updated_at = clock_timestamp()
            """,
            device, state, self.source,
        )  # fmt: skip

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
            device, self.at(t),
        )  # fmt: skip

    async def add_reading(
        self, device: str, kind: str, t: float, on: Connection | None = None, **values: object
    ) -> int:
        """Store a reading of the arrow ``ARROW`` and return its number in the stream of the device.

        ``on`` is another connection, ``received`` the time of receipt.
        """
        self.seqs[device] += 1
        row: dict[str, object] = {
            "tag": None if kind == "tags" else ARROW.hex,
            "x_mm": None,
            "y_mm": None,
            "cause": None,
            "received": t,
            **values,
        }
        await (on or self.connection).execute(
            """
            insert into readings (device_id, stream_id, seq, kind, at, uncertainty_s, host_boot_id, received_at, source,
                                  tag, x_mm, y_mm, cause)
            values ($1, $2, $3, $4, $5, 0.0005, $6, $10, $11, $7, $8, $9, $12)
            """,
            device, self.streams[device], self.seqs[device], kind, self.at(t), BOOT,
            row["tag"], row["x_mm"], row["y_mm"], self.at(float(str(row["received"]))), self.source,
            row["cause"],
        )  # fmt: skip
        return self.seqs[device]

    async def shoot(self, t: float) -> None:
        """Store an engage and its release at ``t``."""
        await self.add_reading(self.bow, "engage", t - 2)
        await self.add_reading(self.bow, "release", t)

    async def land(self, t: float, x: float = CENTRE_MM, received: float | None = None) -> None:
        """Store a landing; ``received`` is the hub's time of receipt, ``t`` by default."""
        received = t if received is None else received
        await self.add_reading(self.target, "landing", t, x_mm=x, y_mm=CENTRE_MM, received=received)


async def build_lane(connection: Connection, session: SessionSetup, number: int = 1) -> LaneRows:
    """Return a lane with its devices and the open session."""
    lane = LaneRows(connection, session, number)
    await lane.build()
    return lane


@asynccontextmanager
async def stored_lane(database: Database, session: SessionSetup) -> AsyncIterator[LaneRows]:
    """Lane 1 on a connection of its own."""
    connection = await database.connect()
    try:
        yield await build_lane(connection, session)
    finally:
        await connection.close()
