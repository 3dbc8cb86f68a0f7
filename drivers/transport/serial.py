"""A serial line for asyncio: bytes in, with the instant of their arrival, and bytes out.

pyserial-asyncio 0.6 opens, drains and closes the port on the event loop, and each may take seconds on real hardware.
So it gets a port that is already open and whose ``flush`` and ``close`` do nothing; opening, draining and closing happen
in threads. Only this file imports the library.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import socket
import termios
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import serial
import serial_asyncio  # type: ignore[import-untyped]  # has no annotations

from drivers.errors import DeviceLost, DeviceUnavailable, DriverConfigError
from drivers.transport.port_faults import explain
from drivers.transport.terminal_owner import PTY_MAJORS, foreign_owner
from drivers.transport.threads import run_in_thread

OPEN_S: Final = 6.0
"""Deadline for opening a port; a socket times out after 5 s."""
CLOSE_S: Final = 0.7
"""Deadline for closing a port; a stuck port continues to close in its thread."""
FLUSH_S: Final = 0.2
"""Deadline for sending the last bytes before the port is closed."""
MAX_UNREAD: Final = 1 << 18
"""Greatest number of unread bytes: nearly three seconds at 921,600 baud."""
MAX_CHUNKS: Final = 1 << 12
"""Greatest number of unread pieces; a piece may be a single byte."""
MAX_UNSENT: Final = 1 << 14
"""Greatest number of unsent bytes."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that arrived in one piece."""

    data: bytes
    at_ns: int
    """CLOCK_MONOTONIC when they were read from the kernel."""


@dataclass(slots=True)
class SerialCounters:
    """Byte counts of a line."""

    received: int = 0
    sent: int = 0
    """Written to the line; some may not have been sent when the line failed."""
    unread: int = 0
    """Dropped because the reader was too slow."""
    unsent: int = 0
    """Dropped because the line accepted none."""


class SerialPort:
    """One open line, made by :func:`open_port`."""

    def __init__(self, port: serial.SerialBase, name: str, device: str) -> None:
        self.counters = SerialCounters()
        self.on_flushed: Callable[[], None] | None = None
        """Called when the line has taken all bytes, after it took some late."""
        self._port = port
        self._open_port = _OpenPort(port, self)
        self._name = name
        self._device = device
        self._chunks: deque[Chunk] = deque()
        self._waiting = 0
        self._reader: asyncio.Future[None] | None = None
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._detached = asyncio.Event()
        self._fault: str | None = None
        self._aborted = False
        self._closing: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport = serial_asyncio.SerialTransport(
            asyncio.get_running_loop(), _LineProtocol(self), self._open_port
        )
        # A waiting byte pauses the protocol, and an empty buffer resumes it, which reports "flushed" without polling.
        self._transport.set_write_buffer_limits(high=0)

    async def read(self, timeout_s: float) -> Chunk | None:
        """Read the next bytes; None if none arrive in time. One reader at a time.

        Raises DeviceLost when the line has failed and all bytes before the failure have been read.
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
        """Send without waiting; return False if the line is full or failed and all of ``data`` was dropped.

        Only :meth:`read` raises for a failed line, because the last bytes of a device count.
        """
        if len(data) > self.room:
            self.counters.unsent += len(data)
            return False
        self.counters.sent += len(data)
        # The transport would wait for the event loop to report the line writable, which costs two more rounds of it.
        data = data[self._open_port.write_now(data) :] if self._flushed.is_set() else data
        if data:
            self._transport.write(data)
        return True

    @property
    def room(self) -> int:
        """Number of bytes that :meth:`write` accepts now; 0 when the line has failed."""
        return 0 if self._fault is not None else MAX_UNSENT - self._transport.get_write_buffer_size()

    async def close(self) -> None:
        """Close the line. Never raises, may be called twice, takes at most ``FLUSH_S + CLOSE_S``."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name=f"close {self._name}")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._fault is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._flushed.wait()
        self.fail("closed")
        await self._detached.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await run_in_thread(lambda: _drain_and_close(self._port), name=f"close {self._name}")

    def fail(self, fault: str) -> None:
        """Marks the line failed; later faults are ignored."""
        if self._fault is None:
            self._fault = fault
        self._wake_reader()
        # The transport's close waits for bytes that cannot be sent, and its abort must not be called twice.
        if not self._aborted:
            self._aborted = True
            self._transport.abort()

    def on_data(self, data: bytes, at_ns: int) -> None:
        """Queue received bytes for the reader."""
        self.counters.received += len(data)
        if self._waiting + len(data) > MAX_UNREAD or len(self._chunks) == MAX_CHUNKS:
            self.counters.unread += len(data)
            return
        self._chunks.append(Chunk(data, at_ns))
        self._waiting += len(data)
        self._wake_reader()

    def on_detached(self) -> None:
        """The transport no longer uses the port, so it may be closed."""
        self._detached.set()

    def set_flushed(self, *, is_flushed: bool) -> None:
        """Record whether every written byte has been sent."""
        if is_flushed:
            self._flushed.set()
            if self.on_flushed is not None:
                self.on_flushed()
        else:
            self._flushed.clear()

    def _wake_reader(self) -> None:
        if self._reader is not None:
            _wake(self._reader)

    def _lost(self) -> DeviceLost:
        return DeviceLost(
            f"the line {self._name} failed: {self._fault}",
            device=self._device,
            hint="Check the cable and the device's power. The daemon reopens the line automatically.",
        )


