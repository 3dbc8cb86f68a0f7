"""What will go wrong, and when: a pure function of the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Kind = Literal["kill", "stop", "restart", "cut", "delay", "freeze", "half-close", "terminate backends", "full disk"]

SENSORS = ("bow-1", "target-1", "bow-2", "target-2")
MODULES = ("archstats-shots", "archstats-push")
POSTGRES = "postgres"
WAY = "way to the database"
DISK = "spool's disk"

_WEIGHTS: dict[Kind, int] = {
    "kill": 5, "stop": 3, "restart": 3, "cut": 2, "delay": 2, "freeze": 3, "half-close": 1, "terminate backends": 2,
    "full disk": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blow:
    """One fault: what befalls whom, from when on, for how long. Seconds since the beginning."""

    at_s: float
    kind: Kind
    victim: str
    lasts_s: float

    @property
    def name(self) -> str:
        """What the table calls it."""
        return f"{self.kind} {self.victim}"


def write_script(seed: int, seconds: float, *, has_disk: bool) -> list[Blow]:
    """Blows over ``seconds``, one every second or three, each of its own length; without a disk that may fill none is filled.

    They overlap: the way is cut while a sensor is stopped and PostgreSQL is starting.
    """
    chance = random.Random(f"faults {seed}")
    kinds = [kind for kind in _WEIGHTS if has_disk or kind != "full disk"]
    blows: list[Blow] = []
    at_s = chance.uniform(2.0, 4.0)
    while at_s < seconds:
        kind = chance.choices(kinds, [_WEIGHTS[kind] for kind in kinds])[0]
        blows.append(Blow(round(at_s, 2), kind, _victim(kind, chance), round(_length(kind, chance), 2)))
        at_s += chance.uniform(0.8, 3.0)
    return blows


def _victim(kind: Kind, chance: random.Random) -> str:
    if kind in ("kill", "stop", "restart"):
        return chance.choice((*SENSORS, *MODULES, *MODULES, POSTGRES))
    return {"terminate backends": POSTGRES, "full disk": DISK}.get(kind, WAY)


def _length(kind: Kind, chance: random.Random) -> float:
    """A killed program comes back by itself; what is stopped, frozen or full stays so for a while."""
    if kind in ("kill", "cut", "half-close", "terminate backends"):
        return 0.0
    if kind == "restart":
        return chance.uniform(0.1, 3.0)
    return chance.uniform(1.0, 6.0)
