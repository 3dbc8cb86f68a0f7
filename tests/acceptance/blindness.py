"""When a simulated device was blind, and what a hub can then know of the truth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from tests.acceptance.simulated_range import Json, same_instant

WINDOW = timedelta(seconds=3)
"""A landing is waited for so long at 70 m."""
BOUNDARY = timedelta(milliseconds=5)
"""Instants are known to this: what begins or ends so close to a boundary may be judged either way."""


def simulators_log(database_dir: Path) -> list[Json]:
    """What the simulated devices said: reboots as they happened, and all faults counted at the end."""
    lines = (database_dir / "logs" / "simulators.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def reboots_of(said: Iterable[Json]) -> list[Json]:
    """The reboots among what the simulated devices said."""
    return [line for line in said if line["event"] == "reboot"]


def as_known(expected: Iterable[Json], rows: Sequence[asyncpg.Record], reboots: Iterable[Json]) -> list[Json]:
    """The truth as a hub can know it: a miss is unknown where the target was blind while that arrow could have landed."""
    blind = [
        (
            reboot["device"],
            datetime.fromisoformat(str(reboot["blind_from"])),
            datetime.fromisoformat(str(reboot["blind_until"])),
        )
        for reboot in reboots
    ]
    told: list[Json] = []
    for line in expected:
        released = datetime.fromisoformat(str(line["released_at"]))
        own = [(a, b) for device, a, b in blind if device == f"target-{line['lane']}"]
        surely = any(a < released + WINDOW - BOUNDARY and b > released + BOUNDARY for a, b in own)
        perhaps = any(a < released + WINDOW + BOUNDARY and b > released - BOUNDARY for a, b in own)
        stored = next((r["result"] for r in rows if same_instant(r["arrow_disengage_time"], line["released_at"])), None)
        unknown = line["result"] == "miss" and (surely or (perhaps and stored == "unknown"))
        told.append({**line, "result": "unknown"} if unknown else line)
    return told