async def open_port(
    name: str, *, device: str, baud: int, dtr: bool | None = None, rts: bool | None = None, timeout_s: float = OPEN_S
) -> SerialPort:
    """Open a path or ``socket://host:port`` in a thread.

    ``dtr`` and ``rts`` are set only when given, because they reset many boards. Raises DriverConfigError if ``name``
    cannot be a port, and DeviceUnavailable if it cannot be opened now.
    """
    _check_name(name, device)

    def work() -> serial.SerialBase:
        _refuse_foreign_terminal(name, device)
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
            hint="Unplug the device and plug it in again; `dmesg | tail` shows the kernel's messages.",
        ) from None
    return SerialPort(port, name, device)


def _check_name(name: str, device: str) -> None:
    if "://" not in name:
        return
    try:
        parts = urlsplit(name)
        good = parts.scheme == "socket" and bool(parts.hostname) and parts.port is not None
    except ValueError:  # the port number is invalid
        good = False
    if not good:
        raise DriverConfigError(
            f"{name} is not a port",
            device=device,
            hint="ARCH_STATS_PORT is a path such as /dev/ttyUSB0, or socket://HOST:PORT for a serial server.",
        )


def _refuse_foreign_terminal(name: str, device: str) -> None:
    """Raise DeviceUnavailable for a link that was left behind and leads to a terminal of another device or a login by now."""
    owner = foreign_owner(Path(name))
    if owner is not None:
        raise DeviceUnavailable(
            f"{name} leads to {owner}",
            device=device,
            hint="Start the simulated device of this port again, or correct ARCH_STATS_PORT.",
        )


def _open(name: str, baud: int, dtr: bool | None, rts: bool | None) -> serial.SerialBase:
    local = "://" not in name
    # With time-outs of 0 from the start the event loop has nothing left to configure.
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
        # FTDI chips deliver a byte after 1 ms instead of 16; other chips have no such setting.
        with suppress(OSError, ValueError, NotImplementedError):
            port.set_low_latency_mode(True)
    return port


def _claim(fd: int) -> None:
    """Make every later open fail, also of programs that ignore pyserial's flock.

    Not on a pseudo terminal: the claim would outlive a killed daemon, because the simulator keeps the line open.
    """
    if os.major(os.fstat(fd).st_rdev) not in PTY_MAJORS:
        with suppress(OSError):
            fcntl.ioctl(fd, termios.TIOCEXCL)


def _drain_and_close(port: serial.SerialBase) -> None:
    """Drain and close the port; blocks without bound, so call it in a thread."""
    with suppress(OSError, termios.error):
        if isinstance(port, serial.Serial):
            port.flush()
    # pyserial 3.5 leaves a socket open whose far end has reset the connection: its shutdown fails, and it stops there.
    left_open: socket.socket | None = getattr(port, "_socket", None)
    with suppress(OSError):
        port.close()
    if left_open is not None:
        left_open.close()


def _wake(reader: asyncio.Future[None]) -> None:
    if not reader.done():
        reader.set_result(None)


class _LineProtocol(asyncio.Protocol):
    """Passes the transport's callbacks to the line."""

    def __init__(self, line: SerialPort) -> None:
        self._line = line

    def data_received(self, data: bytes) -> None:
        at_ns = time.monotonic_ns()  # first of all: this instant dates the bytes
        self._line.on_data(data, at_ns)

    def pause_writing(self) -> None:
        self._line.set_flushed(is_flushed=False)

    def resume_writing(self) -> None:
        self._line.set_flushed(is_flushed=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._line.fail(str(exc) if exc else "closed")
        self._line.on_detached()


class _OpenPort:
    """The open port as the transport sees it: it only reads and writes.

    Faults go to the line and are not raised, because the transport would wait for its buffer to empty and call the
    loop's exception handler.
    """

    def __init__(self, port: serial.SerialBase, line: SerialPort) -> None:
        self._fd = port.fileno()
        self._line = line
        self.timeout = 0
        self.write_timeout = 0

    def fileno(self) -> int:
        """The file descriptor that the loop watches."""
        return self._fd

    def read(self, size: int) -> bytes:
        """Received bytes; empty when the line has failed."""
        try:
            data = os.read(self._fd, size)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as fault:
            self._line.fail(fault.strerror or str(fault))
            return b""
        if not data and self._is_readable():
            self._line.fail("hung up")
        return data

    def _is_readable(self) -> bool:
        """Whether the line is still readable after an empty read: it has hung up. Else its bytes were discarded meanwhile."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(0))

    def write(self, data: bytes) -> int:
        """Return the number of bytes that the line accepted; raises BlockingIOError if it accepts none now."""
        try:
            return os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            raise
        except OSError as fault:
            asyncio.get_running_loop().call_soon(self._line.fail, fault.strerror or str(fault))
            return len(data)

    def write_now(self, data: bytes) -> int:
        """Return the number of bytes that the line accepted; 0 if it accepts none now."""
        try:
            return self.write(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def flush(self) -> None:
        """Does nothing: a thread does it when the line is closed."""

    def close(self) -> None:
        """Does nothing: a thread does it when the line is closed."""
