"""A lane in a real database: devices, a session, and readings as a sensor daemon would store them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from edge.common.postgres.connection import Connection

ARROW = uuid4()
BOOT = uuid4()


class LaneFloor:
    """One bow, one target, one open session that began ``ago_s`` seconds before now. Instants are seconds since then."""

    def __init__(self, connection: Connection, ago_s: float = 60.0) -> None:
        self.connection = connection
        self.zero = datetime.now(UTC) - timedelta(seconds=ago_s)
        self.streams = {"bow-1": uuid4(), "target-1": uuid4()}
        self.seqs = {"bow-1": 0, "target-1": 0}
        self.session_id: UUID | None = None

    def at(self, t: float) -> datetime:
        return self.zero + timedelta(seconds=t)

    async def build(self) -> None:
        for device, kind in (("bow-1", "bow"), ("target-1", "target")):
            await self.connection.execute(
                "insert into devices (id, kind, driver, lane) values ($1, $2, $3, 1)", device, kind, f"{kind}.link"
            )
        await self.connection.execute(
            "insert into arrows (id, human_identifier, length, diameter) values ($1, 'A1', 70, 6)", ARROW
        )
        self.session_id = await self.connection.fetchval(
            "insert into sessions (start_time, location) values ($1, 'test') returning id", self.zero
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

    async def sense(self, device: str, kind: str, t: float, on: Connection | None = None, **values: object) -> None:
        self.seqs[device] += 1
        row: dict[str, object] = {
            "tag": None if kind == "tags" else ARROW.hex,
            "x_mm": None,
            "y_mm": None,
            "told": t,
            **values,
        }
        await (on or self.connection).execute(
            """
            insert into readings (device_id, stream_id, seq, kind, at, uncertainty_s, host_boot_id, received_at, source,
                                  tag, x_mm, y_mm)
            values ($1, $2, $3, $4, $5, 0.0005, $6, $10, 'simulator', $7, $8, $9)
            """,
            device, self.streams[device], self.seqs[device], kind, self.at(t), BOOT,
            row["tag"], row["x_mm"], row["y_mm"], self.at(float(str(row["told"]))),
        )  # fmt: skip

    async def shoot(self, t: float) -> None:
        """Nock and release."""
        await self.sense("bow-1", "engage", t - 2)
        await self.sense("bow-1", "release", t)

    async def land(self, t: float, x: float = 640.0, told: float | None = None) -> None:
        """``told`` is when the hub heard of it, at once where it is left out."""
        await self.sense("target-1", "landing", t, x_mm=x, y_mm=640.0, told=t if told is None else told)

    async def told_until(self, t: float) -> None:
        """Both devices have told everything up to here."""
        for device in self.streams:
            await self.connection.execute(
                """
                insert into device_status (device_id, state, since, watermark, interval_s) values ($1, 'ready', now(), $2, 1)
                on conflict (device_id) do update set watermark = excluded.watermark
                """,
                device,
                self.at(t),
            )
