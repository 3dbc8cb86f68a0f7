"""The simulated range: a pure function of (seed, start, speed, lane, time), and the ground truth of every test.

The same arguments give the same shots in every process and on every host, so the simulated bow and the simulated target
agree on which arrow landed where and when without talking. Nothing here knows of a clock; instants are whole microseconds
since the Unix epoch, UTC.

Time is cut into *slots* of 240 s / speed, one end each. In its slot an archer shoots within the first 150 s / speed and
empties the butt at 200 s / speed + 1 s. Speed divides only waiting: nocked to release, rests, breaks. Flights and the
landing window of 3 s stay real, and at speed 20 the window of an end's last arrow still closes before the butt is emptied.

Let-downs come in blocks: in each block of 50 ends (300 arrows) nine different ends, drawn once per block, hold one let-down
each (3 %). So every block has the same number of releases, and the number of any release is found without history.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from uuid import UUID

from simulators.archer import Archer, Attempt, make_archer, shoot_end
from simulators.draws import Draws
from simulators.instants import from_iso, to_iso
from simulators.lane import Face, Impact, Lane, make_lane

__all__ = [
    "FIRST_NOCK_US",
    "FIXED_START_US",
    "LANDING_WINDOW_US",
    "Event",
    "Face",
    "Lane",
    "Release",
    "Result",
    "World",
    "truth_line",
]

Result = Literal[Impact, "not_shot"]
"""What became of a release; ``not_shot`` is a let-down."""

FIXED_START_US = from_iso("2026-01-01T00:00:00Z")
"""Start of the world of a simulated device that was started alone, without ``ARCH_STATS_WORLD``."""
FIRST_NOCK_US = 2_000_000
"""The first arrow is nocked this long after the start."""
LANDING_WINDOW_US = 3_000_000
"""An arrow that has not landed by then missed."""

_SECOND_US = 1_000_000
_SLOT_S = 240
_SHOOTING_S = 150
_EMPTIED_S = 200
_WALK_US = 1_000_000
"""Real time added before the butt is emptied: keeps the last landing window clear of it at every speed."""
_RENOCK_US = 1_100_000
"""Real time from a nocking to the next nocking of the same arrow: shorter is what a tag read twice looks like."""
_BLOCK_ENDS = 50
_BLOCK_LET_DOWNS = 9


@dataclass(frozen=True, slots=True)
class Release:
    """One release and what came of it: the truth of one shot."""

    lane: int
    shot: int
    """1, 2, 3 ... over the lane since the start, let-downs included."""
    arrow_id: UUID
    engaged_us: int
    released_us: int
    landed_us: int | None
    x_mm: float | None
    y_mm: float | None
    result: Result
    settled_us: int
    """When a range can know the result for good: landing, end of the landing window, or next nocking after a let-down."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a device senses. ``pulled`` is the butt being emptied; positions only with ``landing``."""

    at_us: int
    lane: int
    kind: Literal["engage", "release", "landing", "pulled"]
    arrow_id: UUID | None = None
    x_mm: float | None = None
    y_mm: float | None = None


