"""Cost of a shot as a session, the range and the tables grow: ``./dev exec python -m benchmarks.growth [--quick]``.

Black box: archstats-shots runs as its own process on a database of its own, readings and watermarks are stored as sensor
daemons store them, and the feed is read as the push service reads it. Four parts, each with its own floor:

- ``arrows``: 18 to 576 arrows already in one session. The floor of the processor time is the session of 18 arrows.
- ``lanes``: 1 to 200 lanes on one assembler.
- ``chatter``: 8 lanes beside a sensor that chatters at 50 landings/s. The floor is the same load without it.
- ``table``: an assembler's start, pages of the feed and the cost of a shot beside 1,000,000 older readings and 40,000 older
  events. The floor is the same on small tables.

The floor of every latency is two commits with NOTIFY at the same rate, with nothing computed, before the assembler starts.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

import uvloop

from benchmarks.figures import Bound, Budget, Figure, Scale, options, show
from benchmarks.hub import Hub, hub
from benchmarks.load import Cost, Load, cost_of
from benchmarks.old_rows import TableSize, cost_beside, make_templates
from edge.common.postgres.embedded.cluster import DATABASE

FLAT = 1.2
"""Budget of the largest session or table over the smallest."""
PACE = 1.0
"""Landings per second on one lane."""
CHATTER = 50.0
"""Landings per second of a sensor that chatters."""
CHATTER_P99_MS = 100.0
"""Budget of the other lanes' time from landing to event beside it."""


class Part(StrEnum):
    """A part of the benchmark."""

    ARROWS = "arrows"
    LANES = "lanes"
    CHATTER = "chatter"
    TABLE = "table"


def main() -> None:
    """Measure the parts, each load once a round."""
    parser = options(__doc__)
    parser.add_argument("--part", action="append", choices=list(Part), help="measure this part only; may be repeated")
    parser.add_argument("--quick", action="store_true", help="small loads, for a first look; no budget applies to them")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    with hub() as running:
        for part in map(Part, arguments.part or Part):
            figures += uvloop.run(MEASURES[part](running, arguments))
    show(figures, arguments.json)


async def _arrows(running: Hub, arguments: argparse.Namespace) -> list[Figure]:
    counts, shots = ((6, 24), 6) if arguments.quick else ((18, 72, 144, 288, 576), 12)
    loads = [Load(1, count, PACE, shots) for count in counts]
    costs = await _rounds(running, loads, arguments.rounds)
    smallest = costs[loads[0]]
    figures: list[Figure] = []
    for load in loads:
        name, found = f"{load.arrows} arrows in the session", costs[load]
        flat = Budget(Bound.AT_MOST, FLAT) if load is loads[-1] and not arguments.quick else None
        figures += [
            Figure(f"{name}: processor, over {counts[0]}", "ms a shot", _cpu(found), _cpu(smallest), flat),
            Figure(f"{name}: database, over {counts[0]}", "ms a shot", _database(found), _database(smallest)),
            *_latencies(name, found),
        ]
    return figures


async def _lanes(running: Hub, arguments: argparse.Namespace) -> list[Figure]:
    loads: dict[Load, tuple[float | None, float | None]]
    """Budgets in ms: processor of a shot, p99."""
    if arguments.quick:
        loads = {Load(1, 6, PACE, 3): (None, None), Load(4, 6, 4, 8): (None, None)}
    else:
        loads = {
            Load(1, 10, PACE, 12): (None, None),
            Load(16, 10, 4, 80): (2, None),
            Load(40, 72, 10, 200): (None, 40),
            Load(200, 72, 50, 1000): (None, 100),
        }
    costs = await _rounds(running, list(loads), arguments.rounds)
    figures: list[Figure] = []
    for load, (cpu_ms, p99_ms) in loads.items():
        cpu = None if cpu_ms is None else Budget(Bound.AT_MOST, cpu_ms, Scale.VALUE)
        p99 = None if p99_ms is None else Budget(Bound.AT_MOST, p99_ms, Scale.VALUE)
        figures += [
            Figure(f"{load}: processor", "ms a shot", _cpu(costs[load]), budget=cpu),
            Figure(f"{load}: database", "ms a shot", _database(costs[load])),
            *_latencies(str(load), costs[load], p99),
        ]
    return figures


