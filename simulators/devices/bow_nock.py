"""Simulated bow for ``bow.nock``: a nock switch that bounces, and two light gates in front of the bow, or the switch alone.

The drawn arrow lies behind both gates. When it is shot, its point interrupts A and B, and its end clears them after the nock
has left the string. An arrow that is let down comes to lie in the gates again, and a hand takes it out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Final

from drivers.contract import DeviceKind
from simulators.devices.contract import DeviceSpec, Drive, PinSimulator
from simulators.world.draws import Draws
from simulators.world.range import Event, EventKind, World
from simulators.world.vocabulary import Result

NOCK, GATE_A, GATE_B = 17, 22, 23
"""Lines of the switch and the gates."""
GATE_MM: Final = 50.0
ENGAGED: Final = False
"""Level of the switch with an arrow: it closes to ground."""
BLOCKED: Final = True
"""Level of a gate with an arrow in it: its transistor gets no light."""

WITH_GATES, SWITCH_ALONE = "gates", "switch"
"""Variants of the device."""

BURST_US: Final = 15_000
"""Longest time for which the contact bounces."""
_MOST_BOUNCES = 6
_SHORT_US = (15.0, 60.0)
"""Length of a pulse that the kernel reads too late: its two edges have the same direction."""
_SHORT_SHARE = 0.4
_FIRST_READ_LATE = 0.15
"""Share of bursts whose first pulse is so short."""

_LAID_US, _DRAWN_US = 40_000, 70_000
"""Time from nocking until the arrow lies in the gates, and until it is drawn out of them."""
_APART_US = 5_000
"""Time between the two gates while a hand moves the arrow."""
_POINT_US = -9_000
"""Time from the release until the point reaches gate A: before the nock leaves the string."""
_END_US = 5_000
"""Time from the release until the arrow's end clears gate A."""
_DOWN_US = -40_000
"""Time from the release until an arrow that is let down lies in gate A again."""
_TAKEN_US = 60_000
_TAKING_US = 40_000
"""Time from the release until a hand has taken the arrow out of gate B, and from there out of gate A."""

_AHEAD_US = 30_000_000
"""Length of the interval of the world that is looked up at a time."""
_EARLY_US = 1_000_000
"""Time by which an interval is looked up early: gates change before the release."""
_PAST_US = 300_000_000
"""Longest time for which an arrow is on the string."""


class NockSwitch:
    """The switch and gates of one lane's bow, from ``now_us`` on; of the variant ``switch`` the switch alone."""

    def __init__(self, spec: DeviceSpec, world: World, now_us: int) -> None:
        self.spec = spec
        self._has_gates = spec.variant != SWITCH_ALONE
        self._world = world
        self._born_us = now_us
        self._looked_up_to_us = now_us
        self._upcoming: list[tuple[int, int, Drive]] = []
        self._count = 0

    def levels(self) -> Mapping[int, bool]:
        """Return the level of each line at the start."""
        before = [
            event
            for event in self._world.events(self.spec.lane, self._born_us - _PAST_US, self._born_us)
            if event.kind in (EventKind.ENGAGE, EventKind.RELEASE)
        ]
        engaged = bool(before) and before[-1].kind is EventKind.ENGAGE
        gates = {GATE_A: not BLOCKED, GATE_B: not BLOCKED} if self._has_gates else {}
        return {NOCK: ENGAGED if engaged else not ENGAGED, **gates}

    def poll(self, now_us: int) -> list[Drive]:
        """Return the changes up to ``now_us``."""
        self._look_ahead(now_us)
        due: list[Drive] = []
        while self._upcoming and self._upcoming[0][0] <= now_us:
            due.append(heapq.heappop(self._upcoming)[2])
        return due

    def next_due_us(self) -> int:
        """Return the instant of the next change, or of the next look into the world."""
        looks_us = self._looked_up_to_us - _EARLY_US
        return min(self._upcoming[0][0], looks_us) if self._upcoming else looks_us

    def _look_ahead(self, now_us: int) -> None:
        while self._looked_up_to_us <= now_us + _EARLY_US:
            since_us, self._looked_up_to_us = self._looked_up_to_us, self._looked_up_to_us + _AHEAD_US
            for event in self._world.events(self.spec.lane, since_us, self._looked_up_to_us):
                for drive in self._changes(event):
                    if drive.at_us >= self._born_us and (self._has_gates or drive.pin == NOCK):
                        self._count += 1
                        heapq.heappush(self._upcoming, (drive.due_us, self._count, drive))

    def _changes(self, event: Event) -> Iterator[Drive]:
        at_us = event.at_us
        if event.kind is EventKind.ENGAGE:
            yield from bounce(NOCK, at_us, ENGAGED, self._draws(event))
            yield from (Drive(at_us + _LAID_US, GATE_A, BLOCKED), Drive(at_us + _LAID_US + _APART_US, GATE_B, BLOCKED))
            clear = not BLOCKED
            yield from (Drive(at_us + _DRAWN_US, GATE_B, clear), Drive(at_us + _DRAWN_US + _APART_US, GATE_A, clear))
        elif event.kind is EventKind.RELEASE:
            yield from bounce(NOCK, at_us, not ENGAGED, self._draws(event))
            yield from self._taken_off(at_us) if self._is_let_down(at_us) else self._shot(at_us)

    def _shot(self, at_us: int) -> Iterator[Drive]:
        between_us = round(GATE_MM * 1000 / self._world.archer(self.spec.lane).launch_mps)
        for since_us, level in ((at_us + _POINT_US, BLOCKED), (at_us + _END_US, not BLOCKED)):
            yield Drive(since_us, GATE_A, level)
            yield Drive(since_us + between_us, GATE_B, level)

    def _taken_off(self, at_us: int) -> Iterator[Drive]:
        yield Drive(at_us + _DOWN_US, GATE_A, BLOCKED)
        yield Drive(at_us + _DOWN_US + _APART_US, GATE_B, BLOCKED)
        yield Drive(at_us + _TAKEN_US, GATE_B, not BLOCKED)
        yield Drive(at_us + _TAKEN_US + _TAKING_US, GATE_A, not BLOCKED)

    def _is_let_down(self, at_us: int) -> bool:
        return any(
            release.result is Result.NOT_SHOT for release in self._world.releases(self.spec.lane, at_us, at_us + 1)
        )

    def _draws(self, event: Event) -> Draws:
        return Draws(self._world.seed, self.spec.name, "contact", event.at_us)


