"""The interface every driver keeps, and the values that cross it.

A driver turns one device into a stream of *reports*. It owns meaning: which bytes are which event, when the event
happened, what the device needs to hear. Whoever runs it owns the rest: reconnecting, counting, storing, stopping.

The reports of one device come in the order the device produced them, except that a re-sent event may come late and
more than once: ``(stream_id, seq)`` names an event for ever, so a repeat is harmless.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol
from uuid import UUID, uuid5

from drivers.clock.instant import ClockModel, Stamp

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "Capability",
    "ClockModel",
    "Command",
    "CommandResult",
    "DeviceIdentity",
    "DeviceKind",
    "Driver",
    "DriverInfo",
    "Maturity",
    "Pulse",
    "Reading",
    "ReadingKind",
    "ReleaseCause",
    "Report",
    "Source",
    "Stamp",
    "StreamStart",
    "stream_of",
]

STREAM_NAMESPACE = UUID("5a0cd1f2-6c0b-5d0e-9a57-a6c1f0b7e001")
"""Namespace of the stream ids of devices that report a boot id."""


class DeviceKind(StrEnum):
    """What a device watches."""

    BOW = "bow"
    ARROW = "arrow"
    TARGET = "target"


class Maturity(StrEnum):
    """How far a driver may be trusted on a real range."""

    EXPERIMENTAL = "experimental"
    FIELD_TESTED = "field-tested"


class Capability(StrEnum):
    """What a driver or its device can do."""

    ACKNOWLEDGES = "acknowledges"
    """The device keeps an event until it is acknowledged."""
    STAMPS_TIME = "stamps-time"
    """The device stamps events with a clock of its own."""
    CONFIGURE = "configure"
    """Threshold and window can be set and are read back."""


class Source(StrEnum):
    """Where a reading comes from. Simulated data is never mistaken for a range's own."""

    HARDWARE = "hardware"
    SIMULATOR = "simulator"
    REPLAY = "replay"


class ReadingKind(StrEnum):
    """What was sensed."""

    ENGAGE = "engage"
    """An arrow was nocked: it now sits on the string."""
    RELEASE = "release"
    """The arrow left the string."""
    LANDING = "landing"
    """An impact on the butt."""
    TAGS = "tags"
    """The arrows in the butt, complete, at this instant."""
    PIN = "pin"
    """A calibration probe was pressed at a known point."""


class ReleaseCause(StrEnum):
    """Reason why an arrow left the string, where it was not shot."""

    REMOVED = "removed"
    """The archer took the arrow off the string."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One sensed event, raw. A value the device could not give is None and ``reason`` says why, never a guess."""

    device_id: str
    stream_id: UUID
    seq: int
    """1, 2, 3 ... without a hole within a stream."""
    kind: ReadingKind
    stamp: Stamp
    received_at: datetime
    """Aware UTC, by the same pair of clocks as ``stamp.at``: a step of the wall clock does not change their distance."""
    source: Source
    tag: str | None = None
    """The arrow's EPC as lower-case hex."""
    tags: tuple[str, ...] | None = None
    """TAGS only: every EPC now in the butt, sorted."""
    x_mm: float | None = None
    """LANDING and PIN: millimetres in the sensor's own frame, right is positive as seen from the shooting line."""
    y_mm: float | None = None
    """LANDING and PIN: millimetres, up is positive."""
    rssi_dbm: int | None = None
    cause: ReleaseCause | None = None
    """RELEASE only; None when the arrow was shot or the device cannot distinguish."""
    quality: int | None = None
    """0 (worst) to 100 as the device tells it."""
    reason: str | None = None
    """Why a value is missing."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The device lives: by ``stamp`` it has produced every event up to ``last_seq`` of this stream and no other."""

    stream_id: UUID
    last_seq: int
    stamp: Stamp
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    pending: int | None = None
    """Events the device still holds unacknowledged."""


@dataclass(frozen=True, slots=True)
class StreamStart:
    """A stream begins: the device booted, or a device without a boot id was opened.

    Between ``blind_since`` and ``stamp`` the device saw nothing; None means that it is not known since when.
    ``previous_stream_id`` up to ``previous_last_seq`` may still be re-sent. A boot that was over before anybody heard of it is
    told of late, before the one that goes on.
    """

    stream_id: UUID
    stamp: Stamp
    blind_since: Stamp | None
    previous_stream_id: UUID | None = None
    previous_last_seq: int | None = None
    last_seq: int | None = None
    """Of a boot that is over: its last event, when some up to it may still be re-sent."""


Report = Reading | Pulse | StreamStart | ClockModel


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """Who answered when the device was opened."""

    device_id: str
    kind: DeviceKind
    stream_id: UUID
    source: Source
    firmware: str | None = None
    serial: str | None = None
    """The device's own address or serial number, for people."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do on the device."""

    name: str
    arguments: Mapping[str, int | float | str | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What came of a command; ``values`` are what the device reads back, not what was asked for."""

    ok: bool
    values: Mapping[str, int | float | str | bool] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """What is known of a driver without opening anything."""

    name: str
    """``<kind>.<wire>``, as in the registry."""
    kind: DeviceKind
    summary: str
    maturity: Maturity
    capabilities: frozenset[Capability]
    commands: frozenset[str]
    heartbeat_s: float
    """The device's heartbeat, or the poll that stands for one. After three without one the device is silent."""
    settings: type[BaseModel]
    """The driver's settings; unknown keys are refused. The variable is ``ARCH_STATS_`` and the field's name in capitals."""


class Driver(Protocol):
    """One device. Built with its settings, opened, read until it fails or is closed, closed; then built anew.

    ``open``, ``execute`` and ``readings`` raise :class:`drivers.errors.DriverError` and nothing else when the device,
    the line or the settings are at fault. ``close`` never raises and may be called in any state, also twice.
    """

    info: ClassVar[DriverInfo]

    async def open(self) -> DeviceIdentity:
        """Open the line and learn who is there; bounded by the driver's own deadline."""
        ...

    def readings(self) -> AsyncIterator[Report]:
        """What the device reports, until the line fails or the device falls silent (both raise)."""
        ...

    async def execute(self, command: Command) -> CommandResult:
        """Run a command on the device; needs ``readings`` to be iterated meanwhile."""
        ...

    async def acknowledge(self, reading: Reading) -> None:
        """Tell the device that the reading is durable and may be forgotten. Nothing to do without an acknowledging device."""
        ...

    async def close(self) -> None:
        """Let go of the line."""
        ...

    def counters(self) -> Mapping[str, int]:
        """What was counted since the driver was built: frames, drops, each with its cause as the key."""
        ...

    def flight_record(self) -> list[str]:
        """The last frames in and out, oldest first, one line each, for the log line of a fault."""
        ...


def stream_of(device_id: str, node: int, boot_id: int) -> UUID:
    """Stream id of a device that reports a boot id: the same after a restart of the daemon, another after a reboot."""
    return uuid5(STREAM_NAMESPACE, f"{device_id}/{node}/{boot_id}")
