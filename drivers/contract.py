"""The driver contract: the interface of a driver and the values that cross it.

A driver turns one device into a stream of *reports*. The driver owns meaning: which bytes are which event, when the
event happened, which answers the device needs. The sensor daemon owns deadlines, reconnecting, counting and storing.

The reports of one device arrive in the order in which the device produced them, except that a re-sent event may arrive
late and more than once: ``(stream_id, seq)`` identifies an event for good, so a repeat is harmless.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar, Protocol
from uuid import UUID, uuid5

from drivers.clock.instant import ClockModel, Stamp

__all__ = [
    "DEFAULT_DEAD_TIME_S",
    "Capability",
    "ClockModel",
    "Command",
    "CommandResult",
    "DeviceIdentity",
    "DeviceKind",
    "Driver",
    "DriverInfo",
    "Maturity",
    "Progress",
    "Pulse",
    "Reading",
    "ReadingKind",
    "ReleaseCause",
    "Report",
    "ReportProgress",
    "SensorOrigin",
    "Source",
    "Stamp",
    "StreamStart",
    "ignore_progress",
    "stream_of",
]

DEFAULT_DEAD_TIME_S = 0.2
"""Dead time of a target whose driver states none: the impact must fade before the next is detected."""
STREAM_NAMESPACE = UUID("5a0cd1f2-6c0b-5d0e-9a57-a6c1f0b7e001")
"""UUID namespace of the stream ids of devices that report a boot id."""
_NO_VALUES: Mapping[str, int | float | str | bool] = MappingProxyType({})


class DeviceKind(StrEnum):
    """Kind of a device, by the object that it observes."""

    BOW = "bow"
    ARROW = "arrow"
    TARGET = "target"


class Maturity(StrEnum):
    """Degree to which a driver is proven on a real range."""

    EXPERIMENTAL = "experimental"
    FIELD_TESTED = "field-tested"


class Capability(StrEnum):
    """Ability of a driver or its device."""

    ACKNOWLEDGES = "acknowledges"
    """The device keeps an event until it is acknowledged."""
    STAMPS_TIME = "stamps-time"
    """The device stamps events with a clock of its own."""
    CONFIGURE = "configure"
    """The device has settings: the commands ``read_config`` and ``configure``."""
    CALIBRATION_PROBE = "calibration-probe"
    """The target reports a probe that is pressed at a known point (``ReadingKind.PIN``); others are calibrated with arrows."""


class Source(StrEnum):
    """Origin of a reading. It keeps simulated data apart from those of a range."""

    HARDWARE = "hardware"
    SIMULATOR = "simulator"
    REPLAY = "replay"


class ReadingKind(StrEnum):
    """Kind of a sensed event."""

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
    SCAN = "scan"
    """A device of kind ``arrow`` saw a tag: the arrow that will be nocked next, unless another is scanned."""


class ReleaseCause(StrEnum):
    """Reason why an arrow left the string, where the device knows it."""

    REMOVED = "removed"
    """The archer took the arrow off the string."""
    SHOT = "shot"
    """The arrow flew: the device observed more than the empty string, for example the shaft in a light gate."""


class SensorOrigin(StrEnum):
    """The point that a target's raw x and y count from, where the sensor is mounted square and in the middle of its butt."""

    LOWER_LEFT = "lower_left"
    """The lower left corner of the butt as seen from the shooting line."""
    CENTRE = "centre"
    """The middle of the butt."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One sensed event, raw. A value that the device did not give is None and ``reason`` states why; it is never a guess."""

    device_id: str
    stream_id: UUID
    seq: int
    """Number of the event in its stream: 1, 2, 3 ... without a gap."""
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
    """RELEASE only; None when the device cannot distinguish."""
    launch_mps: float | None = None
    """RELEASE only: speed of the arrow at the bow in metres per second, above 0; None when it is not measured."""
    quality: int | None = None
    """The device's own rating, 0 (worst) to 100."""
    reason: str | None = None
    """Reason why a value is missing."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Sign of life: every event up to ``last_seq`` of this stream, and no other, happened before ``stamp``."""

    stream_id: UUID
    last_seq: int
    stamp: Stamp
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    pending: int | None = None
    """Events the device still holds unacknowledged."""


