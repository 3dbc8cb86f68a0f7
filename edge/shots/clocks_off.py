"""Bows whose clock is so far from the target's that their flights cannot be timed: found in the shots, told with the device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from edge.common.postgres.connection import Connection
from edge.shots.assembly.model import SessionContext
from edge.shots.assembly.shot import Shot

LAST = 3
OFF = 2
"""So many of the last three timed or untimed flights: one odd shot is no alarm."""


def bows_off(shots: Sequence[Shot]) -> frozenset[str]:
    """The bows whose clock is off by their last shots; ``shots`` in order of shooting. Pure."""
    flown: dict[str, list[bool]] = defaultdict(list)
    for shot in shots:
        is_off = "clock" in shot.flags
        if shot.release is not None and (is_off or shot.tof_s is not None):
            flown[shot.release.device_id].append(is_off)
    return frozenset(bow for bow, offs in flown.items() if sum(offs[-LAST:]) >= OFF)


async def tell_clocks_off(connection: Connection, context: SessionContext, off: frozenset[str]) -> None:
    """Make the status of the bows that are on the lane say it. A row that says so already is left to its daemon."""
    await connection.execute(
        """
        update device_status set clock_off = device_id = any($2)
        where device_id = any($1) and clock_off <> (device_id = any($2))
        """,
        sorted(context.on_lane(context.bows, context.now, context.now)),
        sorted(off),
    )
