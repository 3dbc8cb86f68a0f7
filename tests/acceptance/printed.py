"""Comparison of the lines that a range printed with the shots in its database."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from edge.common.vocabulary import Result
from edge.simulation.follower import RangeEvent
from tests.acceptance.simulated_range import SimulatedRange


def print_errors(running: SimulatedRange, rows: Sequence[asyncpg.Record]) -> list[str]:
    """Differences between the printed lines and the counting shots: one first line each, and a last line equal to the row."""
    last = {line["id"]: line for line in running.lines if line["event"] in (RangeEvent.SHOT, RangeEvent.REVISION)}
    first = [line["id"] for line in running.shots]
    found = [] if len(first) == len(set(first)) else ["a shot was printed twice"]
    for row in rows:
        line = last.get(str(row["id"]))
        if line is None:
            found.append(f"shot {row['id']} was never printed")
        elif line["result"] != row["result"]:
            found.append(f"shot {row['id']} was printed as {line['result']} and is {row['result']}")
    return found


def unrevised_prints(running: SimulatedRange, rows: Sequence[asyncpg.Record]) -> list[str]:
    """Printed shots that do not count and were not printed as void later.

    While a slow start delays the bow's daemon, a landing counts as a shot of its own until its release is stored.
    """
    counting = {str(row["id"]) for row in rows}
    last = {str(line["id"]): line for line in running.lines if line["event"] in (RangeEvent.SHOT, RangeEvent.REVISION)}
    return [
        f"shot {name} was printed as {line['result']}, does not count, and was not printed as void"
        for name, line in last.items()
        if name not in counting and line["result"] != Result.VOID
    ]
