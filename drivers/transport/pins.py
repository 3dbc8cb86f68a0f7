"""Input pins for asyncio: edges from the pin factory's thread, and looks at the levels, in one bounded queue.

The levels are read in a thread of their own, in an interval, because a chip may hang. An answer is the sign of life of a
device that has no heartbeat.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from drivers.errors import DeviceLost, DeviceUnavailable
from drivers.transport.edges import Edge, InputPin, Levels
from drivers.transport.gpio_faults import missing_extra
from drivers.transport.threads import run_in_thread

if TYPE_CHECKING:
    from drivers.transport.gpio import OnChange, Pin, PinSet

OPEN_S: Final = 3.0
"""Deadline for opening the pins."""
CLOSE_S: Final = 0.5
"""Longest wait for a look at a level that does not end; its thread continues alone."""
MAX_WAITING: Final = 4096
"""Edges that wait for the event loop; beyond them the oldest is dropped, counted, and reported with the next one."""


@dataclass(slots=True)
class PinCounters:
    """Counts of a set of inputs."""

    edges: int = 0
    edges_missed: int = 0
    """Dropped by the kernel, whose buffer was full."""
    edges_dropped: int = 0
    """Dropped here, because the event loop was too slow."""
    looks: int = 0
    """Looks at the levels."""


class InputPins:
    """Open inputs, made by :func:`open_inputs`."""

    def __init__(self, held: PinSet, pins: Sequence[tuple[InputPin, Pin]], device: str, look_every_s: float) -> None:
        self.counters = PinCounters()
        self.is_simulated = held.is_simulated
        self._held = held
        self._pins = pins
        self._device = device
        self._look_every_s = look_every_s
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._edges: deque[Edge] = deque()
        self._coming: list[Edge] = []
        """Edges of the present moment, in the factory's thread; the event loop gets them together."""
        self._levels: Levels | None = None
        self._fault: str | None = None
        self._lost = dict.fromkeys((spec.name for spec, _ in pins), 0)
        self._missed_before = {spec.name: pin.missed for spec, pin in pins}
        self._reader: asyncio.Future[None] | None = None
        self._is_waking = False
        self._ask = threading.Event()
        self._closed = threading.Event()
        # gpiozero keeps only a weak reference to a handler.
        self._handlers: list[OnChange] = [partial(self._on_change, spec, pin) for spec, pin in pins]
        self._looker = threading.Thread(target=self._look_on, name=f"{device} levels", daemon=True)

    def start(self) -> None:
        """Report edges and levels from now on. Raises DriverError with a hint."""
        self._held.listen(self._deliver)
        for (spec, pin), handler in zip(self._pins, self._handlers, strict=True):
            try:
                pin.when_changed = handler
            except OSError as fault:
                raise self._held.explain(spec.number, fault) from fault
        self._ask.set()
        self._looker.start()

    @property
    def has_edges(self) -> bool:
        """Whether edges wait to be read."""
        return bool(self._edges)

    def look(self) -> None:
        """Request a look at the levels now, besides the regular ones."""
        self._ask.set()

    async def read(self, timeout_s: float) -> Edge | Levels | None:
        """The next edge or look; None if there is none in time. One reader at a time.

        A look is returned after the edges that arrived before it. Raises DeviceLost when the chip fails or the pins are closed.
        """
        deadline = self._loop.time() + max(timeout_s, 0.0)
        while not self._has_news():
            self._reader = reader = self._loop.create_future()
            alarm = self._loop.call_at(deadline, _wake, reader)
            try:
                await reader
            finally:
                alarm.cancel()
                self._reader = None
            if self._loop.time() >= deadline:
                break
        with self._lock:
            if self._edges:
                return self._edges.popleft()
            levels, self._levels = self._levels, None
            if levels is None and self._fault is not None:
                raise DeviceLost(
                    self._fault,
                    device=self._device,
                    hint="The daemon opens it again automatically; `gpioinfo` shows whether the chip is still there.",
                )
        return levels

    async def close(self) -> None:
        """Give the pins back. May be called twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._fail("the pins are closed")
        self._ask.set()
        await run_in_thread(self._close, name=f"{self._device} closes")

    def _close(self) -> None:
        self._held.close()
        if self._looker.ident is not None:
            self._looker.join(CLOSE_S)

    def _on_change(self, spec: InputPin, pin: Pin, ticks: float, state: int) -> None:
        """Take an edge, in the factory's thread."""
        missed, self._missed_before[spec.name] = pin.missed - self._missed_before[spec.name], pin.missed
        self._coming.append(Edge(spec.name, round(ticks * 1e9), bool(state) is spec.active_high, missed))

    def _deliver(self) -> None:
        """Pass the edges of a moment on, in the factory's thread."""
        coming, self._coming = self._coming, []
        if not coming:
            return
        with self._lock:
            for edge in coming:
                self.counters.edges += 1
                self.counters.edges_missed += edge.missed
                if len(self._edges) >= MAX_WAITING:
                    self._lost[self._edges.popleft().name] += 1
                    self.counters.edges_dropped += 1
                if lost := self._lost[edge.name]:
                    edge = replace(edge, missed=edge.missed + lost)
                    self._lost[edge.name] = 0
                self._edges.append(edge)
            self._wake_reader()

    def _look_on(self) -> None:
        """Look at the levels in the interval and on request, until the pins are closed."""
        while True:
            self._ask.wait(self._look_every_s)
            self._ask.clear()
            if self._closed.is_set():
                return
            at_ns = time.monotonic_ns()
            try:
                active = {spec.name: bool(pin.state) is spec.active_high for spec, pin in self._pins}
            except OSError as fault:
                self._fail(f"the GPIO chip does not answer: {fault.strerror or fault}")
                return
            if self._closed.is_set():
                return
            with self._lock:
                self.counters.looks += 1
                self._levels = Levels(at_ns, active)
                self._wake_reader()

    def _fail(self, fault: str) -> None:
        with self._lock:
            self._fault = self._fault or fault
            self._wake_reader()

    def _has_news(self) -> bool:
        with self._lock:
            return bool(self._edges) or self._levels is not None or self._fault is not None

    def _wake_reader(self) -> None:
        """Wake the reader once for all that is waiting; the caller holds the lock."""
        if not self._is_waking:
            self._is_waking = True
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._woken)

    def _woken(self) -> None:
        with self._lock:
            self._is_waking = False
        if self._reader is not None:
            _wake(self._reader)


