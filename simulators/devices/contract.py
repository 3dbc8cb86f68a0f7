"""The interface of every simulated device, and the description by which the registry offers it.

A simulated device stands for one real device: at the far end of a serial line, bytes and time in, frames out; or at the
daemon's own pins, time in, levels out. It reads no clock. Every method that takes ``now_us`` is called with times that do not go back: microseconds since the Unix epoch on a
time line that is anchored once and never stepped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from drivers.contract import DeviceKind
from simulators.devices.clock import ClockOptions
from simulators.world.range import World

HEAD_START_US = 10_000_000
"""Longest time from the world's start to the start of a device that still counts as present from the start."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """Name, driver and lane of one simulated device."""

    name: str
    driver: str
    """Name of the driver that reads the device, as in the registry."""
    lane: int
    variant: str = ""
    """Variant of the device, such as the generation of its firmware; empty for the usual one."""


class SimulatedDevice(Protocol):
    """One simulated device on its lane."""

    @property
    def spec(self) -> DeviceSpec:
        """Name, driver and lane of the device."""
        ...

    def poll(self, now_us: int) -> list[bytes]:
        """Sense everything up to ``now_us`` and return the frames that are due."""
        ...

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Process bytes from the hub and return the answers, each a whole frame."""
        ...

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Reboot the device, which senses nothing for ``blind_us``."""
        ...

    def may_reboot(self, now_us: int, blind_us: int) -> bool:
        """Whether a reboot now loses no event that the device would sense."""
        ...

    def hurting_texts(self, number: int, now_us: int) -> list[bytes]:
        """Return frames with texts that hurt, chosen by ``number``; none for a device that sends no text."""
        ...

    def next_due_us(self) -> int:
        """Return the instant at which :meth:`poll` has work again, if nothing is received before."""
        ...


class DeviceFault(StrEnum):
    """A fault of a device itself, which no line can make; devices that do not know one ignore it."""

    LATE = "late"
    """The answer comes 0.6 to 1.5 s late, and later answers queue behind it."""
    LEAVE = "leave"
    """The tag leaves the field for 0.2 to 1 s, in the middle of a write too, which is then torn."""
    MISSUM = "missum"
    """An error has the sum that a vendor's manual misprints."""
    MISCRC = "miscrc"
    """A tag's own CRC is wrong, in a frame with the right sum."""
    GARBAGE = "garbage"
    """Up to four bytes precede a frame."""


@runtime_checkable
class FaultyDevice(Protocol):
    """A device that can have faults of its own."""

    def cause_faults(self, chances: Mapping[DeviceFault, float], seed: int) -> None:
        """Have these faults from now on, each with its chance per command or answer; draw them from ``seed``."""
        ...

    def faults_counted(self) -> Mapping[str, int]:
        """Return the count of each fault."""
        ...


@runtime_checkable
class RatedDevice(Protocol):
    """A device whose line has a bit rate: a hub that sets another one on its terminal hears and sends other bytes."""

    @property
    def baud(self) -> int:
        """Bit rate now."""
        ...


@dataclass(frozen=True, slots=True)
class TagState:
    """One tag on the pad of a scanner, as an operator sees it."""

    name: str
    """Name of the default tag that it is, such as ``blank``."""
    place: str
    """``pad``, or ``far`` for 30 cm away."""
    tid: str
    epc: str
    """EPC as an inventory shows it; hex."""
    pc: str
    memory: str
    """Whole memory of the EPC; hex."""
    locks: str
    """Each part of the memory that is not open, with its lock: ``epc forever``. Empty for a tag without a lock."""


@runtime_checkable
class TagPad(Protocol):
    """A scanner on which an operator places tags."""

    def place(self, tags: Sequence[str], far: Sequence[str], now_us: int) -> None:
        """Place exactly these tags on the pad, and ``far`` ones 30 cm away. Raises ValueError for an unknown tag."""
        ...

    def placed(self) -> list[TagState]:
        """Return the tags on the pad and beside it."""
        ...


