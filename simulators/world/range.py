"""The simulated range: a pure function of (seed, start, speed, lane, time), and the ground truth of every test.

The same arguments give the same shots in every process and on every host, so the simulated bow and the simulated target
agree on every arrow without communicating. No clock is read; instants are whole microseconds since the Unix epoch, UTC.

Time is divided into *slots* of 240 s / speed, one end each. In a slot the archer shoots within the first 150 s / speed and
empties the butt at 200 s / speed + 1 s. Speed divides only waiting: nocking to release, rests, breaks. Flights and the
landing window of 3 s keep their real length; at speed 20 the window of an end's last arrow still closes before the butt is
emptied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from simulators.world.archer import Archer, make_archer
from simulators.world.ends import LANDING_WINDOW_US, Release, draw_end
from simulators.world.instants import from_iso, to_iso
from simulators.world.quiver import Face, Lane, make_lane
from simulators.world.vocabulary import EventKind, Result

__all__ = [
    "FIRST_NOCK_US",
    "FIXED_START_US",
    "LANDING_WINDOW_US",
    "Event",
    "EventKind",
    "Face",
    "Lane",
    "Release",
    "Result",
    "World",
    "truth_line",
]

FIXED_START_US = from_iso("2026-01-01T00:00:00Z")
"""Start of the world of a device that is simulated alone, without ``ARCH_STATS_WORLD``."""
FIRST_NOCK_US = 2_000_000
"""Time from the start to the first nocking."""
_SECOND_US = 1_000_000
_SLOT_S = 240
_EMPTIED_S = 200
_WALK_US = 1_000_000
"""Real time added before the butt is emptied, so that the last landing window closes earlier at every speed."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event on a lane, as devices sense it. Only a landing has a position."""

    at_us: int
    lane: int
    kind: EventKind
    arrow_id: UUID | None = None
    x_mm: float | None = None
    y_mm: float | None = None


@dataclass(frozen=True, slots=True)
class World:
    """One run of the simulated range.

    Raises ValueError when the speed is outside 1 to 20.
    """

    seed: int
    start_us: int
    speed: float = 1.0
    release_limit_us: int | None = None
    """End of shooting: no release at or after it, and no nocking, except of an arrow let down before it."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.speed <= 20.0:
            raise ValueError(f"speed {self.speed} is outside 1 to 20")

    @classmethod
    def from_json(cls, text: str) -> World:
        """Return the world that :meth:`to_json` wrote.

        Raises ValueError with the reason.
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
                f'invalid world: {error!r}. Write it like {{"seed": 7, "start": "2026-01-01T00:00:00Z", "speed": 1.0}}.'
            ) from error

    def to_json(self) -> str:
        """Return the world in the format of ``ARCH_STATS_WORLD``."""
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
        """Return a lane, which is independent of the seed."""
        return make_lane(number)

    def archer(self, lane: int) -> Archer:
        """Return the archer of a lane."""
        return make_archer(self.seed, lane)

    def releases(self, lane: int, since_us: int, until_us: int) -> list[Release]:
        """Return the releases with ``since_us <= released_us < until_us``, in order of time."""
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
            raise ValueError(f"no release {n} of {lanes} lanes: both numbers are at least 1")
        slot_us, since_us = self._slot_us(), self.start_us
        while self._allows(since_us):
            found = self.all_releases(lanes, since_us, since_us + slot_us)
            if n <= len(found):
                return found[n - 1]
            n -= len(found)
            since_us += slot_us
        raise ValueError("the release limit comes first")

    def events(self, lane: int, since_us: int, until_us: int) -> list[Event]:
        """Return the events of a lane with ``since_us <= at_us < until_us``, in order of time."""
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
        """Return the numbers (0, 1, 2 ...) of the ends that may overlap [since, until)."""
        slot_us = self._slot_us()
        first = (since_us - self._first_slot_us()) // slot_us
        last = (until_us - 1 - self._first_slot_us()) // slot_us
        return range(max(first, 0), last + 1)

    def _releases_of(self, lane: int, end: int) -> Iterator[Release]:
        """Yield the releases of an end, ignoring the release limit."""
        slot_start_us = self._first_slot_us() + end * self._slot_us()
        for at_zero in draw_end(self.seed, self.speed, lane, end):
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
                yield Event(release.engaged_us, lane, EventKind.ENGAGE, release.arrow_id)
            if not self._allows(release.released_us):
                break
            yield Event(release.released_us, lane, EventKind.RELEASE, release.arrow_id)
            if release.landed_us is not None:
                in_butt = True
                yield Event(release.landed_us, lane, EventKind.LANDING, release.arrow_id, release.x_mm, release.y_mm)
            let_down = release if release.result is Result.NOT_SHOT else None
        if in_butt:
            emptied_us = round(_EMPTIED_S * _SECOND_US / self.speed) + _WALK_US
            yield Event(self._first_slot_us() + end * self._slot_us() + emptied_us, lane, EventKind.PULLED)


def truth_line(release: Release) -> dict[str, int | float | str | None]:
    """Return a release in the format of the ``truth`` command: instants in ISO 8601 UTC, millimetres in the butt frame."""
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
