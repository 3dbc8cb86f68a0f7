"""A serial line for asyncio: bytes in, with the instant they came, and bytes out.

pyserial-asyncio 0.6 does three things on the event loop that may take seconds on real hardware: it opens the port,
drains it, and closes it. So it gets a port that is already open, and one whose ``flush`` and ``close`` do nothing;
opening, draining and closing happen in threads. This is the only file that knows the library.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import termios
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import serial
import serial_asyncio  # type: ignore[import-untyped]  # has no annotations

from drivers.errors import DeviceLost, DeviceUnavailable, DriverConfigError
from drivers.transport.port_faults import explain
from drivers.transport.threads import run_in_thread

OPEN_S: Final = 6.0
"""How long a port may take to open; a socket gives up by itself after 5 s."""
CLOSE_S: Final = 0.7
"""How long closing is waited for; a stuck port goes on closing in its thread."""
FLUSH_S: Final = 0.2
"""How long the last bytes have to leave before the port is closed."""
MAX_UNREAD: Final = 1 << 18
"""Bytes kept for a reader that does not come. At 921,600 baud that is nearly three seconds."""
MAX_CHUNKS: Final = 1 << 12
"""Pieces kept, since a piece may be a single byte."""
MAX_UNSENT: Final = 1 << 14
"""Bytes kept for a line that takes none."""

_PTY_MAJORS: Final = range(136, 144)
"""Device numbers of pseudo terminals: Linux, Documentation/admin-guide/devices.txt."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came in one piece."""

    data: bytes
    at_ns: int
    """CLOCK_MONOTONIC when they were taken from the kernel."""


@dataclass(slots=True)
class SerialCounters:
    """What went over the line and what did not, in bytes."""

    received: int = 0
    sent: int = 0
    """Handed to the line; some of it may not have left when the line failed."""
    unread: int = 0
    """Dropped because nobody read."""
    unsent: int = 0
    """Dropped because the line took none."""


