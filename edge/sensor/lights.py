"""Status lights of a device at the hub's pins: green and red, for archers who look at no page.

A light that fails is reported in the log and costs no reading: it has a task of its own, which never raises.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

from drivers.errors import DriverConfigError, DriverError
from drivers.transport.outputs import OutputPins, open_outputs
from edge.common.process.logs import Transitions
from edge.common.vocabulary import DeviceState
from edge.sensor.status import Status

LOOK_S: Final = 0.1
"""Longest time from a change of the state to the light."""
BLINK_S: Final = 0.5
"""Length of each half of a blink."""
RETRY_FIRST_S: Final = 1.0
RETRY_CAP_S: Final = 60.0
"""Longest pause before pins that failed are opened again."""
OFF_WITHIN_S: Final = 0.3
"""Longest wait at the stop until the lights are off."""

log = logging.getLogger(__name__)


class Light(StrEnum):
    """Display of one light."""

    OFF = "off"
    STEADY = "steady"
    BLINKING = "blinking"


@dataclass(frozen=True, slots=True)
class Lights:
    """Display of both lights."""

    green: Light = Light.OFF
    red: Light = Light.OFF


DARK: Final = Lights()
READY: Final = Lights(green=Light.STEADY)
ENGAGED: Final = Lights(red=Light.STEADY)
NO_CONTACT: Final = Lights(red=Light.BLINKING)
_OF_STATE: Final[Mapping[DeviceState, Lights]] = {
    DeviceState.WAITING: NO_CONTACT,
    DeviceState.SILENT: NO_CONTACT,
    DeviceState.LOST: NO_CONTACT,
}


@dataclass(frozen=True, slots=True)
class LightPins:
    """Pins of the lights: GPIO numbers, None for a light that is not there."""

    green: int | None
    red: int | None
    chip: str | None = None


class LightsState(StrEnum):
    """The state of the lights, as logged."""

    WORK = "work"
    FAILED = "failed"


def lights_of(state: DeviceState, *, is_engaged: bool, is_storable: bool) -> Lights:
    """The lights for a device in ``state``, with an arrow on the string, whose readings can be stored. Pure.

    Readings that wait on the disk for the database are stored.
    """
    if state is not DeviceState.READY:
        return _OF_STATE.get(state, DARK)
    if not is_storable:
        return NO_CONTACT
    return ENGAGED if is_engaged else READY


def is_lit(light: Light, seconds: float) -> bool:
    """Whether a light is on at an instant of a clock. Pure."""
    return light is Light.STEADY or (light is Light.BLINKING and int(seconds / BLINK_S) % 2 == 0)


class LightKeeper:
    """Shows the state of one device."""

    def __init__(self, pins: LightPins, device_id: str, status: Status, is_storable: Callable[[], bool]) -> None:
        self._pins = pins
        self._device_id = device_id
        self._status = status
        self._is_storable = is_storable
        self._state_log = Transitions(log, f"lights of {device_id}")

    async def run(self) -> None:
        """Show the state until cancelled, then switch the lights off. Ends early where the settings can never work."""
        try:
            async for attempt in AsyncRetrying(
                wait=wait_random_exponential(multiplier=RETRY_FIRST_S, max=RETRY_CAP_S),
                retry=retry_if_exception(
                    lambda fault: isinstance(fault, DriverError) and not isinstance(fault, DriverConfigError)
                ),
                reraise=True,
            ):
                with attempt:
                    await self._show()
        except DriverConfigError:
            return
        except Exception:
            log.exception("the lights of %s are given up", self._device_id)

    async def _show(self) -> None:
        try:
            numbers = [number for number in (self._pins.green, self._pins.red) if number is not None]
            outputs = await open_outputs(numbers, chip=self._pins.chip, device=self._device_id)
            try:
                self._state_log.enter(LightsState.WORK)
                await self._follow(outputs)
            finally:
                await self._switch_off(outputs, len(numbers))
        except DriverError as fault:
            self._state_log.enter(LightsState.FAILED, f"{fault.message}. {fault.hint}")
            raise

    async def _follow(self, outputs: OutputPins) -> None:
        shown: list[bool] | None = None
        while True:
            lights = lights_of(self._status.state, is_engaged=self._status.is_engaged, is_storable=self._is_storable())
            both = ((self._pins.green, lights.green), (self._pins.red, lights.red))
            now = time.monotonic()
            levels = [is_lit(light, now) for number, light in both if number is not None]
            if levels != shown:
                await outputs.set(levels)
                shown = levels
            await asyncio.sleep(LOOK_S)

    async def _switch_off(self, outputs: OutputPins, count: int) -> None:
        with suppress(DriverError, TimeoutError):
            async with asyncio.timeout(OFF_WITHIN_S):
                await outputs.set([False] * count)
        with suppress(TimeoutError):
            async with asyncio.timeout(OFF_WITHIN_S):
                await outputs.close()
