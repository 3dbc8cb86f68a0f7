"""Runs the commands of the device: claims them from the database, hands them to the driver, and writes what came of them.

After each opening, and before any command, the device gets the settings of its active calibration.

A connection of its own, open only while there is a command, so that no statement about a command delays a reading. The
doorbell arrives on the writer's connection. Without the database a command that runs goes on, and its outcome is written
once the database is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from drivers.contract import Driver, Progress
from drivers.errors import DeviceLost, DriverError
from edge.common.postgres.connection import DATABASE_FAULTS
from edge.common.postgres.database import Database, describe_error
from edge.common.postgres.reconnect import reconnecting
from edge.common.postgres.roles import first_line
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick
from edge.common.vocabulary import CommandState, DeviceState
from edge.sensor.calibrated import SettingsKeeper
from edge.sensor.command_rows import INTERRUPTED_HINT, ClaimedCommand, CommandRows, Outcome
from edge.sensor.reader import DeviceReader
from edge.sensor.running_command import RunningCommand
from edge.sensor.sqlstate import ErrorClass, classify
from edge.sensor.status import Status

IDLE_ROUND_S: Final = 20.0
"""Longest wait without a command: the watchdog sees that the loop lives."""
LOOK_S: Final = 2.0
"""Longest interval between two looks at whether a running command was cancelled; a doorbell is faster."""
OPENS_WITHIN_S: Final = 5.0
"""Longest wait of a command for a device that is being opened for the first time."""
ENDS_WITHIN_S: Final = 3.0
"""Longest time that a driver takes to end a command that is cancelled or too late."""
STOPS_WITHIN_S: Final = 0.2
"""The same when the daemon stops."""
BACKOFF_CAP_S: Final = 2.0
"""Longest pause between two attempts to reach the database."""

log = logging.getLogger(__name__)


class RowsState(StrEnum):
    """The state of the connection for commands, as logged."""

    UP = "up"
    DOWN = "down"


class CommandRunner:
    """Runs one command at a time on the driver that the reader has open."""

    def __init__(
        self, database: Database, device_id: str, reader: DeviceReader, status: Status, tick: Tick = no_tick
    ) -> None:
        self._database = database
        self._device_id = device_id
        self._reader = reader
        self._status = status
        self._tick = tick
        self._daemon_id: UUID = uuid4()
        self._has_started = False
        self._running: RunningCommand | None = None
        self._settings = SettingsKeeper(device_id)
        self._abandoned: asyncio.Task[Outcome] | None = None
        """A command that the driver did not end in time."""
        self._ended = ""
        """Number of the command that ended last: its doorbell says nothing new."""
        self._changed = asyncio.Event()
        """A doorbell rang, or the running command made progress."""
        self._connection_log = Transitions(log, "database for commands")

    @property
    def channel(self) -> str:
        """The channel of the doorbell."""
        return f"{self._database.channel}_commands"

    def ring(self, payload: str = "") -> None:
        """Look at the commands: one of this device was requested or changed. Without a payload any may have been."""
        device_id, _, number = payload.partition(" ")
        if not payload or (device_id == self._device_id and number != self._ended):
            self._changed.set()

    def look_at_opened(self) -> None:
        """Look at the settings of the device, which was opened. The database must be reachable."""
        if self._settings.is_due(self._open_driver):
            self._changed.set()

    async def run(self) -> None:
        """Run commands until cancelled; then the driver is to end the running one."""
        try:
            while True:
                self._tick()
                if await self._changed_within(IDLE_ROUND_S):
                    await self._connect_and_serve()
        finally:
            if self._running is not None:
                self._running.task.cancel()

    async def finish(self, timeout_s: float) -> None:
        """End the running command when the daemon stops, and write that, if both takes at most ``timeout_s``."""
        running = self._running
        if running is None:
            return
        ends_by = asyncio.get_running_loop().time() + timeout_s
        running.task.cancel()
        await asyncio.wait((running.task,), timeout=STOPS_WITHIN_S)
        outcome = running.outcome()
        if outcome is None or outcome.state is CommandState.CANCELLED:
            outcome = Outcome(
                CommandState.FAILED,
                error="interrupted: the daemon was stopped while the command ran",
                hint=INTERRUPTED_HINT,
            )
        with suppress(*DATABASE_FAULTS):  # the daemon that starts next writes it
            async with asyncio.timeout_at(ends_by):
                connection = await self._database.connect()
                try:
                    rows = CommandRows(connection, self._device_id, self._daemon_id)
                    await rows.write_outcome(running.claimed.number, running.with_evidence(outcome))
                finally:
                    connection.terminate()

    async def _connect_and_serve(self) -> None:
        async for attempt in reconnecting(
            self._database, self._on_fault, longest_pause_s=BACKOFF_CAP_S, tick=self._tick
        ):
            with attempt:
                await self._serve(CommandRows(await attempt.connect(), self._device_id, self._daemon_id))
                if self._connection_log.state is RowsState.DOWN:
                    self._connection_log.enter(RowsState.UP)

    def _on_fault(self, fault: Exception) -> None:
        self._connection_log.enter(RowsState.DOWN, f"{describe_error(fault)}; trying again")

    async def _changed_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    async def _serve(self, rows: CommandRows) -> None:
        """Run the waiting commands, one after the other."""
        if not self._has_started:
            if interrupted := await rows.interrupt_claims_of_others():
                log.warning(
                    "%d commands of %s were interrupted by the last end of its daemon", interrupted, self._device_id
                )
            self._has_started = True
        while True:
            if self._running is None:
                self._changed.clear()
                await self._set_calibrated(rows)
                claimed = await rows.claim()
                if claimed is None:
                    return
                self._start(claimed)
            else:
                await self._follow(rows, self._running)

    async def _set_calibrated(self, rows: CommandRows) -> None:
        """Set the device to its active calibration, unless that was done since it was opened."""
        if self._settings.is_due(self._open_driver):
            self._settings.stored = await rows.calibrated_settings()
        if (driver := self._open_driver) is not None:
            await self._settings.apply(driver)

    @property
    def _open_driver(self) -> Driver | None:
        return self._reader.driver if self._reader.opened.is_set() else None

    def _start(self, claimed: ClaimedCommand) -> None:
        log.info("command %d of %s: %s", claimed.number, claimed.who, claimed.command.name)
        task = asyncio.create_task(self._execute(claimed), name=f"command {claimed.number}")
        ends_by = time.monotonic() + claimed.deadline_s + ENDS_WITHIN_S
        self._running = RunningCommand(claimed, task, ends_by)
        task.add_done_callback(lambda _: self._changed.set())

    async def _follow(self, rows: CommandRows, running: RunningCommand) -> None:
        """Write the progress of the running command, cancel it on request, and write its outcome."""
        number = running.claimed.number
        while not running.task.done() and time.monotonic() < running.ends_by:
            self._tick()
            if not running.cancelled and await rows.is_cancelled(number):
                running.cancelled, running.ends_by = True, time.monotonic() + ENDS_WITHIN_S
                running.task.cancel()
            if running.progress is not None and time.monotonic() >= running.due_at:
                await running.write_progress(rows)
            now = time.monotonic()
            pause_s = LOOK_S if running.progress is None else running.due_at - now
            await self._changed_within(max(0.0, min(pause_s, running.ends_by - now)))
        outcome = running.outcome()
        if outcome is None:
            outcome = running.not_ended()
            running.task.cancel()
            self._abandoned = running.task
        await running.write_progress(rows)
        self._ended = str(number)
        if await _write_outcome(rows, number, running.with_evidence(outcome)):
            log.info("command %d: %s%s", number, outcome.state, f": {outcome.error}" if outcome.error else "")
        else:
            log.warning("command %d ended as %s, but it is no longer this daemon's", number, outcome.state)
        self._running = None

    async def _execute(self, claimed: ClaimedCommand) -> Outcome:
        driver: Driver | None = None
        try:
            async with asyncio.timeout(claimed.deadline_s) as deadline:
                opened = await self._await_driver()
                if isinstance(opened, Outcome):
                    return opened
                driver = opened
                result = await driver.execute(claimed.command, self._reporter(claimed.number))
        except TimeoutError:
            if not deadline.expired():
                raise
            return Outcome(
                CommandState.FAILED, error=f"it did not end within {claimed.deadline_s:g} s", hint=_LATE_HINT
            )
        except DriverError as fault:
            return self._failed(fault, driver)
        if result.ok:
            return Outcome(CommandState.DONE, result.values)
        return Outcome(CommandState.FAILED, result.values, result.error or "the device refused")

    async def _await_driver(self) -> Driver | Outcome:
        """The driver of the open device, which is set to its calibration, or the reason why there is none."""
        if self._abandoned is not None and not self._abandoned.done():
            return self._blocked()
        if self._status.state is DeviceState.STARTING:
            with suppress(TimeoutError):
                async with asyncio.timeout(OPENS_WITHIN_S):
                    await self._reader.opened.wait()
        driver = self._open_driver
        if driver is not None:
            await self._settings.apply(driver)  # it was opened after the command was claimed
            return self._blocked() if self._settings.is_stuck else driver
        error, hint = self._status.trouble
        state = self._status.state
        described = "not connected" if state in (DeviceState.WAITING, DeviceState.STARTING) else state.value
        return Outcome(
            CommandState.FAILED,
            error=f"{self._device_id} is {described}" + (f": {error.removeprefix(_SILENT)}" if error else ""),
            hint=hint or "Check the device and its cable, then request the command again.",
        )

    def _blocked(self) -> Outcome:
        return Outcome(
            CommandState.FAILED,
            error=f"an earlier command of {self._device_id} has not ended",
            hint="Restart the daemon of the device.",
        )

    def _failed(self, fault: DriverError, driver: Driver | None) -> Outcome:
        """The outcome of a command that a fault ended; the reader knows more than a driver whose line it has closed."""
        if self._reader.driver is driver or not isinstance(fault, DeviceLost):
            return Outcome(CommandState.FAILED, error=fault.message, hint=fault.hint)
        cause = (self._status.error or "its daemon opened the line again").removeprefix(_SILENT)
        what = "fell silent" if self._status.state is DeviceState.SILENT else "was lost"
        return Outcome(
            CommandState.FAILED,
            error=f"{self._device_id} {what} while the command ran: {cause}",
            hint=" ".join(part for part in (self._status.hint, INTERRUPTED_HINT) if part),
        )

    def _reporter(self, number: int) -> Callable[[Progress], None]:
        """Takes the progress of one command; a step that a driver reports after its end is dropped."""

        def report(progress: Progress) -> None:
            running = self._running
            if running is not None and running.claimed.number == number:
                running.add(progress)
                self._changed.set()

        return report


_SILENT: Final = f"{DeviceState.SILENT}: "
"""Beginning of the error of a silent device, which a sentence that says so leaves out."""
_LATE_HINT: Final = "Look whether the device answers, and read its settings before the command is requested again."


async def _write_outcome(rows: CommandRows, number: int, outcome: Outcome) -> bool:
    """Write the outcome, or without its values where the database refuses them for their content."""
    try:
        return await rows.write_outcome(number, outcome)
    except asyncpg.PostgresError as fault:
        if classify(fault.sqlstate) is not ErrorClass.ROW:
            raise
        refused = Outcome(
            CommandState.FAILED,
            error=f"it ended as {outcome.state}, but the database refuses its result ({first_line(fault)})",
            hint="Please report this as a bug.",
        )
        return await rows.write_outcome(number, refused)
