"""What a range printed of its shots, beside what its database holds."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from tests.acceptance.simulated_range import SimulatedRange


def told_wrongly(running: SimulatedRange, rows: Sequence[asyncpg.Record]) -> list[str]:
    """How the printed lines differ from the shots that count: a first line for each, and the last one as it stands."""
    last = {line["id"]: line for line in running.lines if line["event"] in ("shot", "revision")}
    first = [line["id"] for line in running.shots]
    found = [] if len(first) == len(set(first)) else ["a shot was printed twice"]
    for row in rows:
        line = last.get(str(row["id"]))
        if line is None:
            found.append(f"shot {row['id']} was never printed")
        elif line["result"] != row["result"]:
            found.append(f"shot {row['id']} was printed as {line['result']} and is {row['result']}")
    return found


def not_taken_back(running: SimulatedRange, rows: Sequence[asyncpg.Record]) -> list[str]:
    """Printed shots that do not count and were not printed as void after that.

    While a slow start keeps the bow's daemon from its device, a landing counts by itself until the release is known.
    """
    counting = {str(row["id"]) for row in rows}
    last = {str(line["id"]): line for line in running.lines if line["event"] in ("shot", "revision")}
    return [
        f"shot {name} was printed as {line['result']}, does not count, and was not taken back"
        for name, line in last.items()
        if name not in counting and line["result"] != "void"
    ]
