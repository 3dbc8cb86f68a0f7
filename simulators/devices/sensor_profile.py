"""What makes a link node a bow or a target: its kind, its battery, and what it senses of its lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.link import codec as link
from simulators.world.range import Event


@dataclass(frozen=True, slots=True)
class Sensing:
    """A kind of node."""

    kind: link.NodeKind
    battery_percent: int | None
    """None: it runs from the mains."""
    sense: Callable[[Event], link.Event | None]
    """What the node reports of an event of its lane; None for what it does not sense."""