def bounce(pin: int, at_us: int, level: bool, draws: Draws) -> list[Drive]:
    """Return a burst of a contact that changes to ``level`` at ``at_us`` and bounces for at most :data:`BURST_US`.

    The daemon gets it whole, as the kernel buffers it: the threads of a busy machine must not make two bursts of it.
    """
    is_read_late = draws.uniform() < _FIRST_READ_LATE
    changes = [Drive(at_us, pin, level, (not level) if is_read_late else None)]
    last_us = at_us
    if is_read_late:
        last_us = at_us + round(draws.uniform(*_SHORT_US))
        changes.append(Drive(last_us, pin, not level))
    span_us = at_us + BURST_US - last_us
    starts_us = sorted(last_us + draws.uniform(0.05, 0.9) * span_us for _ in range(draws.below(_MOST_BOUNCES)))
    for start_us, until_us in pairwise([*starts_us, at_us + BURST_US]):
        is_short = draws.uniform() < _SHORT_SHARE
        length_us = draws.uniform(*_SHORT_US) if is_short else draws.uniform(0.2, 0.9) * (until_us - start_us)
        end_us = min(start_us + length_us, until_us)
        if changes[-1].level is level:
            changes.append(Drive(round(start_us), pin, not level, level if is_short else None))
        changes.append(Drive(round(end_us), pin, level))
    if changes[-1].level is not level:
        changes.append(Drive(at_us + BURST_US, pin, level))
    return [replace(change, delivered_us=changes[-1].at_us) for change in changes]


_SWITCH: Final = {
    "ARCH_STATS_NOCK_PIN": str(NOCK),
    "ARCH_STATS_NOCK_ACTIVE": "low",
    "ARCH_STATS_NOCK_BIAS": "up",
}
_GATES: Final = {
    "ARCH_STATS_GATE_A_PIN": str(GATE_A),
    "ARCH_STATS_GATE_B_PIN": str(GATE_B),
    "ARCH_STATS_GATE_BLOCKED": "high",
    "ARCH_STATS_GATE_MM": f"{GATE_MM:g}",
}

SIMULATOR = PinSimulator(
    driver="bow.nock",
    kind=DeviceKind.BOW,
    settings={**_SWITCH, **_GATES},
    make=NockSwitch,
    reads_tags=False,
    variants={WITH_GATES: {**_SWITCH, **_GATES}, SWITCH_ALONE: _SWITCH},
)
