"""Lines of a GPIO chip through the kernel's character device. Only this file imports gpiod.

The kernel stamps each edge in its interrupt with CLOCK_MONOTONIC, and numbers the edges of a line: a gap in the numbers
means that its buffer overflowed. The kernel's own debounce is never used, because it stamps an edge only when the line has
become quiet.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gpiod
from gpiod.line import Bias, Clock, Direction, Edge, Value

from drivers.transport.edges import Pull

DEV: Final = Path("/dev")
CONSUMER: Final = "archstats"
"""Name under which the kernel lists a requested line, as ``gpioinfo`` shows it."""
EVENT_BUFFER: Final = 1024
"""Edges that the kernel buffers for a line, the most that it allows; on overflow it drops the oldest."""
HEADER_LABELS: Final = ("pinctrl-rp1", "pinctrl-bcm2")
"""Beginnings of the labels of chips that lead to a Raspberry Pi's 40-pin header: of a Pi 5, of earlier ones."""

OnEdge = Callable[[int, bool], None]
"""Receives an edge in the watcher's thread: nanoseconds of CLOCK_MONOTONIC, and the level after it."""


_BIAS: Final = {Pull.UP: Bias.PULL_UP, Pull.DOWN: Bias.PULL_DOWN, Pull.FLOATING: Bias.DISABLED}
_EDGES: Final = {"both": Edge.BOTH, "rising": Edge.RISING, "falling": Edge.FALLING, "none": Edge.NONE}


def chips() -> dict[str, str]:
    """The label of each GPIO chip that this user may open, by its path; those that only point to another are left out."""
    found: dict[str, str] = {}
    for path in sorted(DEV.glob("gpiochip*")):
        if path.is_symlink():
            continue
        try:
            with gpiod.Chip(str(path)) as chip:
                found[str(path)] = chip.get_info().label
        except OSError:
            continue
    return found


def find_chip(name: str | None) -> str:
    """The path of a chip by its path or name; without one the chip of the header, else the only one.

    Raises OSError: ENOENT when there is none, EACCES when no chip may be opened, ENOTUNIQ when several may be meant.
    """
    if name is not None:
        path = Path(name) if name.startswith("/") else DEV / name
        os.stat(path)  # noqa: PTH116 - its error carries the path
        return str(path)
    known = chips()
    of_header = [path for path, label in known.items() if label.startswith(HEADER_LABELS)]
    if of_header or len(known) == 1:
        return (of_header or list(known))[0]
    if known:
        raise OSError(errno.ENOTUNIQ, "several GPIO chips")
    present = [path for path in sorted(DEV.glob("gpiochip*")) if not path.is_symlink()]
    if present:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(present[0]))
    raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(DEV / "gpiochip0"))


def consumer_of(chip_path: str, number: int) -> str:
    """Name of the program or kernel driver that uses a line; empty when it is free or unknown."""
    try:
        with gpiod.Chip(chip_path) as chip:
            return chip.get_line_info(number).consumer
    except (OSError, ValueError):
        return ""


