"""Output pins for asyncio: each change is made in a thread, because a chip may hang."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from drivers.errors import DeviceLost
from drivers.transport.pins import open_pins
from drivers.transport.threads import run_in_thread

if TYPE_CHECKING:
    from drivers.transport.gpio import Pin, PinSet

SET_S: Final = 1.0
"""Deadline for a change of the levels."""


class OutputPins:
    """Open outputs, made by :func:`open_outputs`. They are low at first."""

    def __init__(self, held: PinSet, pins: Sequence[Pin], device: str) -> None:
        self._held = held
        self._pins = pins
        self._device = device

    async def set(self, levels: Sequence[bool]) -> None:
        """Drive the pins high or low. Raises DeviceLost when the chip fails, or does not answer within ``SET_S``."""

        def work() -> None:
            for pin, level in zip(self._pins, levels, strict=True):
                pin.state = int(level)

        try:
            async with asyncio.timeout(SET_S):
                await run_in_thread(work, name=f"{self._device} outputs")
        except (OSError, TimeoutError) as fault:
            raise DeviceLost(
                f"the GPIO chip does not answer: {str(fault) or 'no answer in time'}",
                device=self._device,
                hint="`gpioinfo` shows whether the chip is still there, `dmesg | tail` the kernel's messages.",
            ) from fault

    async def close(self) -> None:
        """Give the pins back; they become inputs."""
        await run_in_thread(self._held.close, name=f"{self._device} closes")


async def open_outputs(numbers: Sequence[int], *, chip: str | None, device: str) -> OutputPins:
    """Open outputs on a chip, by default that of the header.

    Raises DeviceUnavailable, or DriverConfigError for settings or packages that are missing, with a hint.
    """
    opened = await open_pins(lambda held: [held.output(number) for number in numbers], chip, device)
    return OutputPins(opened.held, opened.pins, device)
