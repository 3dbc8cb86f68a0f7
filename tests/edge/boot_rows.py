"""Boots of one hub in a real database: its clocks, and readings that a boot stores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from drivers.clock.instant import Instant
from edge.operator.butt.layout import FaceRequest, faces_on_butt
from edge.operator.opening import NewSession, open_session
from tests.edge.lane_rows import ARROW, BUTT_MM, CENTRE_MM, LaneRows

HOST = uuid4()


@dataclass
class HubBoot:
    """One boot of a hub: its wall clock at the start of its monotonic clock."""

    lane: LaneRows
    zero: datetime
    boot_id: UUID
    host_id: UUID | None = HOST

    def at(self, uptime_s: float) -> Instant:
        """The instant so many seconds after the boot, as this boot's clocks show it."""
        return Instant(self.zero + timedelta(seconds=uptime_s), round(uptime_s * 1e9), self.boot_id)

    async def record(self, uptime_s: float) -> None:
        """Record the clocks, as a daemon of this boot does."""
        now = self.at(uptime_s)
        await self.lane.connection.execute(
            "update host_boots set at = $2, mono_ns = $3 where host_boot_id = $1", self.boot_id, now.at, now.mono_ns
        )
        await self.lane.connection.execute(
            """
            insert into host_boots (host_boot_id, host_id, recorded_by, first_at, first_clock_ns, at, mono_ns)
            values ($1, $2, $1, $3, $4, $3, $4) on conflict do nothing
            """,
            self.boot_id, self.host_id, now.at, now.mono_ns,
        )  # fmt: skip

    async def store(self, device: str, kind: str, uptime_s: float, tag: str | None = None) -> None:
        """Store a reading of this boot."""
        lane, now = self.lane, self.at(uptime_s)
        lane.seqs[device] += 1
        place = CENTRE_MM if kind == "landing" else None
        await lane.connection.execute(
            """
            insert into readings (device_id, stream_id, seq, kind, at, mono_ns, host_boot_id, uncertainty_s, received_at, source,
                                  tag, x_mm, y_mm)
            values ($1, $2, $3, $4, $5, $6, $7, 0.0005, $5, $8, $9, $10, $10)
            """,
            device, lane.streams[device], lane.seqs[device], kind, *now.columns, lane.source, tag or ARROW.hex, place,
        )  # fmt: skip

    async def shoot(self, uptime_s: float) -> None:
        """Store an arrow that is nocked, released and lands."""
        await self.store(self.lane.bow, "engage", uptime_s - 2)
        await self.store(self.lane.bow, "release", uptime_s)
        await self.store(self.lane.target, "landing", uptime_s + 0.36)

    async def set_watermarks(self, uptime_s: float) -> None:
        """Set the watermark of every device of the lane."""
        await self.lane.connection.execute(
            "update device_status set watermark = $1, watermark_mono_ns = $2, watermark_host_boot_id = $3",
            *self.at(uptime_s).columns,
        )


def hub_boot(lane: LaneRows, zero: datetime, host_id: UUID | None = HOST) -> HubBoot:
    """A boot that is not recorded yet."""
    return HubBoot(lane, zero, uuid4(), host_id)


async def open_in(boot: HubBoot, start: Instant) -> UUID:
    """Open a session with one face on the lane, as the command does; returns its id."""
    width, height, faces = faces_on_butt([FaceRequest("wa_122")], BUTT_MM, BUTT_MM)
    new = NewSession(boot.lane.number, start, "here", False, 6, 60.0, 18.0, width, height, faces)
    return await open_session(boot.lane.connection, new)
