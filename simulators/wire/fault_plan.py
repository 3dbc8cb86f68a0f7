"""Which faults a simulated line has, and how often: ``drop=0.05,corrupt=0.05,reboot=0.01``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The chance of each fault, rolled for each frame: 0 is never, 1 is always."""

    drop: float = 0.0
    """The frame is lost."""
    corrupt: float = 0.0
    """One to three of its bytes are others."""
    duplicate: float = 0.0
    """It comes twice."""
    delay: float = 0.0
    """It comes up to 0.3 s late; later frames pass it."""
    split: float = 0.0
    """It comes in two pieces, up to 20 ms apart."""
    merge: float = 0.0
    """It comes in one piece with the next frame, or 30 ms late."""
    silence: float = 0.0
    """This direction is dead for 0.3 to 2 s."""
    stuck: float = 0.0
    """One byte over and over buries everything in this direction for 0.1 to 0.5 s."""
    unplug: float = 0.0
    """The cable is out for 0.2 to 1.5 s: the port vanishes and another one comes. Rolled for frames to the hub only."""
    reboot: float = 0.0
    """The node reboots and is blind for 50 to 300 ms. Rolled for frames to the hub only."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing ever goes wrong."""
        return not any(asdict(self).values())


NO_FAULTS = FaultPlan()


def parse_plan(text: str) -> FaultPlan:
    """Read ``name=chance,name=chance``; an empty text is a line without faults.

    Raises ValueError that says what is wrong and what to write.
    """
    known = [field.name for field in fields(FaultPlan)]
    chances: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, chance = (side.strip() for side in part.partition("="))
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise ValueError(
                f"no fault is called {name!r}; "
                + (f"the nearest is {near[0]}" if near else f"there are {', '.join(known)}")
            )
        if name in chances:
            raise ValueError(f"fault {name} is given twice")
        chances[name] = _chance(name, chance)
    return FaultPlan(**chances)


def _chance(name: str, text: str) -> float:
    try:
        chance = float(text)
    except ValueError:
        chance = -1.0
    if not 0.0 <= chance <= 1.0:
        raise ValueError(f"fault {name} needs a chance from 0 to 1, like {name}=0.05, not {text!r}")
    return chance
