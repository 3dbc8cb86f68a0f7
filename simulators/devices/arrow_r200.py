"""Simulated scanner for ``arrow.r200``: an R200 reader with a pad, or one to which the archer of a lane holds each arrow.

Variants: ``desk`` has a pad on which an operator places tags; at ``lane`` the archer holds each arrow to the scanner before
nocking it. While tags are on the pad of a ``lane`` scanner, they are in its field instead. Both exist with the frames of
present R200 boards, too: ``desk-aa`` and ``lane-aa``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from drivers.contract import DeviceKind
from drivers.r200.codec import Dialect, split_frames
from simulators.devices.clock import ClockOptions
from simulators.devices.contract import DeviceFault, DeviceSpec, SimulatedDevice, Simulator, TagState
from simulators.devices.lane_device import birth_us
from simulators.devices.r200.reader import R200Reader
from simulators.devices.tag_pad import DefaultTag, InField, Pad, arrow_in_hand
from simulators.world.draws import Draws
from simulators.world.range import EventKind, World

HELD_US: Final = 500_000
"""Time for which the archer holds an arrow to the scanner."""
BEFORE_NOCK_US: Final = 80_000
"""Time from that until the arrow is on the string."""
AFTER_NOCK_US: Final = 60_000
"""Shortest time from nocking an arrow until the next one is held to the scanner."""
_AHEAD_US: Final = 30_000_000
"""Length of the interval of the world that is looked up in advance."""


class Variant(StrEnum):
    """Variant of the scanner: its place, and the dialect of its frames."""

    DESK = "desk"
    DESK_AA = "desk-aa"
    LANE = "lane"
    LANE_AA = "lane-aa"

    @property
    def dialect(self) -> Dialect:
        """Dialect of its frames."""
        return Dialect.R200 if self.endswith("-aa") else Dialect.M100

    @property
    def is_at_lane(self) -> bool:
        """Whether the archer holds arrows to it."""
        return self.startswith("lane")


class HeldArrows:
    """The arrows that the archer of a lane holds to the scanner, one after the other, from ``born_us`` on."""

    def __init__(self, world: World, lane: int, born_us: int) -> None:
        self._world = world
        self._lane = lane
        self._born_us = self._looked_up_to_us = born_us
        self._nocked_us = 0
        self._upcoming: deque[tuple[int, int, UUID]] = deque()
        self._arrows = {arrow.id: arrow_in_hand(arrow, world.seed) for arrow in world.lane(lane).arrows}

    def at(self, now_us: int) -> list[InField]:
        """Return the arrow that is held to the scanner now, if any. Times do not go back."""
        self._look_ahead(now_us + HELD_US + BEFORE_NOCK_US)
        while self._upcoming and self._upcoming[0][1] <= now_us:
            self._upcoming.popleft()
        if not self._upcoming or now_us < self._upcoming[0][0]:
            return []
        return [self._arrows[self._upcoming[0][2]]]

    def hides(self, since_us: int, until_us: int) -> bool:
        """Whether an arrow is held to the scanner in an interval that begins now."""
        self._look_ahead(until_us + HELD_US + BEFORE_NOCK_US)
        return any(begin < until_us and end > since_us for begin, end, _ in self._upcoming)

    def _look_ahead(self, until_us: int) -> None:
        while self._looked_up_to_us <= until_us:
            since_us, self._looked_up_to_us = self._looked_up_to_us, self._looked_up_to_us + _AHEAD_US
            for event in self._world.events(self._lane, since_us, self._looked_up_to_us):
                if event.kind is EventKind.ENGAGE and event.arrow_id is not None:
                    end_us = event.at_us - BEFORE_NOCK_US
                    begin_us = max(end_us - HELD_US, self._nocked_us + AFTER_NOCK_US)
                    self._nocked_us = event.at_us
                    self._upcoming.append((begin_us, end_us, event.arrow_id))


class Scanner:
    """A scanner of one lane: the reader, its pad, and at a lane the arrows in the archer's hand."""

    def __init__(self, spec: DeviceSpec, world: World, now_us: int) -> None:
        variant = Variant(spec.variant or Variant.DESK)
        born_us = birth_us(world, now_us)
        self.spec = spec
        self.pad = Pad(world.seed, spec.name, world.lane(spec.lane).arrows[0], born_us)
        if not variant.is_at_lane:
            self.pad.place([DefaultTag.BLANK])
        self._held = HeldArrows(world, spec.lane, born_us) if variant.is_at_lane else None
        self.reader = R200Reader(variant.dialect, Draws(world.seed, spec.name, "radio", born_us), self.tags_at, now_us)

    @property
    def baud(self) -> int:
        """Bit rate of the reader's line."""
        return self.reader.settings.baud

    def tags_at(self, now_us: int) -> Sequence[InField]:
        """Return the tags in the field."""
        held = [] if self._held is None else self._held.at(now_us)
        return self.pad.tags or held

    def place(self, tags: Sequence[str], far: Sequence[str], now_us: int) -> None:
        """Place exactly these tags. A write that runs goes on without a tag that is gone. Raises ValueError for an unknown tag."""
        self.reader.advance(now_us)
        self.pad.place(tags, far)

    def placed(self) -> list[TagState]:
        """Return the tags on the pad and beside it."""
        return [one.state() for one in self.pad.tags]

    def cause_faults(self, chances: Mapping[DeviceFault, float], seed: int) -> None:
        """Have these faults from now on."""
        self.reader.cause_faults(chances, Draws(seed, self.spec.name, "device faults"))

    def faults_counted(self) -> Mapping[str, int]:
        """Return the count of each fault."""
        return {str(name): count for name, count in sorted(self.reader.counted.items()) if count}

    def poll(self, now_us: int) -> list[bytes]:
        """Return the frames that are due."""
        return self.reader.poll(now_us)

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Process bytes from the hub and return the frames that are due."""
        return self.reader.receive(data, now_us)

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Reset the reader, which forgets its settings. The tags stay where they are."""
        self.reader.reboot(now_us, blind_us)

    def may_reboot(self, now_us: int, blind_us: int) -> bool:
        """Whether no arrow is held to the scanner meanwhile."""
        return self._held is None or not self._held.hides(now_us, now_us + blind_us)

    def hurting_texts(self, number: int, now_us: int) -> list[bytes]:
        """Return no frame: the reader sends texts only when it is asked. ``number`` and ``now_us`` choose nothing."""
        del number, now_us
        return []

    def next_due_us(self) -> int:
        """Return the instant at which :meth:`poll` has work again."""
        return self.reader.next_due_us()


def make(spec: DeviceSpec, world: World, now_us: int, clock: ClockOptions) -> SimulatedDevice:
    """Return the scanner of ``spec``. It has no clock, so ``clock`` has no effect."""
    del clock
    return Scanner(spec, world, now_us)


_QUICK: Final = {"ARCH_STATS_POLL_MS": "50", "ARCH_STATS_DEBOUNCE_S": "0.4"}
"""At speed 20 an archer holds an arrow to the scanner for a seventh of a second, and a let-down one again after a second."""

SIMULATOR = Simulator(
    "arrow.r200",
    DeviceKind.ARROW,
    split_frames,
    make,
    variants=tuple(Variant),
    settings={"ARCH_STATS_REGION": "eu"},
    variant_settings={Variant.LANE: _QUICK, Variant.LANE_AA: _QUICK},
    scanning_variant=Variant.LANE,
)
