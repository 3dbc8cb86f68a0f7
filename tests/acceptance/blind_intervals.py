"""When a simulated device was blind, and what a hub can then know of the truth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from tests.acceptance.simulated_range import Json, connected, same_instant

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


def blind_times(reboots: Iterable[Json]) -> list[tuple[str, datetime, datetime]]:
    """Which device was blind, from when, until when."""
    return [
        (
            str(reboot["device"]),
            datetime.fromisoformat(str(reboot["blind_from"])),
            datetime.fromisoformat(str(reboot["blind_until"])),
        )
        for reboot in reboots
    ]


def as_known(expected: Iterable[Json], rows: Sequence[asyncpg.Record], reboots: Iterable[Json]) -> list[Json]:
    """The truth as a hub can know it: a miss is unknown where the target was blind while that arrow could have landed."""
    blind = blind_times(reboots)
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


async def untold(database_dir: Path, reboots: Sequence[Json]) -> list[str]:
    """The reboots that the database does not know of as times in which the device was blind, and those it made up."""
    async with connected(database_dir) as connection:
        gaps = await connection.fetch("select device_id, since, until, reason from device_gaps")
        closing = await connection.fetchval("select max(closing_time) from sessions")
    true = blind_times(reboots)
    missing = [
        f"{device} was blind from {since}"
        for device, since, until in true
        if until < closing
        and not any(
            gap["device_id"] == device and gap["since"] <= since + BOUNDARY and gap["until"] >= until - BOUNDARY
            for gap in gaps
        )
    ]
    invented = [
        f"{gap['device_id']} is said to have been blind from {gap['since']} to {gap['until']}"
        for gap in gaps
        if gap["reason"] == "the device was rebooting"
        and not any(
            gap["device_id"] == device
            and abs(gap["since"] - since) <= BOUNDARY
            and abs(gap["until"] - until) <= BOUNDARY
            for device, since, until in true
        )
    ]
    return missing + invented