@dataclass(frozen=True, slots=True)
class StreamStart:
    """Start of a stream: the device booted, or a device without a boot id was opened.

    The device was blind from ``blind_since`` to ``stamp``; None means that the beginning is not known. Events of
    ``previous_stream_id`` up to ``previous_last_seq`` may still be re-sent. The start of a boot that ended before the
    hub received anything of it is reported late, before the start of the present boot.
    """

    stream_id: UUID
    stamp: Stamp
    blind_since: Stamp | None
    previous_stream_id: UUID | None = None
    previous_last_seq: int | None = None
    last_seq: int | None = None
    """Number of the last event of a boot that is over, if events up to it may still be re-sent."""
    reason: str | None = None
    """Reason why the device was blind from ``blind_since`` on; None for a reboot."""


Report = Reading | Pulse | StreamStart | ClockModel


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """Identity of the device that answered."""

    device_id: str
    kind: DeviceKind
    stream_id: UUID
    source: Source
    firmware: str | None = None
    serial: str | None = None
    """The device's own address or serial number, for people."""


@dataclass(frozen=True, slots=True)
class Command:
    """Request to a device.

    ``read_config`` returns all of a device's settings as they are active; ``configure`` sets those of its arguments,
    leaves the others, and returns all of them, read back.
    """

    name: str
    arguments: Mapping[str, int | float | str | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Result of a command. ``values`` are those that the device reads back, not those requested."""

    ok: bool
    values: Mapping[str, int | float | str | bool] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Step that a running command has reached, for the person who waits for it."""

    phase: str
    """The present step in a few plain words."""
    done: int | None = None
    """Steps that are complete; None where the command has no countable steps."""
    total: int | None = None
    """Steps in all; None while their number is unknown."""
    values: Mapping[str, int | float | str | bool] = field(default_factory=lambda: _NO_VALUES)
    """Evidence, stored with the command even if it never ends; a later value of a name replaces the earlier one.

    Only facts: a name that is absent is unknown. A fact that must outlive a killed daemon, such as a write that is about to
    be sent, is reported before the act. The values of the result are stored over these.
    """


ReportProgress = Callable[[Progress], None]
"""Receives the progress of a command. It returns at once and never raises; it may drop steps that arrive too fast, never values."""


def ignore_progress(progress: Progress) -> None:
    """Drop a report of progress."""


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """Description of a driver, available without a device."""

    name: str
    """``<kind>.<wire>``, as in the registry."""
    kind: DeviceKind
    summary: str
    maturity: Maturity
    capabilities: frozenset[Capability]
    commands: frozenset[str]
    heartbeat_s: float
    """Interval of the device's heartbeat, or of the poll that replaces it; the device is silent when three are missing."""
    settings: type[object]
    """The driver's settings: a frozen dataclass, or a Pydantic model with ``extra="forbid"``.

    The variable is ``ARCH_STATS_`` and the field's name in capitals. Pydantic validates both; it reads a dataclass's
    constraints and description from the metadata of its fields. A daemon with a dataclass keeps no Pydantic in memory.
    """
    origin: SensorOrigin = SensorOrigin.LOWER_LEFT
    """TARGET only: the point that raw positions count from, used until the device is calibrated."""
    dead_time_s: float = DEFAULT_DEAD_TIME_S
    """Target: two arrows that land within this time, 0 to 3 s, may be one reading. A miss beside a landing is then unknown."""


class Driver(Protocol):
    """One device. A driver is built with its settings, opened, read until it fails or is closed, and never reused.

    ``open``, ``execute`` and ``readings`` raise :class:`drivers.errors.DriverError` and nothing else when the device,
    the line or the settings are at fault. ``close`` never raises and may be called in any state, also twice.
    """

    info: ClassVar[DriverInfo]

    async def open(self) -> DeviceIdentity:
        """Open the line and identify the device, within the driver's own deadline."""
        ...

    def readings(self) -> AsyncIterator[Report]:
        """The device's reports. Raises DeviceLost when the line fails or the device is silent."""
        ...

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        """Run a command on the device, while ``readings`` is iterated.

        Cancelling the task cancels the command: the driver ends it in a state that is safe for the device and for
        people, at once, and can run the next command. A command that was cancelled may have had its effect.
        """
        ...

    async def acknowledge(self, reading: Reading) -> None:
        """Acknowledge a durable reading, which the device may now discard. Does nothing if the device keeps no events."""
        ...

    async def close(self) -> None:
        """Close the line."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Counts since the driver was built: frames, and drops by cause."""
        ...

    def flight_record(self) -> list[str]:
        """The last frames in and out, oldest first, one line each, to be logged with a fault."""
        ...


@lru_cache(maxsize=256)
def stream_of(device_id: str, node: int, boot_id: int) -> UUID:
    """Stream id of a device that reports a boot id: it survives a restart of the daemon and changes at a reboot."""
    return uuid5(STREAM_NAMESPACE, f"{device_id}/{node}/{boot_id}")
