"""What is in the butt: landings, told once each, and the tags that are there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.shots.parameters import Parameters
from edge.shots.placed import Landing, Placed
from edge.shots.timeline import to_ns


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a TAGS reading changed."""

    emptied: bool
    """Arrows were there and now none is: the end is over."""
    appeared: frozenset[str]
    """Tags that are in the butt without a landing."""


class Butt:
    """The arrows in a lane's butt since it was last emptied, reading by reading in the order of time."""

    def __init__(self, parameters: Parameters) -> None:
        self._same_ns = to_ns(parameters.same_landing_s)
        self._same_mm = parameters.same_landing_mm
        self._bounce_ns = to_ns(parameters.bounce_s)
        self._contact_mm = parameters.contact_mm
        self._recent: list[Landing] = []
        """Landings so young that they may be told again; not forgotten with the end."""
        self._stuck: list[Landing] = []
        self._listed: dict[str, frozenset[str]] = {}
        """By target the tags it listed last."""

    def holds(self, tag: str | None) -> bool:
        """Whether an arrow with this tag has landed and is still there."""
        return tag is not None and any(landing.tag == tag for landing in self._stuck)

    def land(self, placed: Placed, end: int) -> Landing | None:
        """An impact. None when it only repeats a landing."""
        self._recent = [landing for landing in self._recent if placed.ns - landing.placed.ns <= self._same_ns]
        for landing in self._recent:
            if landing.placed.sensed.tag == placed.sensed.tag and _distance(landing, placed) <= self._same_mm:
                landing.repeats.append(placed.sensed.key)
                return None
        # A reader reads every arrow in the butt: a tag that landed before says nothing of this one.
        tag = None if self.holds(placed.sensed.tag) else placed.sensed.tag
        touched = any(_distance(landing, placed) <= self._contact_mm for landing in self._stuck)
        landing = Landing(placed, tag, end, touched=touched)
        self._recent.append(landing)
        self._stuck.append(landing)
        return landing

    def list_tags(self, placed: Placed) -> Inventory:
        """All tags that one target has now."""
        target, tags = placed.sensed.key.device_id, placed.sensed.tags
        listed = self._listed.get(target, frozenset())
        appeared = tags - listed - {landing.tag for landing in self._stuck}
        for landing in self._stuck:
            young = placed.ns - landing.placed.ns <= self._bounce_ns
            landing.bounced |= (
                landing.target == target and young and landing.tag is not None and landing.tag not in tags
            )
        stuck = [landing for landing in self._stuck if not landing.bounced]
        elsewhere = any(landing.target != target for landing in stuck) or any(
            others for device, others in self._listed.items() if device != target
        )
        there = [landing for landing in stuck if landing.target == target]
        was_full = bool(there or listed - {landing.tag for landing in self._stuck if landing.bounced})
        self._listed[target] = tags
        self._stuck = [
            landing for landing in stuck
            if landing.target != target or landing.tag in tags or (tags and landing.tag is None)
        ]  # fmt: skip
        return Inventory(emptied=not tags and was_full and not elsewhere, appeared=appeared)

    def clear(self) -> None:
        """The end is over: whatever is still there no longer counts."""
        self._stuck = []
        self._listed = {}


def _distance(landing: Landing, placed: Placed) -> float:
    one, other = landing.placed.sensed, placed.sensed
    if one.x_mm is None or one.y_mm is None or other.x_mm is None or other.y_mm is None:
        return 0.0 if (one.x_mm, one.y_mm) == (other.x_mm, other.y_mm) else math.inf
    return math.hypot(one.x_mm - other.x_mm, one.y_mm - other.y_mm)
