"""The settings of the device's active calibration, sent to it after each opening: without power many devices forget them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from drivers.contract import Capability, Command, CommandResult, Driver
from drivers.errors import DriverError
from edge.common.process.logs import Transitions
from edge.sensor.command_rows import CalibrationSettings, Value

APPLIES_WITHIN_S: Final = 5.0
"""Longest time for the settings: a command that waits meanwhile must not expire."""
ENDS_WITHIN_S: Final = 1.0
"""Longest time that a driver takes to end it after that."""
CONFIGURE: Final = "configure"
"""Name of the command, see :class:`drivers.contract.Command`."""

log = logging.getLogger(__name__)


class SettingsState(StrEnum):
    """State of the calibrated settings, as logged."""

    ACTIVE = "active"
    MISSING = "not active"


class SettingsKeeper:
    """Sets the device to its active calibration, once for each driver that is opened. A fault is logged and ends nothing."""

    def __init__(self, device_id: str) -> None:
        self.stored: CalibrationSettings | None = None
        """Those of the active calibration; None for one without settings, and without a calibration."""
        self._device_id = device_id
        self._applied_to: Driver | None = None
        self._setting: asyncio.Task[CommandResult] | None = None
        self._logged: CalibrationSettings | None = None
        self._log = Transitions(log, device_id)

    def is_due(self, driver: Driver | None) -> bool:
        """Whether a driver may still need the settings; True while none is open, for the next one will."""
        return driver is None or (driver is not self._applied_to and Capability.CONFIGURE in driver.info.capabilities)

    @property
    def is_stuck(self) -> bool:
        """Whether a driver has not ended the setting in time, so that it takes no command."""
        return self._setting is not None and not self._setting.done()

    async def apply(self, driver: Driver) -> None:
        """Set the device, if the driver was not served before and a calibration with settings is active."""
        if driver is self._applied_to:
            return
        self._applied_to, stored = driver, self.stored
        if stored is None or not stored.values:
            return
        task = self._setting = asyncio.create_task(
            driver.execute(Command(CONFIGURE, stored.values)), name="calibrated settings"
        )
        try:
            await asyncio.wait((task,), timeout=APPLIES_WITHIN_S)
        finally:
            task.cancel()  # without effect on one that has ended
        if not task.done():
            await asyncio.wait((task,), timeout=ENDS_WITHIN_S)
        self._report(stored, _fault(task, stored.values))

    def _report(self, stored: CalibrationSettings, fault: str | None) -> None:
        words = " ".join(f"{name}={value}" for name, value in stored.values.items())
        if stored != self._logged:
            self._logged, self._log = stored, Transitions(log, f"calibration {stored.calibration}, {words}")
        if fault is None:
            self._log.enter(SettingsState.ACTIVE)
            return
        self._log.enter(
            SettingsState.MISSING,
            f"{fault}. The next opening of the device sends it again; or set it: "
            f"`archstats-sensor devices config {self._device_id} {words}`",
        )


def _fault(task: asyncio.Task[CommandResult], wanted: Mapping[str, Value]) -> str | None:
    """The reason why the settings are not active; None when the device reads them back."""
    if not task.done() or task.cancelled():
        return f"the device did not take them within {APPLIES_WITHIN_S:g} s"
    raised = task.exception()
    if isinstance(raised, DriverError):
        return raised.message.removesuffix(".")
    if raised is not None:
        log.error("defect of the driver", exc_info=raised)
        return f"defect of the driver: {type(raised).__name__}: {raised}"
    result = task.result()
    if not result.ok:
        return (result.error or "the device refused them").removesuffix(".")
    kept = [f"{name} {result.values.get(name)}" for name, value in wanted.items() if result.values.get(name) != value]
    return f"the device keeps {', '.join(kept)}" if kept else None
