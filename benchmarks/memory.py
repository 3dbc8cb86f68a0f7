"""Memory, start and idle work of each runtime module: ``./dev exec python -m benchmarks.memory [--seconds 30]``.

The floor of a module's memory and start is a process that only imports the libraries that the module needs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Bound, Budget, Figure, Scale, options, show
from benchmarks.hub import Hub, free_port, hub, until
from benchmarks.proc import Memory, cpu_s, memory, wakes
from simulators.world.range import World

DAY_US = 86_400_000_000
SETTLE_S = 30.0
"""Time after which the start is over and the rate of the device's clock is learnt, in four bursts of requests."""
STARTS = 5
_OWN_SIZE = (
    "import re; print(int(re.search(r'Rss:\\s+(\\d+)', open('/proc/self/smaps_rollup').read())[1]) * 1024 / 1e6)"
)


@dataclass(frozen=True, slots=True)
class Module:
    """A runtime module and its budgets."""

    name: str
    entry: str
    """The modules that its program imports."""
    libraries: str
    """The libraries that it needs."""
    budget_mb: float | None
    budget_import_ms: float | None = None
    budget_cpu_percent: float | None = None


SENSOR = Module(
    "sensor daemon",
    "edge.cli.main, edge.cli.daemons.sensor, edge.sensor.daemon, edge.common.process.run, drivers.link.driver",
    "asyncio, asyncpg, tenacity, serial_asyncio",
    33,
    150,
    0.1,
)
SHOTS = Module(
    "shots",
    "edge.cli.daemons.shots",
    "asyncio, asyncpg, tenacity, uvloop",
    None,
)
PUSH = Module(
    "push",
    "edge.cli.daemons.push",
    "asyncio, asyncpg, pydantic.main, pydantic.fields, pydantic.types, tenacity, uvloop, starlette.applications, "
    "uvicorn, uvicorn.protocols.http.h11_impl, websockets.server",
    45,
)


def main() -> None:
    """Measure all three on a hub with one silent bow."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="time that each module is measured at rest")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    with hub() as running:
        port = str(running.folder / "bow-1")
        quiet = World(1, time.time_ns() // 1000 + DAY_US, 1.0).to_json()  # no arrow flies before tomorrow
        node = ["python", "-m", "simulators", "--links", str(running.folder), "--devices", "bow-1:bow.link:1"]
        running.start([*node, "--world", quiet])
        until(lambda: '"ready"' in running.output(), "the simulated node")
        bow = {
            "ARCH_STATS_DRIVER": "bow.link",
            "ARCH_STATS_PORT": port,
            "ARCH_STATS_SPOOL_DIR": f"{running.folder}/spool",
        }
        figures += _at_rest(
            SENSOR, arguments, running, lambda: running.start(["archstats-sensor", "run", "bow-1"], bow)
        )
        figures += _at_rest(SHOTS, arguments, running, lambda: running.start(["archstats-shots"]))
        web = {"ARCH_STATS_SERVER_PORT": str(free_port())}
        figures += _at_rest(PUSH, arguments, running, lambda: running.start(["archstats-push"], web))
    show(figures, arguments.json)


def _at_rest(module: Module, arguments: argparse.Namespace, running: Hub, start: Callable[[], int]) -> list[Figure]:
    rounds = [_round(module, arguments.seconds, running, start) for _ in range(arguments.rounds)]
    sizes = [one.size for one in rounds]
    libraries_mb, libraries_ms = [one.libraries_mb for one in rounds], [one.libraries_ms for one in rounds]
    rss, start_ms, cpu = (
        None if limit is None else Budget(Bound.AT_MOST, limit, Scale.VALUE)
        for limit in (module.budget_mb, module.budget_import_ms, module.budget_cpu_percent)
    )
    return [
        Figure(f"{module.name}: RSS at rest", "MB", [size.rss for size in sizes], libraries_mb, rss),
        Figure(f"{module.name}: PSS", "MB", [size.pss for size in sizes]),
        Figure(f"{module.name}: USS", "MB", [size.uss for size in sizes]),
        Figure(
            f"{module.name}: start to all imported", "ms", [one.import_ms for one in rounds], libraries_ms, start_ms
        ),
        Figure(f"{module.name}: processor at rest", "% of a core", [one.cpu * 100 for one in rounds], budget=cpu),
        Figure(f"{module.name}: wake-ups at rest", "per s", [one.woken for one in rounds]),
    ]


@dataclass(frozen=True, slots=True)
class Round:
    """One start of a module and its time at rest."""

    size: Memory
    import_ms: float
    libraries_mb: float
    libraries_ms: float
    cpu: float
    """Share of a core."""
    woken: float
    """Wake-ups per second."""


def _round(module: Module, seconds: float, running: Hub, start: Callable[[], int]) -> Round:
    libraries_mb, libraries_ms = _cost_of_importing(module.libraries)
    _, import_ms = _cost_of_importing(module.entry)
    pid = start()
    time.sleep(SETTLE_S)
    spent, woke, began = cpu_s(pid), wakes(pid), time.monotonic()
    time.sleep(seconds)
    for_s = time.monotonic() - began
    cpu, woken, size = (cpu_s(pid) - spent) / for_s, (wakes(pid) - woke) / for_s, memory(pid)
    running.stop(pid)
    return Round(size, import_ms, libraries_mb, libraries_ms, cpu, woken)


def _cost_of_importing(modules: str) -> tuple[float, float]:
    """Median resident MB, and shortest run of the interpreter in ms: other processes only add to it.

    The first run is not counted: it may compile.
    """
    sizes, times = [], []
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(STARTS + 1):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", f"import {modules}\n{_OWN_SIZE}"],
            capture_output=True, text=True, check=True, timeout=60, env=environment,
        )  # fmt: skip
        times.append((time.monotonic() - began) * 1000)
        sizes.append(float(done.stdout))
    return median(sizes[1:]), min(times[1:])


if __name__ == "__main__":
    main()