async def _chatter(running: Hub, arguments: argparse.Namespace) -> list[Figure]:
    quiet = Load(2, 6, 4, 12) if arguments.quick else Load(8, 18, 4, 200)
    costs = await _rounds(running, [quiet, quiet._replace(chatter=CHATTER)], arguments.rounds)
    before, after = costs.values()
    budget = None if arguments.quick else Budget(Bound.AT_MOST, CHATTER_P99_MS, Scale.VALUE)
    return [
        Figure(
            f"beside a sensor that chatters: {what}", "ms", [getattr(cost, field) for cost in after],
            [getattr(cost, field) for cost in before], budget if field == "p99_ms" else None,
        )
        for what, field in (
            ("landing to event, p50", "p50_ms"), ("landing to event, p99", "p99_ms"),
            ("processor for a shot of another lane", "cpu_ms"),
        )
    ]  # fmt: skip


async def _table(running: Hub, arguments: argparse.Namespace) -> list[Figure]:
    size = TableSize(20_000, 2_000) if arguments.quick else TableSize(1_000_000, 40_000)
    load = Load(2, 12, 2, 4) if arguments.quick else Load(8, 36, 4, 24)
    small, large = await make_templates(running, size)
    rounds = []
    for number in range(arguments.rounds):
        _report(f"round {number + 1}: {size.readings:,} readings")
        rounds.append([await cost_beside(running, template, load) for template in (small, large)])
    name = f"beside {size.readings:,} readings and {size.events:,} events"
    return [
        Figure(
            f"{name}: {what}", unit, [getattr(after, field) for _, after in rounds],
            [getattr(before, field) for before, _ in rounds],
            Budget(Bound.AT_MOST, FLAT) if field == "cpu_ms" and not arguments.quick else None,
        )
        for what, unit, field in (
            ("start to the first result", "ms", "start_ms"),
            ("page of the newest event", "ms", "newest_page_ms"),
            ("page of 100 events at the start of the feed", "ms", "first_page_ms"),
            ("processor", "ms a shot", "cpu_ms"),
            ("database", "ms a shot", "database_ms"),
            ("landing to event, p50", "ms", "p50_ms"),
            ("landing to event, p99", "ms", "p99_ms"),
        )
    ]  # fmt: skip


MEASURES = {Part.ARROWS: _arrows, Part.LANES: _lanes, Part.CHATTER: _chatter, Part.TABLE: _table}


async def _rounds(running: Hub, loads: Sequence[Load], rounds: int) -> dict[Load, list[Cost]]:
    """Measure every load in each round, so that a busy time of the machine meets all of them."""
    costs: dict[Load, list[Cost]] = defaultdict(list)
    for number in range(rounds):
        for load in loads:
            _report(f"round {number + 1}: {load}")
            costs[load].append(await cost_of(running, DATABASE, load))
    return costs


def _latencies(name: str, costs: Sequence[Cost], p99: Budget | None = None) -> list[Figure]:
    return [
        Figure(
            f"{name}: landing to event, p50", "ms", [cost.p50_ms for cost in costs], [cost.floor_p50_ms for cost in costs]
        ),
        Figure(
            f"{name}: landing to event, p99", "ms", [cost.p99_ms for cost in costs],
            [cost.floor_p99_ms for cost in costs], p99,
        ),
    ]  # fmt: skip


def _cpu(costs: Sequence[Cost]) -> list[float]:
    return [cost.cpu_ms for cost in costs]


def _database(costs: Sequence[Cost]) -> list[float]:
    return [cost.database_ms for cost in costs]


def _report(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
