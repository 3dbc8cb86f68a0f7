"""Pins for drivers and lights: gpiozero on the kernel's character device, or simulated. Only this file imports gpiozero.

gpiozero's own factories are unsuitable: the one for a Pi 5 needs a compiler, holds each edge for half a millisecond, and
counts no lost ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, cast

from gpiozero.exc import (  # type: ignore[import-untyped]  # gpiozero has no annotations
    GPIOPinInUse,
    PinFixedPull,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPin,
    PinInvalidPull,
    PinPWMUnsupported,
    PinSetInput,
    PinUnknownPi,
)
from gpiozero.pins.local import LocalPiFactory, LocalPiPin  # type: ignore[import-untyped]  # as above
from gpiozero.pins.mock import MockFactory, MockPin  # type: ignore[import-untyped]  # as above

from drivers.errors import DriverError
from drivers.transport.edges import Pull
from drivers.transport.gpio_faults import explain_chip, explain_line, fixed_pull, no_such_pin, pin_in_use
from drivers.transport.gpiod_pins import KernelLine, LineWatcher, find_chip

PI_5: Final = 0xC04170
"""Board revision of a Raspberry Pi 5, whose 40-pin header stands for the lines 0 to 27 of any other board."""

OnChange = Callable[[float, int], None]
"""Receives an edge in the factory's thread: seconds of CLOCK_MONOTONIC, and the level after it."""


class Pin(Protocol):
    """The part of a gpiozero pin that this project uses, and its count of missed edges."""

    function: str
    pull: str
    when_changed: OnChange | None
    state: int
    missed: int
    """Edges that the kernel dropped before it delivered the last one."""

    def close(self) -> None:
        """Give the pin back."""
        ...


