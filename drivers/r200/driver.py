"""The driver ``arrow.r200``: the line, the inventories and the commands of a UHF reader beside the archers.

Scans are made in :mod:`drivers.r200.scans`, arrows are programmed in :mod:`drivers.r200.programming`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
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
    ignore_progress,
)
from drivers.errors import DeviceLost, DeviceUnavailable, DriverError
from drivers.host_stream import MISSED_POLLS
from drivers.r200.codec import Failure, split_frames
from drivers.r200.commands import COMMANDS, Scanner, run_command
from drivers.r200.opening import SetUp, find_reader
from drivers.r200.reader import Reader
from drivers.r200.refusals import remedy_of
from drivers.r200.scans import HEARTBEAT_NS, HEARTBEAT_S, Round, ScanSession
from drivers.r200.settings import R200Settings
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import SerialPort

OPEN_S: Final = 20.0
"""Deadline for finding the reader and setting it up."""
CHECK_NS: Final = 30_000_000_000
"""Interval between checks that the reader still has its settings."""
SILENT_NS: Final = MISSED_POLLS * HEARTBEAT_NS
_NS: Final = 1_000_000_000

log = logging.getLogger(__name__)


class ArrowReader:
    """One UHF reader behind one port. Implements :class:`drivers.contract.Driver`."""

    info: ClassVar[DriverInfo] = DriverInfo(
        name="arrow.r200",
        kind=DeviceKind.ARROW,
        summary="UHF RFID reader with an R200, M100 or QM100 chip, which scans and programs arrows",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=frozenset({Capability.CONFIGURE}),
        commands=COMMANDS,
        heartbeat_s=HEARTBEAT_S,
        settings=R200Settings,
    )

    def __init__(self, device_id: str, settings: R200Settings, *, clocks: Sequence[ClockModel] = ()) -> None:
        """``clocks`` are the stored clocks of the device; a reader has none."""
        del clocks
        self._device_id = device_id
        self._settings = settings
        self._port: SerialPort | None = None
        self._scanner: Scanner | None = None
        self._record = FlightRecorder(_pieces)
        self._radio = asyncio.Lock()
        """Held by a command, or by one turn of the plain reader."""
        self._check_ns = 0
        self._round_ns = 0
        """CLOCK_MONOTONIC at the last inventory that succeeded, or at the last command."""
        self._failure: Failure | None = None
        """Failure of the last inventory."""
        self._counters: Counter[str] = Counter()
        self._last_line: Mapping[str, int] = {}

    async def open(self) -> DeviceIdentity:
        """Open the port, find the reader's bit rate and dialect, and set it up, within ``OPEN_S``."""
        try:
            async with asyncio.timeout(OPEN_S):
                port, dialect = await find_reader(self._device_id, self._settings, self._record)
                self._port = port
                reader = Reader(port, dialect, self._record)
                set_up = SetUp(self._device_id, self._settings.region, self._settings.power_dbm)
                texts = await set_up.texts(reader)
                await set_up.send(reader)
        except TimeoutError:
            raise DeviceUnavailable(
                f"the reader on {self._settings.port} was not set up within {OPEN_S:g} s",
                device=self._device_id,
                hint="Check the reader's power supply and its cable.",
            ) from None
        self._round_ns = time.monotonic_ns()
        self._check_ns = self._round_ns + CHECK_NS
        session = ScanSession(
            self._device_id, texts.source, host_boot_id(), self._settings.debounce_s, self._settings.poll_ms
        )
        self._scanner = Scanner(reader, set_up, session)
        return DeviceIdentity(
            device_id=self._device_id,
            kind=self.info.kind,
            stream_id=session.stream.stream_id,
            source=texts.source,
            firmware=texts.software or None,
            serial=f"{texts.maker} {texts.hardware}".strip() or None,
        )

    async def readings(self) -> AsyncIterator[Report]:
        """Scans and pulses. Raises DeviceLost when the line fails or the reader is silent for three heartbeats."""
        while True:
            due_ns = time.monotonic_ns() + self._settings.poll_ms * 1_000_000
            async with self._radio:
                scanner = self._opened()
                await self._turn(scanner)
            for report in scanner.session.reports():
                yield report
            await asyncio.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        """Run a command of :mod:`drivers.r200.commands`. Inventories for scans pause meanwhile."""
        if command.name not in COMMANDS:
            return CommandResult(
                ok=False, error=f"unknown command {command.name}; the commands are {', '.join(sorted(COMMANDS))}"
            )
        self._opened()
        async with self._radio:
            scanner = self._opened()
            try:
                return await run_command(command, scanner, report)
            except asyncio.CancelledError:
                scanner.reader.is_doubtful = True
                raise
            finally:
                self._round_ns = time.monotonic_ns()
                scanner.session.on_command()

    async def acknowledge(self, reading: Reading) -> None:
        """Does nothing: the reader keeps no events."""

    async def close(self) -> None:
        """Close the line. A command that awaits an answer fails."""
        port, self._port = self._port, None
        if port is not None:
            await port.close()
            self._last_line = asdict(port.counters)

    def counters(self) -> Mapping[str, int]:
        """Counters of the line, the frames, the exchanges and the scans."""
        line = self._last_line if self._port is None else asdict(self._port.counters)
        scanner = self._scanner
        own = {} if scanner is None else {**scanner.reader.count(), **scanner.session.counters}
        return {**line, **own, **self._counters}

    def flight_record(self) -> list[str]:
        """The last frames in and out."""
        return self._record.lines()

    def _opened(self) -> Scanner:
        if self._port is None or self._scanner is None:
            raise DeviceLost("the line is closed", device=self._device_id, hint="The daemon reopens it automatically.")
        return self._scanner

    async def _turn(self, scanner: Scanner) -> None:
        """One inventory. A reader that may have lost its settings is checked first, so that it does not transmit without."""
        reader = scanner.reader
        is_due = time.monotonic_ns() >= self._check_ns or reader.is_doubtful or not scanner.is_clean
        if not is_due or await self._check(scanner):
            found = await reader.inventory(self._settings.rounds)
            self._failure = found if isinstance(found, Failure) else None
            if isinstance(found, Round):
                self._round_ns = time.monotonic_ns()
                scanner.session.on_round(found, clock_pair())
            self._counters["failed_inventories"] += self._failure is not None
        now_ns = time.monotonic_ns()
        if now_ns - reader.answered_ns >= SILENT_NS:
            raise self._silent()
        if now_ns - self._round_ns >= SILENT_NS:
            raise self._without_inventory()

    async def _check(self, scanner: Scanner) -> bool:
        """Set the reader up again if it lost its settings, or may still be in a select mode; whether it has them."""
        reader = scanner.reader
        left_ns = reader.answered_ns + SILENT_NS - time.monotonic_ns()
        try:
            async with asyncio.timeout(left_ns / _NS):
                had_them = await scanner.set_up.ensure(reader, is_clean=scanner.is_clean)
        except (DeviceUnavailable, TimeoutError):
            self._counters["failed_checks"] += 1
            return False  # the next turns find out whether it is silent
        if not had_them:
            self._counters["set_up_again"] += 1
            if self._counters["set_up_again"] == 1:  # a weak supply costs it them again and again
                log.warning(
                    "%s was set up again: it had lost its settings, or a command could not end. "
                    "Check its power supply if the counter set_up_again goes up.", self._device_id,
                )  # fmt: skip
        scanner.is_clean = True
        self._check_ns = time.monotonic_ns() + CHECK_NS
        return True

    def _without_inventory(self) -> DriverError:
        reason = "" if self._failure is None else f": {self._failure}"
        return DeviceLost(
            f"no inventory of the reader succeeded for {SILENT_NS / 1e9:g} s{reason}",
            device=self._device_id,
            hint="Check the reader's power supply and its cable."
            if self._failure is None
            else remedy_of(self._failure),
        )

    def _silent(self) -> DriverError:
        return DeviceLost(
            f"silent: no answer of the reader for {SILENT_NS / 1e9:g} s",
            device=self._device_id,
            hint="Check the reader's power supply and its cable.",
            silent=True,
        )


def _pieces(data: bytes) -> list[bytes]:
    frames, rest = split_frames(data)
    return [*frames, rest] if rest else frames
