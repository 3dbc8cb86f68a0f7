"""Script of a chaos run: the faults and their instants, a pure function of the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The kind of one injected fault."""

    KILL = "kill"
    STOP = "stop"
    RESTART = "restart"
    CUT = "cut"
    DELAY = "delay"
    FREEZE = "freeze"
    HALF_CLOSE = "half-close"
    TERMINATE_BACKENDS = "terminate backends"
    FULL_DISK = "full disk"
    NO_DESCRIPTORS = "no descriptors"
    CHATTER = "chatter"
    EARLIER_BOOT = "boot before the last shutdown"


PROCESS_FAULTS = (FaultKind.KILL, FaultKind.STOP, FaultKind.RESTART)

SENSORS = ("bow-1", "target-1", "bow-2", "target-2")
PUSH = "archstats-push"
MODULES = ("archstats-shots", "archstats-shots-2", PUSH)
POSTGRES = "postgres"
HUB = "hub"
PROXY = "way to the database"
DISK = "spool's disk"
NOISY = "target-3"
"""The device that chatters, on a lane of its own: its shots are compared with no truth."""
CHATTER_S = 40.0
CHATTER_AFTER_S = 15.0
"""Time from the start of the simulated devices until one chatters."""
CHATTER_MINUTE_S = 60.0
"""Shortest run in which a device chatters."""

_WEIGHTS: dict[FaultKind, int] = {
    FaultKind.KILL: 5,
    FaultKind.STOP: 3,
    FaultKind.RESTART: 3,
    FaultKind.CUT: 2,
    FaultKind.DELAY: 2,
    FaultKind.FREEZE: 3,
    FaultKind.HALF_CLOSE: 1,
    FaultKind.TERMINATE_BACKENDS: 2,
    FaultKind.FULL_DISK: 1,
    FaultKind.NO_DESCRIPTORS: 2,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: kind, victim, start and duration in seconds since the start of the run."""

    at_s: float
    kind: FaultKind
    victim: str
    duration_s: float

    @property
    def name(self) -> str:
        """The name in the table."""
        return f"{self.kind} {self.victim}"


def write_script(seed: int, seconds: float, *, has_disk: bool) -> list[Fault]:
    """Return faults over ``seconds``, one every 0.8 to 3 s; without a small disk none fills it.

    Faults overlap: the proxy is cut while a sensor is stopped and PostgreSQL starts.
    """
    chance = random.Random(f"faults {seed}")
    kinds = [kind for kind in _WEIGHTS if has_disk or kind is not FaultKind.FULL_DISK]
    faults = [Fault(0.0, FaultKind.EARLIER_BOOT, HUB, 0.0)]
    if has_chatter(seconds):
        faults.append(Fault(0.0, FaultKind.CHATTER, NOISY, CHATTER_S))
    at_s = chance.uniform(2.0, 4.0)
    while at_s < seconds:
        kind = chance.choices(kinds, [_WEIGHTS[kind] for kind in kinds])[0]
        faults.append(Fault(round(at_s, 2), kind, _victim(kind, chance), round(_duration_s(kind, chance), 2)))
        at_s += chance.uniform(0.8, 3.0)
    return faults


def has_chatter(seconds: float) -> bool:
    """Whether a run of this length has a device that chatters."""
    return seconds >= CHATTER_MINUTE_S


def _victim(kind: FaultKind, chance: random.Random) -> str:
    if kind in PROCESS_FAULTS:
        return chance.choice((*SENSORS, *MODULES, *MODULES, POSTGRES))
    if kind is FaultKind.NO_DESCRIPTORS:
        return chance.choice((*SENSORS, *MODULES, PUSH, PUSH))
    return {FaultKind.TERMINATE_BACKENDS: POSTGRES, FaultKind.FULL_DISK: DISK}.get(kind, PROXY)


def _duration_s(kind: FaultKind, chance: random.Random) -> float:
    """A killed program restarts by itself; a stopped, frozen or full victim stays so for a while."""
    if kind in (FaultKind.KILL, FaultKind.CUT, FaultKind.HALF_CLOSE, FaultKind.TERMINATE_BACKENDS):
        return 0.0
    if kind is FaultKind.RESTART:
        return chance.uniform(0.1, 3.0)
    return chance.uniform(1.0, 6.0)
