"""What the kernel knows of a process: memory, processor time, how often it woke."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB (1,000,000 bytes)."""

    rss: float
    """All pages in memory, also those shared with other processes: what `top` shows, and what the budget means."""
    pss: float
    """Shared pages counted by their share."""
    uss: float
    """What would be free if the process ended."""


def memory(pid: int) -> Memory:
    """Of ``/proc/PID/smaps_rollup``."""
    fields: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        fields[name] = int(rest.split()[0]) * 1024
    uss = fields["Private_Clean"] + fields["Private_Dirty"]
    return Memory(fields["Rss"] / 1e6, fields["Pss"] / 1e6, uss / 1e6)


def cpu_s(pid: int) -> float:
    """Processor time of all its threads so far, to the microsecond where the scheduler tells it."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def wakes(pid: int) -> int:
    """How often its threads went to sleep of themselves so far, which is how often they woke."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total
