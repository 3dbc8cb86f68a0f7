"""Simulated Arch-Stats link devices: a link node, its clock and its boot ids, on a lane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from drivers.contract import DeviceKind
from drivers.link import codec as link
from simulators.devices.clock import ClockOptions, draw_clock
from simulators.devices.contract import DeviceSpec, Simulator
from simulators.devices.lane_device import LaneDevice, birth_us
from simulators.devices.link_node import NodeSpec, SimulatedLinkNode
from simulators.devices.threshold import Handling, is_edge_sensed
from simulators.world.draws import Draws
from simulators.world.range import Event, World

_FIRMWARE = "archstats-simulator 1"
_KINDS = {link.NodeKind.BOW: DeviceKind.BOW, link.NodeKind.TARGET: DeviceKind.TARGET}


@dataclass(frozen=True, slots=True)
class SensorProfile:
    """The properties in which link nodes differ: kind, battery and sensed events."""

    kind: link.NodeKind
    battery_percent: int | None
    """Charge of the battery; None for a node on mains power."""
    sense: Callable[[Event], link.Event | None]
    """The node's event for an event of its lane; None for one that the node does not sense."""


class LinkDevice(LaneDevice[link.Event]):
    """A link node on its lane."""

    node: SimulatedLinkNode

    def __init__(
        self, profile: SensorProfile, spec: DeviceSpec, world: World, now_us: int, options: ClockOptions
    ) -> None:
        born_us = birth_us(world, now_us)
        clock = draw_clock(world.seed, spec.name, born_us, options, saw_everything=born_us <= world.start_us)
        node = SimulatedLinkNode(
            NodeSpec(
                number=spec.lane * 10 + profile.kind,
                kind=profile.kind,
                firmware=_FIRMWARE,
                battery_percent=profile.battery_percent,
                rssi_dbm=None,
                answers_time=options.answers,
            ),
            clock,
            _boot_ids(world.seed, spec.name, born_us),
            born_us,
        )
        super().__init__(spec, world, node, profile.sense, born_us)
        self._seed = world.seed
        self._handling: Handling[link.Event] = Handling(world, spec.lane, spec.name, born_us, profile.sense)

    def next_due_us(self) -> int:
        """Return the instant at which ``poll`` has work again."""
        due_us, false_us = super().next_due_us(), self._handling.next_due_us(self.node.config)
        return due_us if false_us is None else min(due_us, false_us)

    def _reaches_node(self, event: link.Event, at_us: int) -> bool:
        levelled = not isinstance(event, link.Tags | link.Pin)
        return not levelled or is_edge_sensed(self.node.config, self._seed, self.spec.name, at_us)

    def _false_events(self, until_us: int) -> list[tuple[int, link.Event]]:
        false: list[tuple[int, link.Event]] = self._handling.take(until_us, self.node.config)
        false += super()._false_events(until_us)
        return sorted(false, key=lambda sensed: sensed[0])

    def hurting_texts(self, number: int, now_us: int) -> list[bytes]:
        """Return frames with texts that hurt, chosen by ``number``."""
        self._catch_up(now_us)
        return self.node.hurting_texts(number, now_us)


def link_simulator(driver: str, profile: SensorProfile) -> Simulator:
    """Return the simulator of the link nodes that a driver reads."""
    return Simulator(driver, _KINDS[profile.kind], split_stream, partial(LinkDevice, profile))


def split_stream(data: bytes) -> tuple[list[bytes], bytes]:
    """Divide link bytes into complete frames, each with its end byte, and the rest."""
    *bodies, rest = data.split(link.FRAME_END)
    return [body + link.FRAME_END for body in bodies], rest


def _boot_ids(seed: int, device: str, started_us: int) -> Iterator[int]:
    """Yield boot ids. The start is part of the stream's name, so that a device that starts later repeats none."""
    draws = Draws(seed, device, "boots", started_us)
    while True:
        yield 1 + draws.below(0xFFFF_FFFF)
