"""A shooting range as rows: what daemons and assembler would have written."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from edge.common.postgres.connection import Connection

START = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
BUTT_MM = 1280.0
CENTRE_MM = 640.0
WA_122 = [61.0 * ring for ring in range(1, 11)]
BOOT = uuid.UUID(int=7)


@dataclass
class LaneRows:
    """One lane with a bow, a target, a session and a 122 cm face in the middle of the butt."""

    connection: Connection
    lane: int = 1
    source: str = "simulator"
    session_id: uuid.UUID = field(default_factory=uuid.uuid4)
    face_id: uuid.UUID = field(default_factory=uuid.uuid4)
    stream_id: uuid.UUID = field(default_factory=uuid.uuid4)
    shots: int = 0

    @property
    def bow(self) -> str:
        """The bow's device id."""
        return f"bow-{self.lane}"

    async def add_devices(self) -> None:
        """Bow and target, both ready."""
        for kind in ("bow", "target"):
            device = f"{kind}-{self.lane}"
            await self.connection.execute(
                "insert into devices (id, kind, driver, lane) values ($1, $2, $2 || '.link', $3)",
                device,
                kind,
                self.lane,
            )
            await self.set_state(device, "ready")

    async def set_state(self, device: str, state: str) -> None:
        """Write one device status, as a daemon does; a minute later the device is silent."""
        await self.connection.execute(
            """insert into device_status (device_id, state, since, interval_s, source, battery_percent)
            values ($1, $2, now(), 20.0, $3, 87)
            on conflict (device_id) do update set state = excluded.state, since = now(), updated_at = clock_timestamp()""",
            device,
            state,
            self.source,
        )

    async def open_session(self) -> None:
        """A session at 70 m."""
        await self.connection.execute(
            "insert into sessions (id, lane, start_time, location) values ($1, $2, $3, 'Field 1')",
            self.session_id,
            self.lane,
            START,
        )
        target_id = await self.connection.fetchval(
            "insert into targets (session_id, max_x, max_y, distance) values ($1, $2, $2, 70) returning id",
            self.session_id,
            BUTT_MM,
        )
        await self.connection.execute(
            """insert into faces (id, target_id, human_identifier, code, version, x, y, radii, points, x_radius)
            values ($1, $2, 'A', 'wa_122', 1, $3, $3, $4, $5, 30.5)""",
            self.face_id,
            target_id,
            CENTRE_MM,
            WA_122,
            list(range(10, 0, -1)),
        )

    async def shoot(
        self,
        x: float | None = CENTRE_MM,
        y: float | None = CENTRE_MM,
        points: int | None = 10,
        *,
        result: str = "hit",
        is_x: bool = False,
        connection: Connection | None = None,
    ) -> uuid.UUID:
        """One release each 30 s, and the shot made of it."""
        to = connection or self.connection
        self.shots += 1
        shot_id = uuid.uuid4()
        released = START + timedelta(seconds=30 * self.shots)
        flight = 1.25 if x is not None else None
        await to.execute(
            """insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)
            values ($1, $2, $3, 'release', $4, $5, $4, $6)""",
            self.bow,
            self.stream_id,
            self.shots,
            released,
            BOOT,
            self.source,
        )
        await to.execute(
            """insert into shots (id, session_id, lane, end_number, arrow_engage_time, arrow_disengage_time,
                arrow_landing_time, x, y, result, points, is_x, face_id, face_version, rule_version, time_source,
                tof_s, speed_mps, release_device_id, release_stream_id, release_seq)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, 1, 'both', $14, $15, $16, $17, $18)""",
            shot_id,
            self.session_id,
            self.lane,
            (self.shots - 1) // 6 + 1,
            released - timedelta(seconds=4),
            released,
            released + timedelta(seconds=flight) if flight else None,
            x,
            y,
            result,
            points,
            is_x,
            self.face_id if result == "hit" else None,
            flight,
            70 / flight if flight else None,
            self.bow,
            self.stream_id,
            self.shots,
        )
        return shot_id

    async def revise(
        self, shot_id: uuid.UUID, x: float | None, y: float | None, points: int | None, result: str
    ) -> None:
        """The assembler knows better now."""
        await self.connection.execute(
            """update shots set x = $2, y = $3, points = $4, result = $5, revision = revision + 1,
                arrow_landing_time = case when $2::float8 is null then null else arrow_disengage_time + interval '1.3 s' end,
                tof_s = case when $2::float8 is null then null else 1.3 end,
                flags = case when $5 = 'void' then '{superseded}'::text[] else flags end,
                void_reason = case when $5 = 'void' then 'no longer results from the readings' end
            where id = $1""",
            shot_id,
            x,
            y,
            points,
            result,
        )

    async def lose(self, x: float | None, y: float | None) -> uuid.UUID:
        """A landing that no release explains."""
        orphan_id = uuid.uuid4()
        self.shots += 1
        await self.connection.execute(
            """insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source, x_mm, y_mm)
            values ($1, $2, $3, 'landing', $4, $5, $4, $6, $7, $8)""",
            f"target-{self.lane}",
            self.stream_id,
            self.shots,
            START + timedelta(seconds=30 * self.shots),
            BOOT,
            self.source,
            x,
            y,
        )
        await self.connection.execute(
            """insert into orphans (id, session_id, lane, device_id, stream_id, seq, status)
            values ($1, $2, $3, $4, $5, $6, 'open')""",
            orphan_id,
            self.session_id,
            self.lane,
            f"target-{self.lane}",
            self.stream_id,
            self.shots,
        )
        return orphan_id
