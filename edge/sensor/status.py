"""Status of the daemon's device: the row of ``device_status``, and one line for ``systemctl status``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from drivers.contract import DeviceIdentity, Pulse, Reading, ReadingKind, Report, Source, StreamStart
from drivers.errors import DeviceLost, DriverError
from edge.common.console import local
from edge.common.postgres.boots import CLOCK_HINT
from edge.common.text import clean
from edge.common.vocabulary import DeviceState


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
    gap: str | None = None
    """Events that are awaited or lost, for the operator: the device may be ready all the same."""
    gap_hint: str | None = None
    chatter: str | None = None
    """The device reports more than archers can shoot: in numbers, for the operator. None when it does not."""
    chatter_hint: str | None = None
    clock: str | None = None
    """Fault of the host's wall clock, for the operator: the device may be ready all the same."""
    is_engaged: bool = False
    """An arrow is on the string, by the newest reading of a bow."""
    string_mono_ns: int = 0
    """CLOCK_MONOTONIC of that reading, or of the start of the stream."""
    driver_counters: Mapping[str, int] = field(default_factory=dict)
    changed: bool = True
    """The row is out of date and should be written at once."""

    @property
    def source(self) -> Source | None:
        """The source of its readings, known once the device has answered."""
        return self.identity.source if self.identity else None

    @property
    def stream_id(self) -> UUID | None:
        """The stream that the device was opened on."""
        return self.identity.stream_id if self.identity else None

    @property
    def facts(self) -> tuple[object, ...]:
        """All values of the row except counters, watermark and queue."""
        return (
            self.state, self.since, self.identity, self.battery_percent, self.rssi_dbm, self.readings_total,
            self.error, self.hint, self.gap, self.gap_hint, self.chatter, self.clock,
        )  # fmt: skip

    @property
    def trouble(self) -> tuple[str | None, str | None]:
        """The present trouble and its remedy: a fault of the device or its line before chatter, chatter before a gap,
        and a gap before the host's clock.
        """
        if self.error:
            return self.error, self.hint
        if self.chatter:
            return self.chatter, self.chatter_hint
        if self.gap:
            return self.gap, self.gap_hint
        return self.clock, CLOCK_HINT if self.clock else None

    def set_state(self, state: DeviceState, *, error: str | None = None, hint: str | None = None) -> bool:
        """Set the state; returns whether it differs from the previous one."""
        moved = state is not self.state
        if moved:
            self.since = datetime.now(UTC)
        if moved or error != self.error:
            self.changed = True
        self.state, self.error, self.hint = state, error, hint
        return moved

    def on_open(self, identity: DeviceIdentity) -> bool:
        """The device answered; returns whether it was not ready before."""
        self.identity = identity
        return self.set_state(DeviceState.READY)

    def on_error(self, fault: DriverError) -> bool:
        """The device, its line or its data failed; returns whether the state changed. While the daemon stops, it does not."""
        if self.state is DeviceState.STOPPED:
            return False
        if self.state is DeviceState.READY or (isinstance(fault, DeviceLost) and self.state is not DeviceState.WAITING):
            silent = isinstance(fault, DeviceLost) and fault.silent
            state = DeviceState.SILENT if silent else DeviceState.LOST
        elif self.state in (DeviceState.SILENT, DeviceState.LOST):
            state = self.state
        else:
            state = DeviceState.WAITING
        return self.set_state(state, error=clean(fault.message), hint=clean(fault.hint))

    def on_report(self, report: Report) -> None:
        """Follow the arrow on the string; events that are sent again late change nothing."""
        if not isinstance(report, Reading | StreamStart):
            return
        kind = report.kind if isinstance(report, Reading) else None
        at_ns = report.stamp.mono_ns
        if (
            kind in (ReadingKind.ENGAGE, ReadingKind.RELEASE, None)
            and at_ns is not None
            and at_ns >= self.string_mono_ns
        ):
            self.string_mono_ns, self.is_engaged = at_ns, kind is ReadingKind.ENGAGE

    def on_heartbeat(self, pulse: Pulse) -> None:
        """Take battery and signal strength from a heartbeat."""
        self.battery_percent = pulse.battery_percent
        self.rssi_dbm = pulse.rssi_dbm


def headline(device_id: str, port: str | None, status: Status, *, database_ok: bool, waiting: int) -> str:
    """One line for the technician: the device, then the database and the number of readings that wait for it."""
    place = f" on {port}" if port else ""
    match status.state:
        case DeviceState.READY:
            device = f"reading {device_id}{place}, {status.readings_total} readings"
            if status.chatter:
                device = f"{device}; degraded: {status.chatter}"
        case DeviceState.STARTING:
            device = f"opening {device_id}{place}"
        case DeviceState.STOPPED:
            device = f"stopping {device_id}"
        case _:
            trouble = "; ".join(part.removesuffix(".") for part in (status.error, status.hint) if part)
            state = _STATE_TEXTS.get(status.state, status.state.value)
            device = f"{device_id}{place} is {state} since {local(status.since, '%H:%M:%S')}: {trouble}"
    if database_ok:
        return f"{device}, database ok" + (f"; {status.clock}" if status.clock else "")
    return f"{device}; waiting for the database, {waiting} readings wait here"


_STATE_TEXTS: Final = {DeviceState.WAITING: "not connected"}
