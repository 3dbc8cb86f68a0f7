"""Blind intervals of simulated devices, and the part of the truth that a hub can know in spite of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from edge.common.vocabulary import Result
from simulators.process import ProcessEvent
from tests.acceptance.simulated_range import Json, connected, same_instant

WINDOW = timedelta(seconds=3)
"""Landing window at 70 m."""
BOUNDARY = timedelta(milliseconds=5)
"""Accuracy of instants: an interval that begins or ends this close to a window's boundary may be judged either way."""


def simulators_log(database_dir: Path) -> list[Json]:
    """The log of the simulated devices: each reboot, and the count of all faults at the end."""
    lines = (database_dir / "logs" / "simulators.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def reboots_of(log: Iterable[Json]) -> list[Json]:
    """The reboots in the log of the simulated devices."""
    return [line for line in log if line["event"] == ProcessEvent.REBOOT]


def blind_intervals(reboots: Iterable[Json]) -> list[tuple[str, datetime, datetime]]:
    """The blind intervals: device, start, end."""
    return [
        (
            str(reboot["device"]),
            datetime.fromisoformat(str(reboot["blind_from"])),
            datetime.fromisoformat(str(reboot["blind_until"])),
        )
        for reboot in reboots
    ]


def as_known(expected: Iterable[Json], rows: Sequence[asyncpg.Record], reboots: Iterable[Json]) -> list[Json]:
    """The truth as a hub can know it.

    A miss is unknown when the target was blind within its landing window, a let-down when the target was blind before the
    arrow was nocked again.
    """
    blind = blind_intervals(reboots)
    truth = list(expected)
    known: list[Json] = []
    for line in truth:
        released = datetime.fromisoformat(str(line["released_at"]))
        until = released + WINDOW
        if line["result"] == Result.NOT_SHOT:
            until = min((e for e in _nockings(truth, line) if e > released), default=until)
        own = [(a, b) for device, a, b in blind if device == f"target-{line['lane']}"]
        certain = any(a < until - BOUNDARY and b > released + BOUNDARY for a, b in own)
        possible = any(a < until + BOUNDARY and b > released - BOUNDARY for a, b in own)
        stored = next((r["result"] for r in rows if same_instant(r["arrow_disengage_time"], line["released_at"])), None)
        is_open = line["result"] in (Result.MISS, Result.NOT_SHOT)
        unknown = is_open and (certain or (possible and stored == Result.UNKNOWN))
        known.append({**line, "result": Result.UNKNOWN} if unknown else line)
    return known


def _nockings(truth: Iterable[Json], line: Json) -> list[datetime]:
    """The nockings of the arrow of a line."""
    own = (other for other in truth if other["arrow_id"] == line["arrow_id"] and other["lane"] == line["lane"])
    return [datetime.fromisoformat(str(other["engaged_at"])) for other in own if other["engaged_at"]]


async def gap_errors(database_dir: Path, reboots: Sequence[Json]) -> list[str]:
    """Reboots without a stored gap of the device, and stored gaps without a reboot."""
    async with connected(database_dir) as connection:
        gaps = await connection.fetch("select device_id, since, until, reason from device_gaps")
        closing = await connection.fetchval("select max(closing_time) from sessions")
    true = blind_intervals(reboots)
    missing = [
        f"{device} was blind from {since} without a stored gap"
        for device, since, until in true
        if until < closing
        and not any(
            gap["device_id"] == device and gap["since"] <= since + BOUNDARY and gap["until"] >= until - BOUNDARY
            for gap in gaps
        )
    ]
    invented = [
        f"{gap['device_id']} has a gap without a reboot from {gap['since']} to {gap['until']}"
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
