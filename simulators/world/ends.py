"""One end of the simulated range: nockings, releases, landings and let-downs.

Let-downs are drawn per block: in each block of 50 ends (300 arrows), nine different ends hold one let-down each (3 %).
Every block therefore has the same number of releases, and the number of any release is computed without history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from simulators.world.archer import Attempt, shoot_end
from simulators.world.draws import Draws
from simulators.world.quiver import make_lane
from simulators.world.vocabulary import LANDED, Result

LANDING_WINDOW_US = 3_000_000
"""Time after the release within which an arrow lands; later it is a miss."""

_SECOND_US = 1_000_000
_SHOOTING_S = 150
_RENOCK_US = 1_100_000
"""Shortest real time between two nockings of one arrow: two reads of a tag within less count as one nocking."""
_BLOCK_ENDS = 50
_BLOCK_LET_DOWNS = 9


@dataclass(frozen=True, slots=True)
class Release:
    """One release and its outcome: the truth of one shot."""

    lane: int
    shot: int
    """Number of the release on its lane since the start: 1, 2, 3 ..., let-downs included."""
    arrow_id: UUID
    engaged_us: int
    released_us: int
    landed_us: int | None
    x_mm: float | None
    y_mm: float | None
    result: Result
    settled_us: int
    """Instant from which the result is final: landing, end of the landing window, or next nocking after a let-down."""


@lru_cache(maxsize=4096)
def draw_end(seed: int, speed: float, lane_number: int, end: int) -> tuple[Release, ...]:
    """Return the releases of an end, with instants relative to the start of its slot."""
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
        result = Result.NOT_SHOT if attempt.let_down else lane.impact(x_mm, y_mm, arrow.diameter_mm)
        landed = result in LANDED
        landed_us = released_us + round(attempt.flight_s * _SECOND_US)
        if landed:
            settled_us = landed_us
        elif result is Result.MISS:
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
                result=result,
                settled_us=settled_us,
            )
        )
    return tuple(releases)


@lru_cache(maxsize=256)
def _let_downs(seed: int, lane: int, block: int, arrows_per_end: int) -> dict[int, int]:
    """Return the let-downs of a block: index of the end in the block -> index of the arrow in the end."""
    draws = Draws(seed, lane, "let-downs", block)
    return {end: draws.below(arrows_per_end) for end in draws.pick(_BLOCK_LET_DOWNS, _BLOCK_ENDS)}


def _instants(attempts: Sequence[Attempt], speed: float) -> list[tuple[int, int]]:
    """Return the instants (engaged, released) of the attempts, in microseconds from the start of the slot.

    Waits are divided by the speed, and shortened further when they exceed the shooting time.
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
