"""The driver ``bow.chirp``. The clip sends no heartbeat, so the driver polls it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
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
    ReleaseCause,
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

from chirp_bow.codec import Decoder, Frame, Kind, encode, split_frames

POLL_S = 1.0
POLL_NS = round(POLL_S * 1e9)
SILENT_NS = 3 * POLL_NS
OPEN_S = 3.0
DELAY_NS = 10_000_000


class ChirpSettings(BaseModel):
    """Settings of the driver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: str = Field(min_length=1, description="Serial port.")


class ChirpBow:
    """One Chirp bow clip."""

    info: ClassVar[DriverInfo] = DriverInfo(
        name="bow.chirp",
        kind=DeviceKind.BOW,
        summary="Chirp bow clip",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=frozenset(),
        commands=frozenset(),
        heartbeat_s=POLL_S,
        settings=ChirpSettings,
    )

    def __init__(self, device_id: str, settings: ChirpSettings, *, clocks: Sequence[ClockModel] = ()) -> None:
        self._device_id = device_id
        self._settings = settings
        self._port: SerialPort | None = None
        self._decoder = Decoder()
        self._record = FlightRecorder(lambda data: split_frames(data)[0])
        self._stream_id: UUID = uuid4()
        self._source = Source.HARDWARE
        self._is_known = False
        self._seq = 0
        self._alive_ns = self._poll_ns = 0
        self._reports: deque[Report] = deque()

    async def open(self) -> DeviceIdentity:
        """Open the port and wait for HELLO."""
        self._port = port = await open_port(self._settings.port, device=self._device_id, baud=57_600)
        end_ns = time.monotonic_ns() + round(OPEN_S * 1e9)
        while not self._is_known and time.monotonic_ns() < end_ns:
            self._send(port, Kind.HELLO_REQUEST)
            await self._receive(port, 0.4)
        if not self._is_known:
            raise DeviceUnavailable(
                f"no Chirp clip answers on {self._settings.port}", device=self._device_id, hint="Charge the clip."
            )
        return DeviceIdentity(self._device_id, DeviceKind.BOW, self._stream_id, self._source)

    async def readings(self) -> AsyncIterator[Report]:
        """The clip's reports."""
        while True:
            while self._reports:
                yield self._reports.popleft()
            if self._port is None:
                raise DeviceLost("the line is closed", device=self._device_id, hint="It is reopened automatically.")
            now_ns = time.monotonic_ns()
            if now_ns >= self._poll_ns:
                self._poll_ns = now_ns + POLL_NS
                self._send(self._port, Kind.STATUS_REQUEST)
            at_ns = await self._receive(self._port, (self._poll_ns - now_ns) / 1e9)
            if at_ns - self._alive_ns >= SILENT_NS:
                raise DeviceLost(
                    "silent: three polls without an answer", device=self._device_id, hint="Charge it.", silent=True
                )

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        """The clip has no commands."""
        return CommandResult(ok=False, error=f"unknown command {command.name}")

    async def acknowledge(self, reading: Reading) -> None:
        """Does nothing."""

    async def close(self) -> None:
        """Close the line."""
        port, self._port = self._port, None
        if port is not None:
            await port.close()

    def counters(self) -> Mapping[str, int]:
        """Counters of the codec."""
        return asdict(self._decoder.counters)

    def flight_record(self) -> list[str]:
        """The last frames in and out."""
        return self._record.lines()

    def _send(self, port: SerialPort, kind: Kind) -> None:
        data = encode(Frame(kind))
        self._record.sent(data, time.monotonic_ns())
        port.write(data)

    async def _receive(self, port: SerialPort, timeout_s: float) -> int:
        chunk = await port.read(timeout_s)
        if chunk is None:
            return time.monotonic_ns()
        self._record.received(chunk.data, chunk.at_ns)
        for frame in self._decoder.feed(chunk.data):
            self._process(frame, chunk.at_ns)
        return chunk.at_ns

    def _process(self, frame: Frame, at_ns: int) -> None:
        self._alive_ns = at_ns
        match frame.kind:
            case Kind.HELLO if not self._is_known:
                self._is_known = True
                self._source = Source.SIMULATOR if frame.value else Source.HARDWARE
                self._reports.append(StreamStart(self._stream_id, self._stamp(at_ns), None))
            case Kind.NOCKED if self._is_known:
                self._report(ReadingKind.ENGAGE, at_ns)
            case Kind.LOOSED if self._is_known:
                self._report(ReadingKind.RELEASE, at_ns, ReleaseCause.REMOVED if frame.value else None)
            case Kind.STATUS if self._is_known:
                pulse = Pulse(self._stream_id, self._seq, self._stamp(at_ns - DELAY_NS), battery_percent=frame.value)
                self._reports.append(pulse)

    def _report(self, kind: ReadingKind, at_ns: int, cause: ReleaseCause | None = None) -> None:
        self._seq += 1
        received_at = clock_pair().utc_of(at_ns)
        self._reports.append(
            Reading(
                self._device_id,
                self._stream_id,
                self._seq,
                kind,
                self._stamp(at_ns),
                received_at,
                self._source,
                cause=cause,
                reason="the clip reads no tags",
            )
        )

    def _stamp(self, at_ns: int) -> Stamp:
        return Stamp(clock_pair().utc_of(at_ns), at_ns, host_boot_id(), DELAY_NS / 1e9)