@dataclass(frozen=True, slots=True)
class World:
    """One run of the simulated range.

    Raises ValueError when the speed is not within 1 to 20.
    """

    seed: int
    start_us: int
    speed: float = 1.0
    release_limit_us: int | None = None
    """No release at or after it, and no nocking, except of an arrow let down before it."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.speed <= 20.0:
            raise ValueError(f"speed {self.speed} is not within 1 to 20")

    @classmethod
    def from_json(cls, text: str) -> World:
        """Read what :meth:`to_json` wrote.

        Raises ValueError naming what is wrong.
        """
        try:
            value = json.loads(text)
            limit = value.get("release_limit")
            return cls(
                seed=int(value["seed"]),
                start_us=from_iso(value["start"]),
                speed=float(value.get("speed", 1.0)),
                release_limit_us=None if limit is None else from_iso(limit),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'not a world: {error!r}. Wanted: {{"seed": 7, "start": "2026-01-01T00:00:00Z", "speed": 1.0}}'
            ) from error

    def to_json(self) -> str:
        """Return the world as ``ARCH_STATS_WORLD`` carries it."""
        limit = self.release_limit_us
        return json.dumps(
            {
                "seed": self.seed,
                "start": to_iso(self.start_us),
                "speed": self.speed,
                "release_limit": None if limit is None else to_iso(limit),
            }
        )

    def lane(self, number: int) -> Lane:
        """Return a lane; it does not depend on the seed."""
        return make_lane(number)

    def archer(self, lane: int) -> Archer:
        """Return who shoots on a lane."""
        return make_archer(self.seed, lane)

    def releases(self, lane: int, since_us: int, until_us: int) -> list[Release]:
        """Return the releases with ``since_us <= released_us < until_us`` in order."""
        return [
            release
            for end in self._ends(since_us, until_us)
            for release in self._releases_of(lane, end)
            if since_us <= release.released_us < until_us and self._allows(release.released_us)
        ]

    def all_releases(self, lanes: int, since_us: int, until_us: int) -> list[Release]:
        """Return the releases of lanes 1 .. ``lanes`` in order of time, then lane."""
        found = [release for lane in range(1, lanes + 1) for release in self.releases(lane, since_us, until_us)]
        return sorted(found, key=lambda release: (release.released_us, release.lane))

    def nth_release(self, n: int, lanes: int = 1) -> Release:
        """Return the ``n``-th release (1, 2, 3 ...) over lanes 1 .. ``lanes`` together.

        Raises ValueError when n or lanes is below 1, or the release limit comes first.
        """
        if n < 1 or lanes < 1:
            raise ValueError(f"wanted release {n} of {lanes} lanes; both are at least 1")
        slot_us, since_us = self._slot_us(), self.start_us
        while self._allows(since_us):
            found = self.all_releases(lanes, since_us, since_us + slot_us)
            if n <= len(found):
                return found[n - 1]
            n -= len(found)
            since_us += slot_us
        raise ValueError("the release limit comes first")

    def events(self, lane: int, since_us: int, until_us: int) -> list[Event]:
        """Return what devices sense with ``since_us <= at_us < until_us`` in order of time."""
        found = [
            event
            for end in self._ends(since_us, until_us)
            for event in self._events_of(lane, end)
            if since_us <= event.at_us < until_us
        ]
        return sorted(found, key=lambda event: event.at_us)

    def _slot_us(self) -> int:
        return round(_SLOT_S * _SECOND_US / self.speed)

    def _first_slot_us(self) -> int:
        return self.start_us + FIRST_NOCK_US

    def _allows(self, at_us: int) -> bool:
        return self.release_limit_us is None or at_us < self.release_limit_us

    def _ends(self, since_us: int, until_us: int) -> range:
        """Return the numbers (0, 1, 2 ...) of the ends that may touch [since, until)."""
        slot_us = self._slot_us()
        first = (since_us - self._first_slot_us()) // slot_us
        last = (until_us - 1 - self._first_slot_us()) // slot_us
        return range(max(first, 0), last + 1)

    def _releases_of(self, lane: int, end: int) -> Iterator[Release]:
        """Yield the releases of an end, whatever the limit."""
        slot_start_us = self._first_slot_us() + end * self._slot_us()
        for at_zero in _end_at_zero(self.seed, self.speed, lane, end):
            landed_us = at_zero.landed_us
            yield replace(
                at_zero,
                engaged_us=slot_start_us + at_zero.engaged_us,
                released_us=slot_start_us + at_zero.released_us,
                landed_us=None if landed_us is None else slot_start_us + landed_us,
                settled_us=slot_start_us + at_zero.settled_us,
            )

    def _events_of(self, lane: int, end: int) -> Iterator[Event]:
        in_butt = False
        let_down: Release | None = None
        for release in self._releases_of(lane, end):
            if self._allows(release.engaged_us) or (let_down is not None and self._allows(let_down.released_us)):
                yield Event(release.engaged_us, lane, "engage", release.arrow_id)
            if not self._allows(release.released_us):
                break
            yield Event(release.released_us, lane, "release", release.arrow_id)
            if release.landed_us is not None:
                in_butt = True
                yield Event(release.landed_us, lane, "landing", release.arrow_id, release.x_mm, release.y_mm)
            let_down = release if release.result == "not_shot" else None
        if in_butt:
            emptied_us = round(_EMPTIED_S * _SECOND_US / self.speed) + _WALK_US
            yield Event(self._first_slot_us() + end * self._slot_us() + emptied_us, lane, "pulled")


def truth_line(release: Release) -> dict[str, int | float | str | None]:
    """Return a release as the ``truth`` command prints it: instants as ISO 8601 UTC, millimetres in the butt frame."""
    return {
        "lane": release.lane,
        "shot": release.shot,
        "arrow_id": str(release.arrow_id),
        "engaged_at": to_iso(release.engaged_us),
        "released_at": to_iso(release.released_us),
        "landed_at": None if release.landed_us is None else to_iso(release.landed_us),
        "x": release.x_mm,
        "y": release.y_mm,
        "result": release.result,
    }


@lru_cache(maxsize=4096)
def _end_at_zero(seed: int, speed: float, lane_number: int, end: int) -> tuple[Release, ...]:
    """Return the releases of an end with instants counted from the beginning of its slot."""
    lane = make_lane(lane_number)
    block, place = divmod(end, _BLOCK_ENDS)
    let_downs = _let_downs(seed, lane_number, block, lane.arrows_per_end)
    attempts = shoot_end(
        seed,
        lane_number,
        end,
        distance_m=lane.distance_m,
        is_indoor=lane.is_indoor,
        quiver=len(lane.arrows),
        arrows_per_end=lane.arrows_per_end,
        let_down=let_downs.get(place),
    )
    before = block * (_BLOCK_ENDS * lane.arrows_per_end + _BLOCK_LET_DOWNS) + place * lane.arrows_per_end
    before += sum(1 for earlier in let_downs if earlier < place)
    nocked = _instants(attempts, speed)
    releases: list[Release] = []
    for index, (attempt, (engaged_us, released_us)) in enumerate(zip(attempts, nocked, strict=True)):
        arrow = lane.arrows[attempt.arrow]
        x_mm = round(lane.face.x_mm + attempt.x_mm, 2)
        y_mm = round(lane.face.y_mm + attempt.y_mm, 2)
        impact: Result = "not_shot" if attempt.let_down else lane.impact(x_mm, y_mm, arrow.diameter_mm)
        landed = impact in ("hit", "off_face")
        landed_us = released_us + round(attempt.flight_s * _SECOND_US)
        if landed:
            settled_us = landed_us
        elif impact == "miss":
            settled_us = released_us + LANDING_WINDOW_US
        else:
            settled_us = nocked[index + 1][0]
        releases.append(
            Release(
                lane=lane_number,
                shot=before + index + 1,
                arrow_id=arrow.id,
                engaged_us=engaged_us,
                released_us=released_us,
                landed_us=landed_us if landed else None,
                x_mm=x_mm if landed else None,
                y_mm=y_mm if landed else None,
                result=impact,
                settled_us=settled_us,
            )
        )
    return tuple(releases)


@lru_cache(maxsize=256)
def _let_downs(seed: int, lane: int, block: int, arrows_per_end: int) -> dict[int, int]:
    """Return which ends of a block hold a let-down: place of the end in the block -> place of the arrow in the end."""
    draws = Draws(seed, lane, "let-downs", block)
    return {end: draws.below(arrows_per_end) for end in draws.pick(_BLOCK_LET_DOWNS, _BLOCK_ENDS)}


def _instants(attempts: Sequence[Attempt], speed: float) -> list[tuple[int, int]]:
    """Put the attempts on the clock: (engaged, released) in microseconds from the beginning of the slot.

    Waits are divided by the speed, and shortened once more when they do not fit into the time for shooting.
    """
    renock_s = _RENOCK_US / _SECOND_US
    budget_s = _SHOOTING_S / speed - renock_s * sum(attempt.let_down for attempt in attempts)
    wanted_s = sum(attempt.rest_s + attempt.hold_s for attempt in attempts) / speed
    share = min(1.0, budget_s / wanted_s) / speed
    instants: list[tuple[int, int]] = []
    now_s = previous_engage_s = 0.0
    again = False
    for attempt in attempts:
        now_s += attempt.rest_s * share
        if again:
            now_s = max(now_s, previous_engage_s + renock_s)
        previous_engage_s = now_s
        engaged_us = round(now_s * _SECOND_US)
        now_s += attempt.hold_s * share
        instants.append((engaged_us, round(now_s * _SECOND_US)))
        again = attempt.let_down
    return instants
