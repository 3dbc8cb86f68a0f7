"""Signal levels of a simulated link node, so that its settings act as those of a real sensor. Pure.

Each event of the world has a level, and is sensed only if that reaches the node's threshold. The string of a bow that is handled
gives weaker signals, which a low threshold takes for edges, and its switch bounces, which a short window takes for more of them.
The settings of a new node, 100 and 50 ms, sense exactly the true events.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Generic, TypeVar

from drivers.link import codec as link
from simulators.world.draws import Draws
from simulators.world.range import Event, EventKind, World

LOUDEST_BUMP: Final = 70
"""Level of the strongest handling noise: a threshold above it senses none."""
QUIETEST_BUMP: Final = 25
WEAKEST_EDGE: Final = 180
"""Level of the weakest true event: a threshold up to it misses none."""
STRONGEST_EDGE: Final = 260
LONGEST_BOUNCE_MS: Final = 40
"""Latest bounce after an edge: a window above it senses none."""
SHORTEST_BOUNCE_MS: Final = 5
BUMPS: Final = 3
"""Handling noise of one nocking."""

_BUMP_US: Final = 120_000
"""Time for which a bump lifts the arrow off the switch."""
_FIRST_BUMP_US, _LAST_BUMP_US = 200_000, 1_200_000
"""Interval after a nocking in which the bumps begin, at speed 1."""
_AHEAD_US: Final = 30_000_000

SensedT = TypeVar("SensedT")


def edge_level(seed: int, device: str, at_us: int) -> float:
    """Signal level of the true event at an instant."""
    return Draws(seed, device, "edge", at_us).uniform(WEAKEST_EDGE, STRONGEST_EDGE)


def is_edge_sensed(config: link.Config, seed: int, device: str, at_us: int) -> bool:
    """Whether a node with these settings senses the true event at an instant."""
    return config.threshold <= WEAKEST_EDGE or edge_level(seed, device, at_us) >= config.threshold


class Handling(Generic[SensedT]):
    """The false edges that a bow may sense, from ``since_us`` on."""

    def __init__(
        self, world: World, lane: int, device: str, since_us: int, sense: Callable[[Event], SensedT | None]
    ) -> None:
        self._world = world
        self._lane = lane
        self._device = device
        self._sense = sense
        self._known_to_us = self._taken_us = since_us
        self._coming: list[tuple[int, float, int, SensedT]] = []
        """Instant, level, milliseconds since the edge, and the event; in order of time."""

    def take(self, until_us: int, config: link.Config) -> list[tuple[int, SensedT]]:
        """The false edges up to ``until_us`` that were not taken yet, as the node's settings let them through."""
        if _is_quiet(config):
            self._taken_us = until_us
            return []
        self._look_ahead(until_us)
        taken = []
        while self._coming and self._coming[0][0] <= until_us:
            at_us, level, after_ms, event = self._coming.pop(0)
            if at_us > self._taken_us and level >= config.threshold and after_ms >= config.window_ms:
                taken.append((at_us, event))
        self._taken_us = until_us
        return taken

    def next_due_us(self, config: link.Config) -> int | None:
        """The instant at which there may be another one; None while the settings let none through."""
        if _is_quiet(config):
            return None
        self._look_ahead(self._taken_us)
        return self._coming[0][0] if self._coming else self._known_to_us

    def _look_ahead(self, until_us: int) -> None:
        """Know all false edges up to ``until_us``, and some more."""
        if self._taken_us > self._known_to_us:
            self._known_to_us, self._coming = self._taken_us, []
        while self._known_to_us <= until_us:
            since_us = self._known_to_us - _LAST_BUMP_US - _BUMP_US
            self._known_to_us += _AHEAD_US
            for edge in self._world.events(self._lane, since_us, self._known_to_us):
                for found in self._around(edge):
                    if self._known_to_us - _AHEAD_US <= found[0] < self._known_to_us:
                        insort(self._coming, found, key=lambda coming: coming[0])

    def _around(self, edge: Event) -> list[tuple[int, float, int, SensedT]]:
        """The bounce of one true edge, and the bumps after a nocking."""
        if edge.kind not in (EventKind.ENGAGE, EventKind.RELEASE):
            return []
        draws = Draws(self._world.seed, self._device, "handling", edge.at_us)
        bounce_ms = draws.uniform(SHORTEST_BOUNCE_MS, LONGEST_BOUNCE_MS)
        found = self._event(edge, edge.kind, edge.at_us + round(bounce_ms * 1000), WEAKEST_EDGE, int(bounce_ms))
        if edge.kind is EventKind.ENGAGE:
            for _ in range(BUMPS):
                level = draws.uniform(QUIETEST_BUMP, LOUDEST_BUMP)
                at_us = edge.at_us + round(draws.uniform(_FIRST_BUMP_US, _LAST_BUMP_US) / self._world.speed)
                found += self._event(edge, EventKind.RELEASE, at_us, level, 0xFFFF)
                found += self._event(edge, EventKind.ENGAGE, at_us + _BUMP_US, level, 0xFFFF)
        return found

    def _event(
        self, edge: Event, kind: EventKind, at_us: int, level: float, after_ms: int
    ) -> list[tuple[int, float, int, SensedT]]:
        event = self._sense(replace(edge, kind=kind, at_us=at_us))
        return [] if event is None else [(at_us, level, after_ms, event)]


def _is_quiet(config: link.Config) -> bool:
    """Whether the settings let no false edge through."""
    return config.threshold > LOUDEST_BUMP and config.window_ms > LONGEST_BOUNCE_MS
