"""What the daemon knows of its device right now: the row of ``device_status``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from drivers.contract import DeviceIdentity, Pulse, Source
from drivers.errors import DeviceLost, DriverError


class DeviceState(StrEnum):
    """Where the device is in its life."""

    STARTING = "starting"
    WAITING = "waiting"
    """It cannot be opened yet."""
    READY = "ready"
    SILENT = "silent"
    """It was there and no longer says anything."""
    LOST = "lost"
    """Its line failed."""
    STOPPED = "stopped"
    """The daemon was told to stop."""


@dataclass(slots=True)
class Status:
    """Mutable on purpose: one daemon, one device, one row."""

    state: DeviceState = DeviceState.STARTING
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    identity: DeviceIdentity | None = None
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    readings_total: int = 0
    error: str | None = None
    hint: str | None = None
    missing: str | None = None
    """Events that are waited for, or that were lost, for people: the device may well be ready all the same."""
    missing_hint: str | None = None
    driver_counters: Mapping[str, int] = field(default_factory=dict)
    changed: bool = True
    """Something happened that should be told before the next second is over."""

    @property
    def source(self) -> Source | None:
        """Where its readings come from, once it has said so."""
        return self.identity.source if self.identity else None

    @property
    def stream_id(self) -> UUID | None:
        """The stream it was opened on."""
        return self.identity.stream_id if self.identity else None

    def become(self, state: DeviceState, *, error: str | None = None, hint: str | None = None) -> bool:
        """Take a new state; tells whether it is another one than before."""
        moved = state is not self.state
        if moved:
            self.since = datetime.now(UTC)
        if moved or error != self.error:
            self.changed = True
        self.state, self.error, self.hint = state, error, hint
        return moved

    def opened(self, identity: DeviceIdentity) -> bool:
        """The device answered."""
        self.identity = identity
        return self.become(DeviceState.READY)

    def failed(self, fault: DriverError) -> bool:
        """The device, its line or what it says is at fault."""
        if self.state is DeviceState.READY or (isinstance(fault, DeviceLost) and self.state is not DeviceState.WAITING):
            silent = isinstance(fault, DeviceLost) and fault.silent
            state = DeviceState.SILENT if silent else DeviceState.LOST
        elif self.state in (DeviceState.SILENT, DeviceState.LOST):
            state = self.state
        else:
            state = DeviceState.WAITING
        return self.become(state, error=fault.message, hint=fault.hint)

    def heard(self, pulse: Pulse) -> None:
        """A heartbeat came."""
        self.battery_percent = pulse.battery_percent
        self.rssi_dbm = pulse.rssi_dbm