async def open_inputs(specs: Sequence[InputPin], *, chip: str | None, device: str, look_every_s: float) -> InputPins:
    """Open inputs on a chip, by default that of the header.

    Raises DeviceUnavailable, or DriverConfigError for settings or packages that are missing, with a hint.
    """
    opened = await open_pins(lambda held: [held.input(spec.number, spec.pull) for spec in specs], chip, device)
    inputs = InputPins(opened.held, list(zip(specs, opened.pins, strict=True)), device, look_every_s)
    try:
        inputs.start()
    except BaseException:
        await inputs.close()
        raise
    return inputs


@dataclass(frozen=True, slots=True)
class OpenPins:
    """Pins that were opened together."""

    held: PinSet
    pins: list[Pin]


async def open_pins(take: Callable[[PinSet], list[Pin]], chip: str | None, device: str) -> OpenPins:
    """Open pins in a thread, at most for ``OPEN_S``; pins that are open too late are closed. Raises DriverError with a hint."""

    def work() -> OpenPins:
        try:
            from drivers.transport.gpio import PinSet
        except ImportError as fault:
            raise missing_extra(fault, device) from fault
        held = PinSet(chip, device)
        try:
            return OpenPins(held, take(held))
        except BaseException:
            held.close()
            raise

    try:
        async with asyncio.timeout(OPEN_S):
            return await run_in_thread(work, name=f"{device} opens", discard=lambda late: late.held.close())
    except TimeoutError as fault:
        raise DeviceUnavailable(
            f"the GPIO chip does not answer within {OPEN_S:g} s",
            device=device,
            hint="`dmesg | tail` shows the kernel's messages; restart the hub if it does not recover.",
        ) from fault


def _wake(reader: asyncio.Future[None]) -> None:
    if not reader.done():
        reader.set_result(None)
