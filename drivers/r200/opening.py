"""Finding a reader on a port, and setting it up: dialect, bit rate, texts, region, power."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from drivers.contract import Source
from drivers.errors import DeviceUnavailable, DriverError, ProtocolError
from drivers.r200.codec import (
    GET_POWER,
    GET_REGION,
    STOP,
    Answer,
    Decoder,
    Dialect,
    Failure,
    FrameType,
    GetInfo,
    HostCommand,
    Info,
    InfoKind,
    PowerIs,
    RegionIs,
    SelectMode,
    SetIdleSleep,
    SetPower,
    SetQuery,
    SetRegion,
    SetSelectMode,
    encode_command,
)
from drivers.r200.reader import Reader
from drivers.r200.settings import BAUDS, QUERY, R200Settings, RegionName
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import SerialPort, open_port

PROBES: Final = 3
"""Requests per bit rate: the first one may only wake the reader, which swallows its first byte."""
PROBE_S: Final = 0.3
"""Deadline for the answer to each; boards that get their power from the port need that long to start."""
CHECKS: Final = 4
"""Attempts of a check of the settings, during which the reader must not be silent."""
SIMULATED: Final = "simulator"
"""Word in a text of a simulated reader."""
NEVER: Final = SetSelectMode(SelectMode.NEVER)


@dataclass(frozen=True, slots=True)
class ReaderTexts:
    """Texts of a reader about itself; empty where it gives none."""

    hardware: str
    software: str
    maker: str

    @property
    def source(self) -> Source:
        """The origin of the readings: a simulated reader says so."""
        texts = f"{self.hardware} {self.software} {self.maker}".lower()
        return Source.SIMULATOR if SIMULATED in texts else Source.HARDWARE


async def find_reader(device: str, settings: R200Settings, record: FlightRecorder) -> tuple[SerialPort, Dialect]:
    """Open the port at the bit rate and find the dialect in which a reader answers.

    Raises DeviceUnavailable if none answers, and the errors of :func:`open_port`.
    """
    has_own_rate = "://" in settings.port  # a serial server knows the bit rate itself
    bauds = (settings.baud or BAUDS[0],) if settings.baud is not None or has_own_rate else BAUDS
    received = 0
    for baud in bauds:
        port = await open_port(settings.port, device=device, baud=baud)
        try:
            dialect = await _probe(port, record)
        except BaseException:
            await port.close()
            raise
        if dialect is not None:
            return port, dialect
        received += port.counters.received
        await port.close()
    if received:
        raise ProtocolError(
            f"the bytes from {settings.port} are not those of an R200 or M100 reader",
            device=device,
            hint="Check ARCH_STATS_PORT, and leave ARCH_STATS_BAUD out unless the bit rate of the reader is known.",
        )
    raise DeviceUnavailable(
        f"no R200 or M100 reader answers on {settings.port}",
        device=device,
        hint="Check the reader's power, that its EN pin is high, and that RX and TX are not exchanged.",
    )


async def _probe(port: SerialPort, record: FlightRecorder) -> Dialect | None:
    decoder = Decoder()
    for _ in range(PROBES):
        for dialect in Dialect:
            request = encode_command(GetInfo(InfoKind.HARDWARE), dialect)
            record.sent(request, time.monotonic_ns())
            port.write(request)
        until_s = time.monotonic() + PROBE_S
        while (left_s := until_s - time.monotonic()) > 0:
            chunk = await port.read(left_s)
            frames = decoder.end_silence() if chunk is None else decoder.feed(chunk.data)
            if chunk is not None:
                record.received(chunk.data, chunk.at_ns)
            for frame in frames:
                if frame.type is not FrameType.COMMAND:  # an echo of the request is no reader
                    return frame.dialect
    return None


class SetUp:
    """The settings that one reader must have, sent at the opening and again when it has lost them."""

    def __init__(self, device: str, region: RegionName, power_dbm: float) -> None:
        self.region = region
        self.centi_dbm = round(power_dbm * 100)
        """Transmit power in hundredths of a dBm."""
        self._device = device

    async def texts(self, reader: Reader) -> ReaderTexts:
        """Ask for the texts. Raises DeviceUnavailable if the reader does not answer."""
        texts: list[str] = []
        for kind in InfoKind:
            answer = await self._answer(reader, GetInfo(kind))
            texts.append(answer.text.strip() if isinstance(answer, Info) else "")
        return ReaderTexts(*texts)

    async def send(self, reader: Reader) -> None:
        """Set the reader up and read region and power back.

        Raises DeviceUnavailable if it does not answer, and ProtocolError if it keeps other values.
        """
        await self._done(reader, STOP)
        await self._done(reader, NEVER)
        await self._done(reader, SetRegion(self.region.region))
        await self._done(reader, SetPower(self.centi_dbm))
        if not await self.is_kept(reader):
            raise ProtocolError(
                f"the reader did not keep region {self.region} and power {self.centi_dbm / 100:g} dBm",
                device=self._device,
                hint="Set ARCH_STATS_REGION and ARCH_STATS_POWER_DBM to values that the board supports.",
            )
        for optional in (SetIdleSleep(0), SetQuery(QUERY)):
            await self._answer(reader, optional)

    async def is_kept(self, reader: Reader) -> bool:
        """Whether the reader still has region and power; a brown-out or sleep costs it both, and its select mode.

        Raises DeviceUnavailable if it does not answer.
        """
        region = await self._answer(reader, GET_REGION)
        power = await self._answer(reader, GET_POWER)
        return region == RegionIs(self.region.region) and power == PowerIs(self.centi_dbm)

    async def ensure(self, reader: Reader, *, is_clean: bool = True) -> bool:
        """Make sure that the reader has its settings, and no doubt is left; whether it had them before.

        Without ``is_clean`` they are sent in any case. Raises as :meth:`send`.
        """
        had_them = True
        try:
            for _ in range(CHECKS):
                reader.is_doubtful = False
                if not is_clean or not await self.is_kept(reader):
                    had_them = is_clean = False
                    is_clean = await self._sent(reader)
                if is_clean and not reader.is_doubtful:
                    return had_them
        except BaseException:
            reader.is_doubtful = True
            raise
        raise self._unanswered(GET_REGION)

    async def _sent(self, reader: Reader) -> bool:
        """Send the settings; whether the reader has them. One that may have restarted meanwhile is asked again."""
        try:
            await self.send(reader)
        except ProtocolError:
            if reader.is_doubtful:
                return False
            raise
        return True

    async def _done(self, reader: Reader, command: HostCommand) -> None:
        answer = await self._answer(reader, command)
        if isinstance(answer, Failure):
            raise ProtocolError(
                f"the reader refused command {command.code:02X}: {answer}",
                device=self._device,
                hint="Set ARCH_STATS_REGION and ARCH_STATS_POWER_DBM to values that the board supports.",
            )

    async def _answer(self, reader: Reader, command: HostCommand) -> Answer:
        answer = await reader.repeat(command)
        if answer is None:
            raise self._unanswered(command)
        return answer

    def _unanswered(self, command: HostCommand) -> DriverError:
        return DeviceUnavailable(
            f"the reader did not answer command {command.code:02X} of its set-up",
            device=self._device,
            hint="Check the reader's power supply and its cable; it needs up to 400 mA while it transmits.",
        )