class KernelLine:
    """One line of a chip, requested for this process alone: an input with edges, or an output."""

    def __init__(self, chip_path: str, number: int, watcher: LineWatcher) -> None:
        """Raises OSError, and ValueError for a number that the chip does not have."""
        self.missed = 0
        """Edges that the kernel dropped, because the buffer was full."""
        self._number = number
        self._watcher = watcher
        self._seqno = 0
        self._on_edge: OnEdge | None = None
        self._settings = gpiod.LineSettings(direction=Direction.INPUT, event_clock=Clock.MONOTONIC)
        self._request = gpiod.request_lines(
            chip_path, config={number: self._settings}, consumer=CONSUMER, event_buffer_size=EVENT_BUFFER
        )

    @property
    def fd(self) -> int:
        """The descriptor that becomes readable with an edge."""
        return self._request.fd

    @property
    def is_output(self) -> bool:
        """Whether the line is an output."""
        return self._settings.direction is Direction.OUTPUT

    def set_direction(self, *, is_output: bool) -> None:
        """Make the line an input, or an output that is low."""
        self._settings.direction = Direction.OUTPUT if is_output else Direction.INPUT
        self._settings.edge_detection = Edge.NONE
        if is_output:
            self._settings.bias = Bias.AS_IS
        self._apply()

    def set_pull(self, pull: Pull) -> None:
        """Connect the chip's resistor. Raises OSError for a chip without such resistors."""
        self._settings.bias = _BIAS[pull]
        self._apply()

    def watch(self, edges: str, on_edge: OnEdge) -> None:
        """Report ``both``, ``rising`` or ``falling`` edges to ``on_edge`` from now on, in the watcher's thread."""
        self._settings.edge_detection = _EDGES[edges]
        self._on_edge = on_edge
        self._apply()
        self._watcher.add(self)

    def unwatch(self) -> None:
        """Report no more edges."""
        self._watcher.remove(self)
        self._on_edge = None
        if not self.is_output:
            self._settings.edge_detection = Edge.NONE
            self._apply()

    def level(self) -> bool:
        """The present level: True is high. Raises OSError when the chip is gone."""
        return self._request.get_value(self._number) is Value.ACTIVE

    def set_level(self, level: bool) -> None:
        """Drive an output high or low."""
        self._request.set_value(self._number, Value.ACTIVE if level else Value.INACTIVE)

    def close(self) -> None:
        """Give the line back to the kernel; it becomes an input without edges."""
        self._watcher.remove(self)
        self._request.release()

    def read_edges(self) -> list[tuple[int, bool]]:
        """The buffered edges: nanoseconds of CLOCK_MONOTONIC, and the level after each."""
        edges: list[tuple[int, bool]] = []
        for event in self._request.read_edge_events():
            self.missed += max(event.line_seqno - self._seqno - 1, 0)
            self._seqno = event.line_seqno
            edges.append((event.timestamp_ns, event.event_type is event.Type.RISING_EDGE))
        return edges

    def deliver(self, at_ns: int, level: bool) -> None:
        """Pass an edge on, unless the line is no longer watched."""
        on_edge = self._on_edge
        if on_edge is not None:
            on_edge(at_ns, level)

    def _apply(self) -> None:
        self._request.reconfigure_lines({self._number: self._settings})


class LineWatcher:
    """The thread that waits for the edges of all watched lines, and delivers those of one wake-up in order of time.

    It starts with the first line, and ends with :meth:`close`.
    """

    def __init__(self, delivered: Callable[[], None]) -> None:
        """``delivered`` is called after the edges of each wake-up."""
        self._delivered = delivered
        self._lines: dict[int, KernelLine] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._epoll: select.epoll | None = None
        self._wake = -1

    def add(self, line: KernelLine) -> None:
        """Wait for the edges of ``line``, too."""
        with self._lock:
            if self._epoll is None:
                self._start()
            if self._epoll is not None and line.fd not in self._lines:
                self._lines[line.fd] = line
                self._epoll.register(line.fd, select.EPOLLIN)

    def remove(self, line: KernelLine) -> None:
        """Wait for ``line`` no more. An edge that was read already may still be delivered."""
        with self._lock:
            for fd in [fd for fd, other in self._lines.items() if other is line]:
                self._forget(fd)

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _start(self) -> None:
        self._epoll, self._wake = select.epoll(), os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._thread = threading.Thread(
            target=self._run, args=(self._epoll, self._wake), name="gpio edges", daemon=True
        )
        self._thread.start()

    def _run(self, epoll: select.epoll, wake: int) -> None:
        while True:
            ready = [fd for fd, _ in epoll.poll()]
            with self._lock:
                if wake in ready:
                    self._lines.clear()
                    self._epoll, self._wake = None, -1
                    epoll.close()
                    os.close(wake)
                    return
                edges = [edge for fd in ready for edge in self._read(fd)]
            for at_ns, level, line in sorted(edges, key=lambda edge: edge[0]):
                line.deliver(at_ns, level)
            if edges:
                self._delivered()

    def _read(self, fd: int) -> list[tuple[int, bool, KernelLine]]:
        line = self._lines.get(fd)
        if line is None:
            return []
        try:
            return [(at_ns, level, line) for at_ns, level in line.read_edges()]
        except OSError:  # the chip was unplugged: reading the level reports that
            self._forget(fd)
            return []

    def _forget(self, fd: int) -> None:
        del self._lines[fd]
        if self._epoll is not None:
            try:
                self._epoll.unregister(fd)
            except OSError:  # it is closed already
                return
