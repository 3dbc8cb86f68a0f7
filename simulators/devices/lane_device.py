"""A simulated device on its lane: feeds the world's events to a node at the right instants, for any kind of node."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from simulators.devices.chatter import Chatter, Noise
from simulators.devices.contract import HEAD_START_US, DeviceSpec
from simulators.devices.miscalibration import Miscalibration
from simulators.world.draws import Draws
from simulators.world.range import Event, EventKind, World

_AHEAD_US = 30_000_000
"""Length of the interval of the world that is looked up in advance."""

SensedT = TypeVar("SensedT")
_SensedT_contra = TypeVar("_SensedT_contra", contravariant=True)


class Node(Protocol[_SensedT_contra]):
    """State machine of one device: sensed events, bytes and time in, frames out."""

    def sense(self, event: _SensedT_contra, at_us: int) -> None:
        """Store an event that happened at ``at_us``. Called before ``poll`` of that instant."""
        ...

    def poll(self, now_us: int) -> list[bytes]:
        """Return the frames that are due."""
        ...

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Process bytes from the hub and return the answers."""
        ...

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Stop at ``now_us`` and start again ``blind_us`` later."""
        ...

    def next_due_us(self) -> int:
        """Return the instant at which ``poll`` has work again."""
        ...


def birth_us(world: World, now_us: int) -> int:
    """Return the instant from which a device that is made now senses: the world's start if that is recent, else now."""
    return world.start_us if 0 <= now_us - world.start_us <= HEAD_START_US else now_us


class LaneDevice(Generic[SensedT]):
    """A node on a lane, from ``born_us`` on. Times do not go back."""

    def __init__(
        self,
        spec: DeviceSpec,
        world: World,
        node: Node[SensedT],
        sense: Callable[[Event], SensedT | None],
        born_us: int,
    ) -> None:
        """``sense`` returns the node's own event for an event of the world, None for one that it does not sense."""
        self.spec = spec
        self.node = node
        self._world = world
        self._sense = sense
        self._upcoming: deque[tuple[int, SensedT]] = deque()
        self._looked_up_to_us = born_us
        self._noise: Noise[SensedT] | None = None
        self._miscalibration: Miscalibration | None = None

    def chatter(self, chatter: Chatter, now_us: int) -> None:
        """Sense false events, too. Raises ValueError for a device that senses none of those that chatter."""
        draws = Draws(self._world.seed, self.spec.name, "chatter")
        self._noise = Noise(chatter, now_us, self.spec.lane, draws, self._sense)

    def miscalibrate(self, miscalibration: Miscalibration) -> None:
        """Place every position as a sensor with this error does, from the next event of the world on."""
        self._miscalibration = miscalibration

    def press(self, x_mm: float, y_mm: float, now_us: int) -> EventKind:
        """Press the calibration probe at a point of the butt; a device without one gets an arrow there.

        Returns the kind of the event. Raises ValueError for a device that senses neither.
        """
        self._catch_up(now_us)
        for kind in (EventKind.PIN, EventKind.LANDING):
            event = self._sensed(Event(now_us, self.spec.lane, kind, None, x_mm, y_mm))
            if event is not None:
                self.node.sense(event, now_us)
                return kind
        raise ValueError(f"{self.spec.name} senses no position on a butt")

    def poll(self, now_us: int) -> list[bytes]:
        """Sense everything up to ``now_us`` and return the frames that are due."""
        self._catch_up(now_us)
        return self.node.poll(now_us)

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Process bytes from the hub and return the answers."""
        self._catch_up(now_us)
        return self.node.receive(data, now_us)

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Reboot the node, which senses nothing for ``blind_us``."""
        self._catch_up(now_us)
        self.node.reboot(now_us, blind_us)

    def next_due_us(self) -> int:
        """Return the instant at which ``poll`` has work again."""
        self._look_ahead()
        upcoming_us = self._upcoming[0][0] if self._upcoming else self._looked_up_to_us
        noise_us = None if self._noise is None else self._noise.next_due_us()
        return min(upcoming_us, self.node.next_due_us(), upcoming_us if noise_us is None else noise_us)

    def hurting_texts(self, number: int, now_us: int) -> list[bytes]:
        """Return no frame: a node without texts. ``number`` and ``now_us`` choose nothing."""
        del number, now_us
        return []

    def may_reboot(self, now_us: int, blind_us: int) -> bool:
        """Whether a reboot now loses no event that the node would sense."""
        hidden = self._world.events(self.spec.lane, now_us, now_us + blind_us + 1)
        return not any(self._sense(event) is not None for event in hidden)

    def _catch_up(self, now_us: int) -> None:
        while self._looked_up_to_us <= now_us or (self._upcoming and self._upcoming[0][0] <= now_us):
            self._look_ahead()
            while self._upcoming and self._upcoming[0][0] <= now_us:
                at_us, event = self._upcoming.popleft()
                self._sense_noise(at_us)
                if self._reaches_node(event, at_us):
                    self.node.sense(event, at_us)
        self._sense_noise(now_us)

    def _sense_noise(self, until_us: int) -> None:
        for at_us, event in self._false_events(until_us):
            self.node.sense(event, at_us)

    def _reaches_node(self, event: SensedT, at_us: int) -> bool:
        """Whether the sensor passes an event of the world on to the node."""
        del event, at_us
        return True

    def _false_events(self, until_us: int) -> list[tuple[int, SensedT]]:
        """The events up to ``until_us`` that did not happen and that the sensor passes on, in order of time."""
        return self._noise.take(until_us) if self._noise else []

    def _sensed(self, event: Event) -> SensedT | None:
        """The node's own event, at the place where its sensor places it."""
        return self._sense(event if self._miscalibration is None else self._miscalibration.distort(event))

    def _look_ahead(self) -> None:
        """Look up the next interval of the world once the previous one is used up."""
        if self._upcoming:
            return
        since_us, self._looked_up_to_us = self._looked_up_to_us, self._looked_up_to_us + _AHEAD_US
        for happened in self._world.events(self.spec.lane, since_us, self._looked_up_to_us):
            event = self._sensed(happened)
            if event is not None:
                self._upcoming.append((happened.at_us, event))
