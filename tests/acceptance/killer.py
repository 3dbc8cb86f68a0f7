"""Killer of processes of a running range, at random instants that the seed determines."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from dataclasses import dataclass, field

from tests.acceptance.simulated_range import SimulatedRange

POSTGRESQL = "postgresql"
VICTIMS = ("bow-1", "target-1", "archstats-shots", "archstats-shots-2", "archstats-push", POSTGRESQL)


@dataclass
class Killer:
    """Kills each victim once in random order, then random victims, with pauses within ``pauses_s``."""

    running: SimulatedRange
    seed: int
    kills: int
    pauses_s: tuple[float, float]
    killed: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Kill ``kills`` times. Waits for a victim that is restarting."""
        chance = random.Random(self.seed)
        wanted = chance.sample(VICTIMS, len(VICTIMS))
        wanted += chance.choices(VICTIMS, k=max(self.kills - len(wanted), 0))
        for name in wanted[: self.kills]:
            await asyncio.sleep(chance.uniform(*self.pauses_s))  # so that the kill meets any state of the range
            async with asyncio.timeout(30):
                while not self._kill(name):
                    await asyncio.sleep(0.05)
            self.killed.append(name)

    def _kill(self, name: str) -> bool:
        pid = postmaster(self.running) if name == POSTGRESQL else child_of(self.running, name)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True


def child_of(running: SimulatedRange, name: str) -> int | None:
    """The child's process id; None while it does not run."""
    try:
        return running.child(name)
    except AssertionError:
        return None


def postmaster(running: SimulatedRange) -> int | None:
    """The process id of the PostgreSQL server; None while it does not run."""
    try:
        pid = int((running.database_dir / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    return pid