class Listeners:
    """Receivers of the news that all edges of a moment are delivered: a part of a burst alone would mislead them."""

    def __init__(self) -> None:
        self._all: tuple[Callable[[], None], ...] = ()

    def add(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` from now on, in the factory's thread."""
        self._all = (*self._all, listener)

    def remove(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` no more."""
        self._all = tuple(one for one in self._all if one != listener)

    def call(self) -> None:
        """Call all of them."""
        for listener in self._all:
            listener()


class Factory(Protocol):
    """The part of a gpiozero pin factory that this project uses."""

    listeners: Listeners

    def pin(self, name: str) -> Pin:
        """The pin ``GPIO17``, opened by the first call."""
        ...

    def reserve_pins(self, requester: object, *names: str) -> None:
        """Reserve pins for ``requester``. Raises GPIOPinInUse."""
        ...

    def release_all(self, reserver: object) -> None:
        """Give all pins of ``reserver`` back."""
        ...

    def close(self) -> None:
        """Close all pins."""
        ...


class KernelPin(LocalPiPin):  # type: ignore[misc]  # gpiozero has no annotations
    """A line of the chip as a gpiozero pin."""

    def __init__(self, factory: KernelFactory, info: object) -> None:
        super().__init__(factory, info)
        self._line = KernelLine(factory.chip_path, self._number, factory.watcher)
        self._wanted_pull = Pull.FLOATING
        self._wanted_edges = "both"
        self._bounce: float | None = None

    @property
    def missed(self) -> int:
        """Edges that the kernel dropped."""
        return self._line.missed

    def close(self) -> None:
        """Give the line back to the kernel."""
        self.when_changed = None
        self._line.close()

    def _get_function(self) -> str:
        return "output" if self._line.is_output else "input"

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f"pin {self!r} cannot be {value!r}: it is an input or an output")
        self._line.set_direction(is_output=value == "output")

    def _get_state(self) -> int:
        return int(self._line.level())

    def _set_state(self, value: float) -> None:
        if not self._line.is_output:
            raise PinSetInput(f"pin {self!r} is an input, and cannot be driven")
        self._line.set_level(bool(value))

    def _get_pull(self) -> str:
        return self._wanted_pull

    def _set_pull(self, value: str) -> None:
        if self._line.is_output:
            raise PinFixedPull(f"pin {self!r} is an output, and has no pull")
        if value not in list(Pull):
            raise PinInvalidPull(f"pin {self!r} cannot be pulled {value!r}: choose {', '.join(Pull)}")
        self._wanted_pull = Pull(value)
        self._line.set_pull(self._wanted_pull)

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        self._bounce = value  # the kernel's debounce stamps late, so the pin reports every edge

    def _get_edges(self) -> str:
        return self._wanted_edges

    def _set_edges(self, value: str) -> None:
        if value not in ("none", "rising", "falling", "both"):
            raise PinInvalidEdges(f"pin {self!r} has no edges {value!r}")
        handler, self.when_changed = self.when_changed, None
        self._wanted_edges = value
        self.when_changed = handler

    def _get_frequency(self) -> None:
        return None

    def _set_frequency(self, value: float | None) -> None:
        if value is not None:
            raise PinPWMUnsupported(f"pin {self!r} has no pulse width modulation")

    def _enable_event_detect(self) -> None:
        self._line.watch(self._wanted_edges, self._on_edge)

    def _disable_event_detect(self) -> None:
        self._line.unwatch()

    def _on_edge(self, at_ns: int, level: bool) -> None:
        reference = self._when_changed  # another thread may clear it between two looks
        handler = reference() if reference is not None else None
        if handler is not None:
            handler(at_ns / 1e9, int(level))


class KernelFactory(LocalPiFactory):  # type: ignore[misc]  # gpiozero has no annotations
    """gpiozero's pin factory on one GPIO chip of the kernel."""

    def __init__(self, chip: str | None) -> None:
        """Raises OSError when no chip can be opened."""
        super().__init__()
        self.chip_path = find_chip(chip)
        self.listeners = Listeners()
        self.watcher = LineWatcher(self.listeners.call)
        self.pins: dict[object, Pin] = {}  # gpiozero would share them with factories of other chips
        self.pin_class = KernelPin

    def close(self) -> None:
        """Close all pins, and end the thread of their edges."""
        super().close()
        self.watcher.close()

    def _get_revision(self) -> int:
        try:
            return int(super()._get_revision())
        except (PinUnknownPi, OSError):
            return PI_5


Move = tuple[int, bool, int] | tuple[int, bool, int, bool | None]
"""Number of a line, its level, the kernel's stamp in nanoseconds, and the reported level if it is another."""


class SimulatedPin(MockPin):  # type: ignore[misc]  # gpiozero has no annotations
    """A pin that a simulator drives from a thread of its own, stamped as a kernel would."""

    def __init__(self, factory: SimulatedFactory, info: object) -> None:
        self._is_driven = False
        self._state: bool
        super().__init__(factory, info)
        self.missed = 0

    def drive(self, level: bool, at_ns: int, *, reported: bool | None = None) -> None:
        """Set the level, and report an edge of ``at_ns``, with the level that the kernel reads after it.

        ``reported`` is another level: a pulse that is shorter than the kernel's interrupt thread needs is read too late.
        An edge is reported even where the level stays.
        """
        self._is_driven = True
        self._change_state(level)
        reference = self._when_changed
        handler = reference() if reference is not None else None
        if handler is not None:
            handler(at_ns / 1e9, int(level if reported is None else reported))

    def lose(self, level: bool, count: int = 1) -> None:
        """Set the level after ``count`` edges that the kernel drops."""
        self._is_driven = True
        self._change_state(level)
        self.missed += count

    def _change_state(self, value: bool) -> bool:
        """Keep the present level only: gpiozero's own keeps every level since the start."""
        before: bool = self._state
        self._state = value
        return before != value

    def _set_pull(self, value: str) -> None:
        if self._is_driven:
            self._pull = value  # a driven line is stronger than the resistor
        else:
            super()._set_pull(value)

    def _get_state(self) -> int:
        self.factory.wait_while_frozen()
        return int(super()._get_state())


class SimulatedFactory(MockFactory):  # type: ignore[misc]  # gpiozero has no annotations
    """The pins of a Pi 5 without hardware."""

    def __init__(self) -> None:
        super().__init__(revision=f"{PI_5:x}", pin_class=SimulatedPin)
        self._answers = threading.Event()
        self._answers.set()
        self._making = threading.Lock()
        self.listeners = Listeners()

    def pin(self, name: str, **options: object) -> SimulatedPin:
        """The pin of this name: the same for the simulator and for the driver, which are in different threads."""
        with self._making:
            return cast("SimulatedPin", super().pin(name, **options))

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


class _Simulation:
    """The factory that stands for the hardware of this process, while one does."""

    factory: SimulatedFactory | None = None


def simulate_pins(factory: SimulatedFactory | None) -> None:
    """Use the pins of ``factory`` in place of the hardware, in this process; None ends that."""
    _Simulation.factory = factory


class PinSet:
    """Pins for one purpose on one chip, closed together. Its methods block: call them in a thread."""

    def __init__(self, chip: str | None, device: str) -> None:
        """Take the chip, by default that of the header, or the simulated pins. Raises DriverError with a hint."""
        self._device = device
        self._pins: list[Pin] = []
        self._listener: Callable[[], None] | None = None
        simulated = _Simulation.factory
        self.is_simulated = simulated is not None
        try:
            self._factory = cast("Factory", simulated or KernelFactory(chip))
        except OSError as fault:
            raise explain_chip(chip, device, fault) from fault

    def input(self, number: int, pull: str) -> Pin:
        """Open an input, with a resistor inside the chip: up, down or floating. Raises DriverError with a hint."""

        def prepare(pin: Pin) -> None:
            pin.function = "input"
            pin.pull = pull

        return self._open(number, prepare)

    def output(self, number: int) -> Pin:
        """Open an output that is low. Raises DriverError with a hint."""

        def prepare(pin: Pin) -> None:
            pin.function = "output"
            pin.state = 0

        return self._open(number, prepare)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` in the factory's thread whenever all edges of a moment are delivered, until the pins are closed."""
        self._listener = listener
        self._factory.listeners.add(listener)

    def explain(self, number: int, fault: Exception) -> DriverError:
        """The error to raise for a fault of an open pin."""
        return explain_line(number, getattr(self._factory, "chip_path", "the simulated chip"), self._device, fault)

    def close(self) -> None:
        """Give the pins back. May be called twice; never raises."""
        for pin in self._pins:
            with suppress(OSError):
                pin.when_changed = None
        self._pins.clear()
        if self._listener is not None:
            self._factory.listeners.remove(self._listener)
        self._factory.release_all(self)
        if not self.is_simulated:  # a simulator drives its pins on
            with suppress(OSError):
                self._factory.close()

    def _open(self, number: int, prepare: Callable[[Pin], None]) -> Pin:
        name = f"GPIO{number}"
        try:
            self._factory.reserve_pins(self, name)
            pin = self._factory.pin(name)
            prepare(pin)
        except GPIOPinInUse as fault:
            raise pin_in_use(number, self._device) from fault
        except PinInvalidPin as fault:
            raise no_such_pin(number, self._device) from fault
        except PinFixedPull as fault:
            raise fixed_pull(number, self._device) from fault
        except (OSError, ValueError) as fault:
            raise self.explain(number, fault) from fault
        self._pins.append(pin)
        return pin

    def _conflicts_with(self, _other: object) -> bool:
        """The question that gpiozero asks of two holders of one pin."""
        return True
