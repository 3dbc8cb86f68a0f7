"""Which landing belongs to which release: by tag and physical flight time, never by order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from edge.shots.sensed import Scene, Sensed

EXPECTED_MPS = 50.0
"""A middling arrow, to choose between flights that are both possible."""

Assignment = Literal["id", "inferred", "manual"]


@dataclass(slots=True)
class Draft:
    """A shot in the making."""

    release: Sensed | None
    engage: Sensed | None = None
    landing: Sensed | None = None
    let_down: bool = False
    assignment: Assignment | None = None
    late: bool = False
    flags: set[str] = field(default_factory=set)

    @property
    def tag(self) -> str | None:
        """The landing's tag tells best; it was read where the arrow is."""
        landed = self.landing.tag if self.landing else None
        return landed or self.released_tag

    @property
    def released_tag(self) -> str | None:
        """What the bow read."""
        if self.release is None:
            return None
        return self.release.tag or (self.engage.tag if self.engage else None)


def match(drafts: Sequence[Draft], landings: Sequence[Sensed], scene: Scene) -> list[Sensed]:
    """Give each landing to its release, in order of time; returns the landings that belong to none."""
    left: list[Sensed] = []
    taken: list[Sensed] = []
    for landing in landings:
        if any(_is_repeat(landing, earlier, scene) for earlier in taken):
            continue
        taken.append(landing)
        if not _assign(drafts, landing, scene):
            left.append(landing)
    return left


def _assign(drafts: Sequence[Draft], landing: Sensed, scene: Scene) -> bool:
    free = [d for d in drafts if d.landing is None and not d.let_down and d.release is not None]
    possible = [d for d in free if flight_is_possible(d, landing, scene)]
    same = [d for d in possible if landing.tag is not None and d.released_tag == landing.tag]
    if same:
        best = min(
            same, key=lambda d: (abs(_flight(d, landing) - _expected(scene)), d.release.key if d.release else ())
        )
        _give(best, landing, "id")
        return True
    unread = [d for d in possible if landing.tag is None or d.released_tag is None]
    candidates = unread or possible
    if len(possible) == 1 and candidates:
        draft = candidates[0]
        if landing.tag is not None and draft.released_tag is not None:
            draft.flags.add("tag_mismatch")
        _give(draft, landing, "inferred")
        return True
    if not possible and landing.tag is not None:
        for draft in free:
            if draft.released_tag == landing.tag and 0 < _flight(draft, landing) <= _window(scene):
                draft.late = True
                draft.flags.add("late")
                _give(draft, landing, "id")
                return True
    return False


def _give(draft: Draft, landing: Sensed, assignment: Assignment) -> None:
    draft.landing, draft.assignment = landing, assignment


def _flight(draft: Draft, landing: Sensed) -> float:
    return landing.t - (draft.release.t if draft.release else landing.t)


def flight_is_possible(draft: Draft, landing: Sensed, scene: Scene) -> bool:
    """Whether an arrow could fly that long, as far as the clocks can tell."""
    flight, error = _flight(draft, landing), clock_error_s(draft.release, landing, scene)
    distance = scene.distance_m
    if distance is None:
        return -error <= flight <= _window(scene)
    least, most = distance / scene.parameters.fastest_mps - error, distance / scene.parameters.slowest_mps + error
    return least <= flight <= most


def clock_error_s(release: Sensed | None, landing: Sensed, scene: Scene) -> float:
    """How far the two clocks may be apart."""
    parameters = scene.parameters
    if release is None or release.error_s is None or landing.error_s is None:
        return parameters.clock_unknown_s
    return max(parameters.clock_floor_s, parameters.clock_factor * (release.error_s + landing.error_s))


def _expected(scene: Scene) -> float:
    return (scene.distance_m or 0.0) / EXPECTED_MPS


def _window(scene: Scene) -> float:
    return scene.parameters.landing_window_s(scene.distance_m or 0.0)


def _is_repeat(landing: Sensed, earlier: Sensed, scene: Scene) -> bool:
    if landing.tag is None or landing.tag != earlier.tag or landing.x is None or earlier.x is None:
        return False
    near = abs(landing.x - earlier.x) <= scene.parameters.duplicate_landing_mm and (
        abs((landing.y or 0.0) - (earlier.y or 0.0)) <= scene.parameters.duplicate_landing_mm
    )
    return near and abs(landing.t - earlier.t) <= scene.parameters.duplicate_landing_s