class SerialPort:
    """One open line. Made by :func:`open_port`."""

    def __init__(self, port: serial.SerialBase, name: str, device: str) -> None:
        self.counters = SerialCounters()
        self._port = port
        self._name = name
        self._device = device
        self._chunks: deque[Chunk] = deque()
        self._waiting = 0
        self._reader: asyncio.Future[None] | None = None
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._parted = asyncio.Event()
        self._fault: str | None = None
        self._aborted = False
        self._closing: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport = serial_asyncio.SerialTransport(
            asyncio.get_running_loop(), _Ears(self), _OpenPort(port, self)
        )
        # Any byte that waits pauses the protocol, and none left resumes it: so "flushed" is known without asking.
        self._transport.set_write_buffer_limits(high=0)

    async def read(self, timeout_s: float) -> Chunk | None:
        """The next bytes, or None when none came in time. One reader at a time.

        Raises DeviceLost when the line has failed and everything that came before has been read.
        """
        if not self._chunks and self._fault is None:
            loop = asyncio.get_running_loop()
            self._reader = reader = loop.create_future()
            alarm = loop.call_later(max(timeout_s, 0.0), _wake, reader)
            try:
                await reader
            finally:
                alarm.cancel()
                self._reader = None
        if self._chunks:
            chunk = self._chunks.popleft()
            self._waiting -= len(chunk.data)
            return chunk
        if self._fault is not None:
            raise self._lost()
        return None

    def write(self, data: bytes) -> bool:
        """Send without waiting; False when the line takes no more, or has failed, and ``data`` was dropped whole.

        Only :meth:`read` tells of a failed line, after what came before: the last words of a device count.
        """
        if self._fault is not None or self._transport.get_write_buffer_size() + len(data) > MAX_UNSENT:
            self.counters.unsent += len(data)
            return False
        self.counters.sent += len(data)
        self._transport.write(data)
        return True

    async def close(self) -> None:
        """Let go of the line. Never raises, may be called twice, takes at most ``FLUSH_S + CLOSE_S``."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name=f"close {self._name}")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._fault is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._flushed.wait()
        self.fail("closed")
        await self._parted.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await run_in_thread(lambda: _drain_and_close(self._port), name=f"close {self._name}")

    def fail(self, fault: str) -> None:
        """The line is no more. The first fault counts."""
        if self._fault is None:
            self._fault = fault
        self._wake_reader()
        # The transport's own close waits for bytes that will never leave, and its abort must not be called twice.
        if not self._aborted:
            self._aborted = True
            self._transport.abort()

    def heard(self, data: bytes, at_ns: int) -> None:
        """Bytes have come."""
        self.counters.received += len(data)
        if self._waiting + len(data) > MAX_UNREAD or len(self._chunks) == MAX_CHUNKS:
            self.counters.unread += len(data)
            return
        self._chunks.append(Chunk(data, at_ns))
        self._waiting += len(data)
        self._wake_reader()

    def parted(self) -> None:
        """The transport touches the port no more: it may be closed."""
        self._parted.set()

    def flushed(self, yes: bool) -> None:
        """Whether every byte written has left."""
        if yes:
            self._flushed.set()
        else:
            self._flushed.clear()

    def _wake_reader(self) -> None:
        if self._reader is not None:
            _wake(self._reader)

    def _lost(self) -> DeviceLost:
        return DeviceLost(
            f"the line {self._name} is lost: {self._fault}",
            device=self._device,
            hint="Check the cable and the device's power; it is opened again by itself.",
        )


async def open_port(
    name: str, *, device: str, baud: int, dtr: bool | None = None, rts: bool | None = None, timeout_s: float = OPEN_S
) -> SerialPort:
    """Open a path or ``socket://host:port``, off the event loop.

    ``dtr`` and ``rts`` are set only when given: many boards are reset by them. Raises DriverConfigError when this can
    never be a port and DeviceUnavailable when it cannot be opened now.
    """
    _check_name(name, device)

    def work() -> serial.SerialBase:
        try:
            return _open(name, baud, dtr, rts)
        except (OSError, ValueError, termios.error) as fault:
            raise explain(name, device, fault) from fault

    try:
        async with asyncio.timeout(timeout_s):
            port = await run_in_thread(work, name=f"open {name}", discard=_drain_and_close)
    except TimeoutError:
        raise DeviceUnavailable(
            f"{name} did not open within {timeout_s:g} s",
            device=device,
            hint="Pull the device's cable out and plug it in again; `dmesg | tail` shows what the kernel made of it.",
        ) from None
    return SerialPort(port, name, device)


def _check_name(name: str, device: str) -> None:
    if "://" not in name:
        return
    try:
        parts = urlsplit(name)
        good = parts.scheme == "socket" and bool(parts.hostname) and parts.port is not None
    except ValueError:  # the port is no number, or too large for one
        good = False
    if not good:
        raise DriverConfigError(
            f"{name} is no port",
            device=device,
            hint="ARCH_STATS_PORT is a path such as /dev/ttyUSB0, or socket://HOST:PORT for a serial server.",
        )


def _open(name: str, baud: int, dtr: bool | None, rts: bool | None) -> serial.SerialBase:
    local = "://" not in name
    # With time-outs of 0 from the start nothing is left to configure on the event loop.
    port = serial.serial_for_url(
        name, do_not_open=True, baudrate=baud, timeout=0, write_timeout=0, exclusive=True if local else None
    )
    if dtr is not None:
        port.dtr = dtr
    if rts is not None:
        port.rts = rts
    port.open()
    if local:
        _claim(port.fileno())
        # 1 ms instead of 16 between a byte and its delivery on FTDI chips; others have no such knob.
        with suppress(OSError, ValueError, NotImplementedError):
            port.set_low_latency_mode(True)
    return port


def _claim(fd: int) -> None:
    """Refuse every later opener, also those that do not ask for a lock as pyserial's flock needs.

    Not on a pseudo terminal: its claim would outlive a killed daemon, since the simulator keeps the line open.
    """
    if os.major(os.fstat(fd).st_rdev) not in _PTY_MAJORS:
        with suppress(OSError):
            fcntl.ioctl(fd, termios.TIOCEXCL)


def _drain_and_close(port: serial.SerialBase) -> None:
    """Blocks as long as the hardware likes: for threads only."""
    with suppress(OSError, termios.error):
        if isinstance(port, serial.Serial):
            port.flush()
    with suppress(OSError):
        port.close()


def _wake(reader: asyncio.Future[None]) -> None:
    if not reader.done():
        reader.set_result(None)


class _Ears(asyncio.Protocol):
    """What the transport calls."""

    def __init__(self, line: SerialPort) -> None:
        self._line = line

    def data_received(self, data: bytes) -> None:
        at_ns = time.monotonic_ns()  # before anything else: this instant dates the bytes
        self._line.heard(data, at_ns)

    def pause_writing(self) -> None:
        self._line.flushed(False)

    def resume_writing(self) -> None:
        self._line.flushed(True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._line.fail(str(exc) if exc else "closed")
        self._line.parted()


class _OpenPort:
    """The open port as the transport may see it: it reads and writes, and the rest is done elsewhere.

    Faults are told to the line and not raised, since the transport would answer them by waiting for its buffer to
    empty, and by calling the loop's exception handler.
    """

    def __init__(self, port: serial.SerialBase, line: SerialPort) -> None:
        self._fd = port.fileno()
        self._line = line
        self.timeout = 0
        self.write_timeout = 0

    def fileno(self) -> int:
        """What the loop watches."""
        return self._fd

    def read(self, size: int) -> bytes:
        """What has come, empty when the line has failed."""
        try:
            data = os.read(self._fd, size)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as fault:
            self._line.fail(fault.strerror or str(fault))
            return b""
        if not data:
            self._line.fail("hung up")
        return data

    def write(self, data: bytes) -> int:
        """How many bytes the line took; raises BlockingIOError when it takes none now."""
        try:
            return os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            raise
        except OSError as fault:
            asyncio.get_running_loop().call_soon(self._line.fail, fault.strerror or str(fault))
            return len(data)

    def flush(self) -> None:
        """Done in a thread, when the line is closed."""

    def close(self) -> None:
        """Done in a thread, when the line is closed."""
