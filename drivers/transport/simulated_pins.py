"""Pins without hardware: a simulator drives them from a thread of its own, and drivers and lights use them as the kernel's."""

from __future__ import annotations

import threading
from typing import cast

from drivers.transport.edges import Pull
from drivers.transport.gpio import PI_5, BasePin, Listeners, PiFactory

Move = tuple[int, bool, int] | tuple[int, bool, int, bool | None]
"""Number of a line, its level, the kernel's stamp in nanoseconds, and the reported level if it is another."""


class SimulatedPin(BasePin):
    """A pin that a simulator drives from a thread of its own, stamped as a kernel would."""

    def __init__(self, factory: SimulatedFactory, info: object) -> None:
        super().__init__(factory, info)
        self.missed = 0
        self._is_driven = self._is_output = False
        self._level = self._wanted_pull is Pull.UP

    def close(self) -> None:
        """Give the pin back."""
        self.when_changed = None
        self.function = "input"

    def drive(self, level: bool, at_ns: int, *, reported: bool | None = None) -> None:
        """Set the level, and report an edge of ``at_ns``, with the level that the kernel reads after it.

        ``reported`` is another level: a pulse that is shorter than the kernel's interrupt thread needs is read too late.
        An edge is reported even where the level stays.
        """
        self._is_driven, self._level = True, level
        self._report(at_ns, level if reported is None else reported)

    def lose(self, level: bool, count: int = 1) -> None:
        """Set the level after ``count`` edges that the kernel drops."""
        self._is_driven, self._level = True, level
        self.missed += count

    def _get_function(self) -> str:
        return "output" if self._is_output else "input"

    def _set_function(self, value: str) -> None:
        self._check_function(value)
        self._is_output = value == "output"
        if self._is_output:
            self._level = False

    def _get_state(self) -> int:
        self.factory.wait_while_frozen()
        return int(self._level)

    def _set_state(self, value: float) -> None:
        self._level = bool(value)

    def _connect_resistor(self, pull: Pull) -> None:
        if not self._is_driven and pull is not Pull.FLOATING:  # a driven line is stronger than the resistor
            self._level = pull is Pull.UP

    def _enable_event_detect(self) -> None:
        """Nothing to do: edges are reported by :meth:`drive`."""

    def _disable_event_detect(self) -> None:
        """Nothing to do, as above."""


class SimulatedFactory(PiFactory):  # type: ignore[misc]  # gpiozero has no annotations
    """The pins of a Pi 5 without hardware."""

    def __init__(self) -> None:
        super().__init__()
        self.pin_class = SimulatedPin
        self._answers = threading.Event()
        self._answers.set()
        self._making = threading.Lock()
        self.listeners = Listeners()

    def pin(self, name: str) -> SimulatedPin:
        """The pin of this name: the same for the simulator and for the driver, which are in different threads."""
        with self._making:
            return cast("SimulatedPin", super().pin(name))

    def drive(self, *moves: Move) -> None:
        """Drive lines, see :meth:`SimulatedPin.drive`. The edges are delivered together."""
        for number, level, at_ns, *reported in moves:
            self.pin(f"GPIO{number}").drive(level, at_ns, reported=reported[0] if reported else None)
        self.listeners.call()

    def freeze(self) -> None:
        """Let every look at a pin's level wait, as at a chip that hangs."""
        self._answers.clear()

    def thaw(self) -> None:
        """Let the pins answer again."""
        self._answers.set()

    def wait_while_frozen(self) -> None:
        """Return when the pins answer."""
        self._answers.wait()

    def _get_revision(self) -> int:
        return PI_5
