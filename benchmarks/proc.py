"""Memory, processor time and wake-ups of a process, from /proc."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process in MB (1,000,000 bytes)."""

    rss: float
    """All pages in memory, shared ones included: the figure that `top` shows and the budget means."""
    pss: float
    """Private pages, and shared pages by this process's share."""
    uss: float
    """Private pages alone: the memory freed when the process ends."""


def memory(pid: int) -> Memory:
    """Read the memory of a process from ``/proc/PID/smaps_rollup``."""
    fields: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        fields[name] = int(rest.split()[0]) * 1024
    uss = fields["Private_Clean"] + fields["Private_Dirty"]
    return Memory(fields["Rss"] / 1e6, fields["Pss"] / 1e6, uss / 1e6)


def cpu_s(pid: int) -> float:
    """Return the processor time of all threads so far, in seconds, from the scheduler's nanosecond counters."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def wakes(pid: int) -> int:
    """Return the number of voluntary context switches of all threads so far, which equals the number of wake-ups."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total
