"""Pins for drivers and lights: gpiozero on the kernel's character device, or simulated. Only this file imports gpiozero.

gpiozero's own factories are unsuitable: the one for a Pi 5 needs a compiler, holds each edge for half a millisecond, and
counts no lost ones. Its pins are enough here: its devices, its mock pins and what they import take 2.4 MB of a daemon.
"""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol, cast

from drivers.errors import DriverError
from drivers.transport.edges import Pull
from drivers.transport.gpio_faults import explain_chip, explain_line, fixed_pull, no_such_pin, pin_in_use
from drivers.transport.gpiod_pins import KernelLine, LineWatcher, find_chip


@contextmanager
def _without_devices() -> Iterator[None]:
    """Let gpiozero import its pins alone while the block runs.

    Its package imports each of its devices. Its pins import the catalogue of installed packages, to choose a factory, by the
    name of its older distribution first.
    """
    placed: dict[str, ModuleType] = {}
    found = find_spec("gpiozero") if "gpiozero" not in sys.modules else None
    if found is not None:
        placed["gpiozero"] = ModuleType("gpiozero")
        placed["gpiozero"].__path__ = list(found.submodule_search_locations or ())
    if "importlib_metadata" not in sys.modules:
        placed["importlib_metadata"] = ModuleType("importlib_metadata")
        vars(placed["importlib_metadata"])["entry_points"] = _entry_points
    sys.modules.update(placed)
    try:
        yield
    finally:
        for name in placed:
            del sys.modules[name]


def _entry_points(group: str) -> object:
    from importlib.metadata import entry_points

    return entry_points(group=group)


with _without_devices():
    from gpiozero.exc import (  # type: ignore[import-untyped]  # gpiozero has no annotations
        GPIOPinInUse,
        PinFixedPull,
        PinInvalidEdges,
        PinInvalidFunction,
        PinInvalidPin,
        PinInvalidPull,
        PinPWMUnsupported,
        PinSetInput,
    )
    from gpiozero.pins.pi import PiFactory as PiFactory  # type: ignore[import-untyped]  # as above; re-exported
    from gpiozero.pins.pi import PiPin

PI_5: Final = 0xC04170
"""Board revision of a Raspberry Pi 5, whose 40-pin header stands for the lines 0 to 27 of any other board."""

REVISION: Final = Path("/proc/device-tree/system/linux,revision")
"""Board revision of a Raspberry Pi, in four bytes; no other machine has it."""

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


class BasePin(PiPin):  # type: ignore[misc]  # gpiozero has no annotations
    """A gpiozero pin that is an input or an output, reports every edge, and has no pulse width modulation."""

    when_changed: OnChange | None

    def __init__(self, factory: object, info: object) -> None:
        super().__init__(factory, info)
        self._wanted_pull = Pull(self._info.pull or Pull.FLOATING)
        self._wanted_edges = "both"
        self._bounce: float | None = None

    def _check_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f"pin {self!r} cannot be {value!r}: it is an input or an output")

    def _get_pull(self) -> str:
        return self._wanted_pull

    def _set_pull(self, value: str) -> None:
        if value not in list(Pull):
            raise PinInvalidPull(f"pin {self!r} cannot be pulled {value!r}: choose {', '.join(Pull)}")
        if self._get_function() == "output":
            raise PinFixedPull(f"pin {self!r} is an output, and has no pull")
        if self._info.pull not in ("", value):
            raise PinFixedPull(f"pin {self!r} has a resistor on the board")
        self._wanted_pull = Pull(value)
        self._connect_resistor(self._wanted_pull)

    def _connect_resistor(self, pull: Pull) -> None:
        raise NotImplementedError

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

    def _report(self, at_ns: int, level: bool) -> None:
        """Pass an edge on, in the factory's thread."""
        reference = self._when_changed  # another thread may clear it between two looks
        handler = reference() if reference is not None else None
        if handler is not None:
            handler(at_ns / 1e9, int(level))


class KernelPin(BasePin):
    """A line of the chip as a gpiozero pin."""

    def __init__(self, factory: KernelFactory, info: object) -> None:
        super().__init__(factory, info)
        self._line = KernelLine(factory.chip_path, self._number, factory.watcher)

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
        self._check_function(value)
        self._line.set_direction(is_output=value == "output")

    def _get_state(self) -> int:
        return int(self._line.level())

    def _set_state(self, value: float) -> None:
        if not self._line.is_output:
            raise PinSetInput(f"pin {self!r} is an input, and cannot be driven")
        self._line.set_level(bool(value))

    def _connect_resistor(self, pull: Pull) -> None:
        self._line.set_pull(pull)

    def _enable_event_detect(self) -> None:
        self._line.watch(self._wanted_edges, self._report)

    def _disable_event_detect(self) -> None:
        self._line.unwatch()


class KernelFactory(PiFactory):  # type: ignore[misc]  # gpiozero has no annotations
    """gpiozero's pin factory on one GPIO chip of the kernel."""

    _all_reservations: Final[defaultdict[object, list[object]]] = defaultdict(list)
    _reserving: Final = threading.Lock()
    """Reservations of this process: driver and lights have a factory each."""

    def __init__(self, chip: str | None) -> None:
        """Raises OSError when no chip can be opened."""
        super().__init__()
        self.chip_path = find_chip(chip)
        self.listeners = Listeners()
        self.watcher = LineWatcher(self.listeners.call)
        self.pin_class = KernelPin
        self._reservations, self._res_lock = self._all_reservations, self._reserving

    def close(self) -> None:
        """Close all pins, and end the thread of their edges."""
        super().close()
        self.watcher.close()

    def _get_revision(self) -> int:
        try:
            return int.from_bytes(REVISION.read_bytes()[:4], "big") or PI_5
        except OSError:
            return PI_5


class _Simulation:
    """The factory that stands for the hardware of this process, while one does."""

    factory: Factory | None = None


def simulate_pins(factory: Factory | None) -> None:
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
            self._factory = simulated or cast("Factory", KernelFactory(chip))
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
