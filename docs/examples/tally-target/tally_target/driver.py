"""The driver ``target.tally``: the line and the deadlines of one Tally target."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import ClassVar
from uuid import UUID, uuid4

from archstats.drivers import (
    ClockModel,
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    DeviceLost,
    DeviceUnavailable,
    DriverInfo,
    FlightRecorder,
    Maturity,
    Pulse,
    Reading,
    ReadingKind,
    Report,
    ReportProgress,
    SerialPort,
    Source,
    Stamp,
    StreamStart,
    clock_pair,
    host_boot_id,
    ignore_progress,
    open_port,
)
from pydantic import BaseModel, ConfigDict, Field

from tally_target.codec import Ask, Beat, Decoder, Hit, Identity, Message, encode, split_lines

HEARTBEAT_S = 1.0
SILENT_NS = round(3 * HEARTBEAT_S * 1e9)
"""Silence after which the device is lost: three missing heartbeats."""
IDENTITY_S = 3.0
"""Deadline for the identity after the port is open."""
ASK_EVERY_S = 0.5
"""Interval between requests for the identity."""
DELAY_S = 0.02
"""Longest delay from an event in the device to the arrival of its line, from the device's data sheet."""
NO_POSITION = "the sensor gave no position"
NO_TAG = "the device reads no tags"


class TallySettings(BaseModel):
    """Settings of the driver; each field is a variable ``ARCH_STATS_<FIELD>``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: str = Field(min_length=1, description="Serial port, or socket://HOST:PORT of a serial server.")
    baud: int = Field(default=115_200, ge=1_200, le=4_000_000, description="Bits per second.")


class TallyTarget:
    """One Tally target. Implements :class:`archstats.drivers.Driver`."""

    info: ClassVar[DriverInfo] = DriverInfo(
        name="target.tally",
        kind=DeviceKind.TARGET,
        summary="Tally target on a serial line",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=frozenset(),  # it keeps no events, has no clock and no configuration
        commands=frozenset(),
        heartbeat_s=HEARTBEAT_S,
        settings=TallySettings,
    )

    def __init__(self, device_id: str, settings: TallySettings, *, clocks: Sequence[ClockModel] = ()) -> None:
        """``clocks`` are the stored clocks of the device; this device has none."""
        self._device_id = device_id
        self._settings = settings
        self._port: SerialPort | None = None
        self._decoder = Decoder()
        self._record = FlightRecorder(lambda data: split_lines(data)[0])
        self._stream_id: UUID = uuid4()
        """A device without a boot id starts a stream at each opening."""
        self._source = Source.HARDWARE
        self._last_seq = 0
        self._alive_ns = 0
        """Arrival of the last message."""
        self._reports: deque[Report] = deque()

    async def open(self) -> DeviceIdentity:
        """Open the port and wait for the identity, at most ``IDENTITY_S``."""
        self._port = port = await open_port(self._settings.port, device=self._device_id, baud=self._settings.baud)
        deadline_ns = time.monotonic_ns() + round(IDENTITY_S * 1e9)
        while time.monotonic_ns() < deadline_ns:
            self._send(port, Ask())
            ask_again_ns = time.monotonic_ns() + round(ASK_EVERY_S * 1e9)
            while (wait_ns := ask_again_ns - time.monotonic_ns()) > 0:
                messages, at_ns = await self._receive(port, wait_ns / 1e9)
                for index, message in enumerate(messages):
                    if isinstance(message, Identity):
                        # Messages before the identity may be old bytes of the line; those after it count.
                        self._start(message, at_ns)
                        self._process(messages[index + 1 :], at_ns)
                        return DeviceIdentity(
                            device_id=self._device_id,
                            kind=self.info.kind,
                            stream_id=self._stream_id,
                            source=self._source,
                            firmware=message.firmware or None,
                            serial=message.serial or None,
                        )
        raise DeviceUnavailable(
            f"no Tally target answers on {self._settings.port}",
            device=self._device_id,
            hint="Check that it is switched on, and ARCH_STATS_BAUD.",
        )

    async def readings(self) -> AsyncIterator[Report]:
        """The device's reports. Raises DeviceLost when the line fails or three heartbeats are missing."""
        while True:
            while self._reports:
                yield self._reports.popleft()
            if self._port is None:
                raise self._closed()
            messages, at_ns = await self._receive(self._port, (self._alive_ns + SILENT_NS - time.monotonic_ns()) / 1e9)
            self._process(messages, at_ns)
            if at_ns >= self._alive_ns + SILENT_NS:
                raise DeviceLost(
                    f"silent: no message for {SILENT_NS / 1e9:g} s",
                    device=self._device_id,
                    hint="Check that the target is switched on.",
                    silent=True,
                )

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        """The device has no commands."""
        return CommandResult(ok=False, error=f"unknown command {command.name}; this device has no commands")

    async def acknowledge(self, reading: Reading) -> None:
        """Does nothing: the device keeps no events."""

    async def close(self) -> None:
        """Close the line."""
        port, self._port = self._port, None
        if port is not None:
            await port.close()

    def counters(self) -> Mapping[str, int]:
        """Counters of the codec."""
        return asdict(self._decoder.counters)

    def flight_record(self) -> list[str]:
        """The last lines in and out."""
        return self._record.lines()

    def _closed(self) -> DeviceLost:
        return DeviceLost("the line is closed", device=self._device_id, hint="The daemon reopens it automatically.")

    def _send(self, port: SerialPort, message: Message) -> None:
        data = encode(message)
        self._record.sent(data, time.monotonic_ns())
        port.write(data)

    async def _receive(self, port: SerialPort, timeout_s: float) -> tuple[list[Message], int]:
        """The messages of the next bytes, and their arrival; without bytes the time-out's end."""
        chunk = await port.read(timeout_s)
        if chunk is None:
            return [], time.monotonic_ns()
        self._record.received(chunk.data, chunk.at_ns)
        return self._decoder.feed(chunk.data), chunk.at_ns

    def _start(self, identity: Identity, at_ns: int) -> None:
        self._source = Source.SIMULATOR if identity.is_simulated else Source.HARDWARE
        self._alive_ns = at_ns
        self._reports.append(StreamStart(self._stream_id, self._stamp(at_ns), blind_since=None))

    def _process(self, messages: Iterable[Message], at_ns: int) -> None:
        for message in messages:
            self._alive_ns = at_ns
            match message:
                case Hit(x_mm, y_mm):
                    self._last_seq += 1
                    self._reports.append(self._reading(x_mm, y_mm, at_ns))
                case Beat():
                    # A hit just before the heartbeat's arrival may still be on its way: promise only what is certain.
                    stamp = self._stamp(at_ns - round(DELAY_S * 1e9))
                    self._reports.append(Pulse(self._stream_id, self._last_seq, stamp))
                case _:
                    pass

    def _reading(self, x_mm: float | None, y_mm: float | None, at_ns: int) -> Reading:
        missing = [NO_POSITION] if x_mm is None or y_mm is None else []
        return Reading(
            device_id=self._device_id,
            stream_id=self._stream_id,
            seq=self._last_seq,
            kind=ReadingKind.LANDING,
            stamp=self._stamp(at_ns),
            received_at=clock_pair().utc_of(at_ns),
            source=self._source,
            x_mm=x_mm,
            y_mm=y_mm,
            reason="; ".join([*missing, NO_TAG]),
        )

    def _stamp(self, at_ns: int) -> Stamp:
        """The instant of an event whose line arrived at ``at_ns``: the device stamps none itself."""
        return Stamp(clock_pair().utc_of(at_ns), at_ns, host_boot_id(), DELAY_S)
