"""The driver ``target.freetarget``: the line and the deadlines of a freETarget.

The meaning of messages is in :mod:`drivers.freetarget.session`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar, Final

from drivers.clock.host import clock_pair, host_boot_id
from drivers.contract import (
    Capability,
    ClockModel,
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    DriverInfo,
    Maturity,
    Reading,
    Report,
    ReportProgress,
    SensorOrigin,
    ignore_progress,
)
from drivers.errors import DeviceLost, DeviceUnavailable, DriverError, ProtocolError
from drivers.freetarget.codec import Decoder, split_objects
from drivers.freetarget.commands import COMMANDS, SettingsCommands
from drivers.freetarget.session import DEAD_TIME_S, POLL_S, SILENT_NS, FreeTargetSession, Phase
from drivers.freetarget.settings import RAW_TARGET_TYPES, SETTINGS, TARGET_TYPE, excessive_settings, remapping_type
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import SerialPort, open_port

MEET_S: Final = 8.0
"""Deadline for the first answer after the port is open: opening it restarts some boards, which takes seconds."""
OPEN_S: Final = 22.0
"""Deadline for the opening after that of the port. Firmware 6 prints its settings for some 5 s; there is time for two attempts."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTargetSettings:
    """Settings of the driver."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    port: str = field(metadata={"min_length": 1, "description": "Serial port, or socket://HOST:1090 of the target."})
    baud: int = field(default=115_200, metadata={"ge": 1_200, "le": 4_000_000, "description": "Bits per second."})
    dtr: bool | None = field(default=None, metadata={"description": "Level of the DTR line; untouched without it."})
    rts: bool | None = field(default=None, metadata={"description": "Level of the RTS line; untouched without it."})


class FreeTarget:
    """One freETarget behind one port. Implements :class:`drivers.contract.Driver`."""

    info: ClassVar[DriverInfo] = DriverInfo(
        name="target.freetarget",
        kind=DeviceKind.TARGET,
        summary="freETarget, an acoustic target with firmware 3, 4 or 6",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=frozenset({Capability.CONFIGURE}),
        commands=COMMANDS,
        heartbeat_s=POLL_S,
        settings=FreeTargetSettings,
        origin=SensorOrigin.CENTRE,
        dead_time_s=DEAD_TIME_S,
    )

    def __init__(self, device_id: str, settings: FreeTargetSettings, *, clocks: Sequence[ClockModel] = ()) -> None:
        """``clocks`` are the stored clocks of the device; this device has none that is of use."""
        del clocks
        self._device_id = device_id
        self._settings = settings
        self._port: SerialPort | None = None
        self._session: FreeTargetSession | None = None
        self._decoder = Decoder()
        self._commands = SettingsCommands()
        self._record = FlightRecorder(_pieces)
        self._last_counters: Mapping[str, int] = {}

    async def open(self) -> DeviceIdentity:
        """Open the port, identify the target and read its settings, the latter at most for ``OPEN_S``."""
        settings = self._settings
        port = await open_port(
            settings.port, device=self._device_id, baud=settings.baud, dtr=settings.dtr, rts=settings.rts
        )
        self._port = port
        now_ns = time.monotonic_ns()
        session = FreeTargetSession(self._device_id, host_boot_id(), now_ns)
        self._session, stream_id = session, session.stream.stream_id
        while not session.is_live:
            limit_ns = now_ns + round((MEET_S if session.phase is Phase.SEEKING else OPEN_S) * 1e9)
            if await self._turn(port, session, limit_ns) >= limit_ns and not session.is_live:
                raise self._no_target(port, session)
            self._refuse_remapping(session)
        log.info("%s has the settings %s", self._device_id, _listed(session.settings))
        for key in excessive_settings(session.settings):
            most = SETTINGS[key].most
            log.warning(
                "%s senses or reports too little after each impact (%s %g): misses of that time are unknown. "
                "Set it with `archstats-sensor devices config %s %s=%g`.",
                self._device_id, key, session.settings[key], self._device_id, key, most,
            )  # fmt: skip
        identity = session.identity
        return DeviceIdentity(
            device_id=self._device_id,
            kind=self.info.kind,
            stream_id=stream_id,
            source=session.source,
            firmware=identity.version,
            serial=f"{identity.name or 'freETarget'} {'' if identity.serial is None else identity.serial}".strip(),
        )

    async def readings(self) -> AsyncIterator[Report]:
        """The target's reports. Raises DeviceLost when the line fails or three answers are missing."""
        port, session = self._opened()
        while True:
            for report in session.reports():
                yield report
            self._refuse_remapping(session)
            read_until_ns = await self._turn(port, session, session.silent_ns)
            if read_until_ns >= session.silent_ns:
                raise DeviceLost(
                    f"silent: no answer of the target for {SILENT_NS / 1e9:g} s",
                    device=self._device_id,
                    hint="Check that the target is switched on and within reach of the network, and restart it.",
                    silent=True,
                )

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        """Run ``read_config`` or ``configure``; both return the settings that the target prints."""
        port, session = self._opened()
        return await self._commands.run(command, session, lambda: self._transmit(port, session), report)

    async def acknowledge(self, reading: Reading) -> None:
        """Does nothing: the target keeps no events for the hub."""

    async def close(self) -> None:
        """Close the line. A command that awaits an answer fails."""
        port, self._port = self._port, None
        self._commands.fail(self._closed())
        if port is not None:
            await port.close()
            self._last_counters = asdict(port.counters)

    def counters(self) -> Mapping[str, int]:
        """Counters of the line, the codec and the session."""
        line = self._last_counters if self._port is None else asdict(self._port.counters)
        session = self._session.counters if self._session is not None else {}
        return {**line, **asdict(self._decoder.counters), **session}

    def flight_record(self) -> list[str]:
        """The last objects in and out."""
        return self._record.lines()

    def _opened(self) -> tuple[SerialPort, FreeTargetSession]:
        if self._port is None or self._session is None:
            raise self._closed()
        return self._port, self._session

    def _closed(self) -> DriverError:
        return DeviceLost("the line is closed", device=self._device_id, hint="The daemon reopens it automatically.")

    async def _turn(self, port: SerialPort, session: FreeTargetSession, limit_ns: int) -> int:
        """Send the command that is due, then process bytes that arrive before ``limit_ns`` or the next due time.

        Returns the instant up to which all received bytes are processed, so that noise is no sign of life.
        """
        self._transmit(port, session)
        wait_ns = min(session.due_ns, limit_ns) - time.monotonic_ns()
        chunk = await port.read(0.0 if session.has_reports else wait_ns / 1e9)
        if chunk is None:
            return time.monotonic_ns()
        self._record.received(chunk.data, chunk.at_ns)
        pair = clock_pair()
        for received in self._decoder.feed(chunk.data, chunk.at_ns):
            session.on_message(received, pair)
        self._commands.on_news()
        return chunk.at_ns

    def _transmit(self, port: SerialPort, session: FreeTargetSession) -> None:
        now_ns = time.monotonic_ns()
        command = session.transmission(now_ns)
        if command is not None:
            self._record.sent(command, now_ns)
            port.write(command)

    def _refuse_remapping(self, session: FreeTargetSession) -> None:
        target_type = remapping_type(session.settings)
        if session.remapped or target_type is not None:
            shown = "" if target_type is None else f" ({TARGET_TYPE} {target_type:g})"
            raise ProtocolError(
                f"the target moves each impact to the nearest of several bulls{shown}",
                device=self._device_id,
                hint=f'Stop the service, send {{"{TARGET_TYPE}":{RAW_TARGET_TYPES[0]}}} with a terminal program at '
                f"{self._settings.baud} baud, and start the service again.",
            )

    def _no_target(self, port: SerialPort, session: FreeTargetSession) -> DriverError:
        """The reason why the target was not identified."""
        name = self._settings.port
        if session.phase is not Phase.SEEKING:
            return ProtocolError(
                f"the target on {name} did not print its settings within {OPEN_S:g} s",
                device=self._device_id,
                hint="Check the cable, and that no other program sends commands to the target; then restart the target.",
            )
        if port.counters.received and not self._decoder.counters.messages:
            return ProtocolError(
                f"the bytes from {name} are not those of a freETarget",
                device=self._device_id,
                hint="Check ARCH_STATS_BAUD, and that this port is the right one.",
            )
        return DeviceUnavailable(
            f"no freETarget answers on {name}",
            device=self._device_id,
            hint="Check that the target is switched on and awake, and that its cable or network is connected.",
        )


def _pieces(data: bytes) -> list[bytes]:
    objects, rest = split_objects(data)
    return [*objects, rest] if rest else objects


def _listed(settings: Mapping[str, int | float]) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in settings.items())
