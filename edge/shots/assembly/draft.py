"""A shot in the making: what assembly knows of a release (or of a landing without one) while it decides. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edge.shots.assembly.model import TimedReading

Assignment = Literal["id", "inferred", "manual"]


@dataclass(slots=True)
class Draft:
    """A shot in the making."""

    release: TimedReading | None
    engage: TimedReading | None = None
    landing: TimedReading | None = None
    assignment: Assignment | None = None
    let_down: bool = False
    late: bool = False
    doubted: bool = False
    """The bow's tag may be another arrow's: it was read at two bows, or is known to be elsewhere."""
    bounced: bool = False
    no_miss: set[str] = field(default_factory=set)
    """Reasons (flags) why a release without a landing is no miss."""
    flags: set[str] = field(default_factory=set)

    @property
    def first(self) -> TimedReading:
        """What the shot is named after.

        Raises ValueError for a draft of nothing.
        """
        first = self.release or self.landing
        if first is None:
            raise ValueError("a shot is made of a release or a landing")
        return first

    @property
    def tag(self) -> str | None:
        """The landing's tag tells best; it was read where the arrow is."""
        landed = self.landing.tag if self.landing else None
        return landed or self.read_tag

    @property
    def read_tag(self) -> str | None:
        """What the bow read."""
        if self.release is None:
            return None
        return self.release.tag or (self.engage.tag if self.engage else None)

    def give(self, landing: TimedReading, assignment: Assignment) -> None:
        """Note that its arrow made a landing."""
        self.landing, self.assignment = landing, assignment