class Framing(Protocol):
    """The way in which a device's byte stream is divided into frames."""

    def __call__(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Return the complete frames at the beginning of ``data``, and the rest. No byte is lost or added."""
        ...


class DeviceFactory(Protocol):
    """Maker of one simulated device."""

    def __call__(self, spec: DeviceSpec, world: World, now_us: int, clock: ClockOptions) -> SimulatedDevice:
        """Return the device of ``spec``, started at ``now_us``.

        A device that is made within ``HEAD_START_US`` after the world's start is present from that start: it has the same
        boot id, clock and events for every instant at which it is made. A later one senses nothing that happened before.
        ``spec.variant`` is one of the simulator's variants, or empty.
        """
        ...


@dataclass(frozen=True, slots=True)
class Simulator:
    """Description of the simulated device for one driver."""

    driver: str
    """Name of the driver that reads the device."""
    kind: DeviceKind
    framing: Framing
    """Division of the bytes into frames, in both directions; line faults act per frame."""
    make: DeviceFactory
    variants: tuple[str, ...] = ()
    """Variants that ``make`` knows, the usual one first; empty for a device without variants."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the driver, by variable, that it needs for the device beside its port."""
    variant_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Further settings for some of the variants."""
    reads_tags: bool = True
    """Whether the device knows each arrow by its tag."""
    scanning_variant: str = ""
    """Variant at which the archer scans each arrow before nocking it; empty for a device without one."""

    def settings_of(self, variant: str) -> Mapping[str, str]:
        """Return the driver's settings for a variant; empty for the usual one."""
        return {**self.settings, **self.variant_settings.get(variant, {})}


@dataclass(frozen=True, slots=True)
class Drive:
    """A change of one line, at the instant that the kernel stamps."""

    at_us: int
    pin: int
    """Number of the line: 17 for GPIO17."""
    level: bool
    """Level from then on: True is high."""
    reported: bool | None = None
    """Level that the kernel reads after it, where that is another: the pulse was too short for it."""
    delivered_us: int | None = None
    """Instant at which the daemon gets the edge, with others of that instant; by default at once."""

    @property
    def due_us(self) -> int:
        """Instant at which the daemon gets the edge."""
        return self.at_us if self.delivered_us is None else self.delivered_us


class PinDevice(Protocol):
    """One simulated device at pins of the daemon, on its lane."""

    @property
    def spec(self) -> DeviceSpec:
        """Name, driver and lane of the device."""
        ...

    def levels(self) -> Mapping[int, bool]:
        """Return the level at rest of each line of the device."""
        ...

    def poll(self, now_us: int) -> list[Drive]:
        """Return the changes that the daemon gets up to ``now_us`` and were not returned before, in this order."""
        ...

    def next_due_us(self) -> int:
        """Return the instant at which :meth:`poll` has work again."""
        ...


class PinDeviceFactory(Protocol):
    """Maker of one simulated device at pins."""

    def __call__(self, spec: DeviceSpec, world: World, now_us: int) -> PinDevice:
        """Return the device of ``spec``. It does nothing before ``now_us``: a line keeps no edges for a late daemon.

        ``spec.variant`` is one of the simulator's variants, or empty.
        """
        ...


@dataclass(frozen=True, slots=True)
class PinSimulator:
    """Description of the simulated device at pins for one driver. It runs inside the daemon that reads the pins."""

    driver: str
    """Name of the driver that reads the device."""
    kind: DeviceKind
    settings: Mapping[str, str]
    """Settings of the driver, by variable, under which it finds the usual device: its wiring."""
    make: PinDeviceFactory
    reads_tags: bool = True
    """Whether the device knows each arrow by its tag."""
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Settings of each variant that ``make`` knows, the usual one first; empty for a device without variants."""

    def settings_of(self, variant: str) -> Mapping[str, str]:
        """Return the wiring of a variant; empty for the usual one."""
        return self.variants[variant] if variant else self.settings


AnySimulator = Simulator | PinSimulator
"""A simulated device behind a line, or at pins."""
