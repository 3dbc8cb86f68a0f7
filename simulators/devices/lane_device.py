"""A simulated device on its lane: feeds what the world does there to the node, at the right instants."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from drivers.link import codec as link
from simulators.devices.bow_link import BOW
from simulators.devices.clock import AS_DRAWN, ClockOrder, draw_clock
from simulators.devices.link_node import LinkNode, NodeSpec
from simulators.devices.target_link import TARGET
from simulators.world.draws import Draws
from simulators.world.range import World

_SENSING = {"bow.link": BOW, "target.link": TARGET}
DRIVERS = tuple(_SENSING)
_FIRMWARE = "archstats-simulator 1"
HEAD_START_US = 10_000_000
"""A range's processes may take so long to come up and still miss nothing."""
_AHEAD_US = 30_000_000
"""How far the world is looked up in advance."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """Which device stands where."""

    name: str
    driver: str
    """One of ``DRIVERS``."""
    lane: int


class LaneDevice:
    """A node on a lane. Times do not go back.

    What happened before ``now_us`` at its making is not sensed, unless the world began within ``HEAD_START_US`` before:
    then the node was there from the start, whoever makes it, with one boot id and one clock, and tells all since.
    """

    def __init__(
        self, spec: DeviceSpec, world: World, now_us: int, *, drift_ppm: float = 40.0, wanted: ClockOrder = AS_DRAWN
    ) -> None:
        sensing = _SENSING.get(spec.driver)
        if sensing is None:
            raise ValueError(f"no simulator speaks for driver {spec.driver!r}; there are {', '.join(DRIVERS)}")
        self.spec = spec
        self._sense = sensing.sense
        self._world = world
        self._upcoming: deque[tuple[int, link.Event]] = deque()
        from_start = 0 <= now_us - world.start_us <= HEAD_START_US
        born_us = world.start_us if from_start else now_us
        saw_everything = born_us <= world.start_us
        self._looked_until_us = born_us
        clock = draw_clock(
            world.seed, spec.name, born_us, drift_ppm=drift_ppm, saw_everything=saw_everything, wanted=wanted
        )
        self.node = LinkNode(
            NodeSpec(
                spec.lane * 10 + sensing.kind,
                sensing.kind,
                _FIRMWARE,
                sensing.battery_percent,
                rssi_dbm=None,
                answers_time=wanted.answers,
            ),
            clock,
            _boot_ids(world.seed, spec.name, born_us),
            born_us,
        )

    def poll(self, now_us: int) -> list[bytes]:
        """Sense all up to ``now_us`` and return the frames that are due."""
        self._catch_up(now_us)
        return self.node.poll(now_us)

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Take bytes of the hub and return the answers."""
        self._catch_up(now_us)
        return self.node.receive(data, now_us)

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Reboot the node; what happens in the blind time is lost to it."""
        self._catch_up(now_us)
        self.node.reboot(now_us, blind_us)

    def next_due_us(self) -> int:
        """Return when ``poll`` has something to do again."""
        self._look_ahead()
        coming = self._upcoming[0][0] if self._upcoming else self._looked_until_us
        return min(coming, self.node.next_due_us())

    def may_reboot(self, now_us: int, blind_us: int) -> bool:
        """Whether a reboot now leaves the truth sensed: what a node slept through no database can hold."""
        hidden = self._world.events(self.spec.lane, now_us, now_us + blind_us + 1)
        return not any(self._sense(event) is not None for event in hidden)

    def _catch_up(self, now_us: int) -> None:
        while self._looked_until_us <= now_us or (self._upcoming and self._upcoming[0][0] <= now_us):
            self._look_ahead()
            while self._upcoming and self._upcoming[0][0] <= now_us:
                at_us, event = self._upcoming.popleft()
                self.node.sense(event, at_us)

    def _look_ahead(self) -> None:
        """Look up the next stretch of the world once the last one is used up."""
        if self._upcoming:
            return
        since_us, self._looked_until_us = self._looked_until_us, self._looked_until_us + _AHEAD_US
        for happened in self._world.events(self.spec.lane, since_us, self._looked_until_us):
            event = self._sense(happened)
            if event is not None:
                self._upcoming.append((happened.at_us, event))


def _boot_ids(seed: int, device: str, started_us: int) -> Iterator[int]:
    """Yield boot ids: the start is part of the name, so a simulator that is started again later never reuses one."""
    draws = Draws(seed, device, "boots", started_us)
    while True:
        yield 1 + draws.below(0xFFFF_FFFF)
