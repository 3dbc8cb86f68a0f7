"""Arrows that are shot on a lane, each with a tag of its own, as its sensors report them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import CENTRE_MM, LaneRows, SessionSetup, started_ago

SESSION_S = 300.0
"""Age of a session: its shots lie in the past, and so do the watermarks behind them."""
SHAFT_MM = 5.5
APART_S = 10.0


@dataclass(frozen=True)
class Landing:
    """Where and when an arrow lands, seconds after its release; the place is that of its shaft's centre."""

    x: float = CENTRE_MM
    y: float = CENTRE_MM
    flight_s: float = 0.5


class Archer:
    """Shoots arrows on one lane, one after another."""

    def __init__(self, lane: LaneRows) -> None:
        self.lane = lane
        self._next_s = APART_S

    async def shoot(self, landing: Landing | None, label: str, engage_s: float = -2.0) -> UUID:
        """Shoot a new arrow; None for one that no target detects. Returns its id."""
        lane, arrow, released = self.lane, uuid4(), self._next_s
        self._next_s += APART_S
        await lane.connection.execute(
            "insert into arrows (id, human_identifier, length, diameter) values ($1, $2, 70, $3)",
            arrow,
            label,
            SHAFT_MM,
        )
        await lane.add_reading(lane.bow, "engage", released + engage_s, tag=arrow.hex)
        await lane.add_reading(lane.bow, "release", released, tag=arrow.hex)
        if landing is not None:
            await lane.add_reading(
                lane.target, "landing", released + landing.flight_s, tag=arrow.hex, x_mm=landing.x, y_mm=landing.y
            )
        return arrow

    async def step_back(self) -> None:
        """Let the devices report that nothing else happened until now."""
        await self.lane.set_watermarks(SESSION_S - 1)


async def archer_on(
    connection: Connection, number: int = 1, setup: SessionSetup | None = None, *, has_target: bool = True
) -> Archer:
    """Open a session at 18 m on a lane with a bow and a target."""
    lane = LaneRows(connection, setup or started_ago(SESSION_S), number)
    await lane.add_devices()
    await lane.open_session()
    if not has_target:
        await connection.execute("delete from targets where session_id = $1", lane.session_id)
    return Archer(lane)
