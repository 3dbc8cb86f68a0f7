"""Serial lines on real pseudo terminals and sockets."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import serial

from drivers.errors import DeviceLost, DeviceUnavailable, DriverConfigError
from drivers.transport.serial import MAX_UNREAD, MAX_UNSENT, SerialPort, open_port
from tests.drivers.serial_lines import FarEnd
from tests.timing import limit_s


@asynccontextmanager
async def opened(port: str | Path, **options: float) -> AsyncIterator[SerialPort]:
    line = await open_port(str(port), device="bow-1", baud=921_600, **options)  # type: ignore[arg-type]
    try:
        yield line
    finally:
        await line.close()


async def read_all(line: SerialPort, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = await line.read(20.0)
        assert chunk is not None, f"only {len(data)} of {size} bytes"
        data += chunk.data
    return data


async def ticks_during(work: asyncio.Task[object]) -> int:
    """Number of millisecond timers that the loop served while ``work`` ran."""
    ticks = 0
    while not work.done():
        await asyncio.sleep(0.001)
        ticks += 1
    return ticks


async def threads_ended() -> None:
    """Wait until abandoned threads have ended."""
    async with asyncio.timeout(20):
        while left := [t for t in threading.enumerate() if t.name.startswith(("open ", "close "))]:
            await asyncio.to_thread(left[0].join, 3.0)  # a late open starts another thread that closes


def slowed(seconds: float, function: Callable[..., object]) -> Callable[..., object]:
    """The same function with the delay of a slow kernel driver."""

    def slow(*arguments: object) -> object:
        time.sleep(seconds)
        return function(*arguments)

    return slow


async def test_bytes_go_both_ways_with_their_arrival_time(far: FarEnd) -> None:
    async with opened(far.path) as line:
        before = time.monotonic_ns()
        far.send(b"\x00hello\xff")
        chunk = await line.read(20.0)
        assert chunk is not None
        assert chunk.data == b"\x00hello\xff"
        assert before <= chunk.at_ns <= time.monotonic_ns()

        assert line.write(b"and back\n\r\x03")
        assert await far.receive() == b"and back\n\r\x03"
        assert (line.counters.received, line.counters.sent) == (7, 11)


async def test_read_returns_none_at_its_deadline(far: FarEnd, pytestconfig: pytest.Config) -> None:
    async with opened(far.path) as line:
        before = time.monotonic()
        assert await line.read(0.05) is None
        assert 0.04 < time.monotonic() - before < limit_s(pytestconfig, 1.0)
        assert await line.read(-1.0) is None


async def test_a_slow_open_does_not_block_the_loop(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial.Serial, "open", slowed(2.0, serial.Serial.open))
    before = time.monotonic()
    opening = asyncio.create_task(open_port(str(far.path), device="bow-1", baud=115_200))

    ticks = await ticks_during(opening)

    assert time.monotonic() - before >= 2.0
    assert ticks >= 100
    await opening.result().close()


@pytest.mark.parametrize("step", ["close", "flush"])
async def test_a_slow_close_does_not_block_the_loop(far: FarEnd, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    line = await open_port(str(far.path), device="bow-1", baud=115_200)
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    slow, close = slowed(2.0, getattr(serial.Serial, step)), serial.Serial.close

    def close_and_notify(port: serial.Serial) -> None:
        if not port.is_open:
            return  # the garbage collector closes it again
        (slow if step == "close" else close)(port)
        loop.call_soon_threadsafe(closed.set)

    if step == "flush":
        monkeypatch.setattr(serial.Serial, "flush", slow)
    monkeypatch.setattr(serial.Serial, "close", close_and_notify)
    before = time.monotonic()
    closing = asyncio.create_task(line.close())
    really_closed = asyncio.create_task(closed.wait())

    ticks = await ticks_during(really_closed)

    assert time.monotonic() - before >= 2.0
    assert ticks >= 100
    assert closing.done(), "closing waited longer than its deadline"
    await closing
    await threads_ended()


async def test_an_open_after_its_deadline_is_closed_again(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()
    close = serial.Serial.close

    def close_and_notify(port: serial.Serial) -> None:
        close(port)
        loop.call_soon_threadsafe(closed.set)

    go, open_ = threading.Event(), serial.Serial.open

    def open_late(port: serial.Serial) -> None:
        go.wait(30)
        open_(port)

    monkeypatch.setattr(serial.Serial, "open", open_late)
    monkeypatch.setattr(serial.Serial, "close", close_and_notify)

    try:
        with pytest.raises(DeviceUnavailable, match=r"did not open within 0\.1 s"):
            await open_port(str(far.path), device="bow-1", baud=115_200, timeout_s=0.1)
    finally:
        go.set()

    async with asyncio.timeout(20):
        await closed.wait()
    await threads_ended()
    monkeypatch.undo()
    async with opened(far.path):
        pass  # it is free again


async def test_a_cancelled_open_leaves_no_port_open(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial.Serial, "open", slowed(0.3, serial.Serial.open))
    opening = asyncio.create_task(open_port(str(far.path), device="bow-1", baud=115_200))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    monkeypatch.undo()

    async with asyncio.timeout(20):
        while True:
            try:
                line = await open_port(str(far.path), device="bow-1", baud=115_200)
            except DeviceUnavailable:
                await asyncio.sleep(0.02)
            else:
                break
    await line.close()
    await threads_ended()


async def test_a_hang_up_is_raised_after_the_last_bytes(far: FarEnd) -> None:
    async with opened(far.path) as line:
        far.send(b"last words")
        assert await read_all(line, 10) == b"last words"
        far.hang_up()

        with pytest.raises(DeviceLost, match=r"the line .* failed") as raised:
            await line.read(20.0)
        assert raised.value.device == "bow-1"
        assert "cable" in raised.value.hint
        assert not line.write(b"hello?")
        assert line.counters.unsent == len(b"hello?")


async def test_writes_after_a_hang_up_do_not_cost_the_last_bytes(far: FarEnd) -> None:
    async with opened(far.path) as line:
        far.send(b"last words")
        while line.counters.received < 10:
            await asyncio.sleep(0)
        far.hang_up()
        for _ in range(10):
            line.write(b"hello?")
            await asyncio.sleep(0.001)
        assert await read_all(line, 10) == b"last words"
        with pytest.raises(DeviceLost):
            await line.read(20.0)


async def test_a_hang_up_wakes_a_waiting_reader(far: FarEnd) -> None:
    async with opened(far.path) as line:
        reading = asyncio.create_task(line.read(30.0))
        await asyncio.sleep(0)  # it waits
        far.hang_up()
        with pytest.raises(DeviceLost):
            async with asyncio.timeout(20):
                await reading


async def test_a_replugged_port_opens_again(far: FarEnd, tmp_path: Path) -> None:
    async with opened(far.path):
        far.hang_up()
    with pytest.raises(DeviceUnavailable, match="does not exist") as raised:
        await open_port(str(far.path), device="bow-1", baud=115_200)
    assert "/dev/serial/by-id" in raised.value.hint

    second = FarEnd(tmp_path / "port")
    try:
        async with opened(second.path) as line:
            second.send(b"back")
            assert await read_all(line, 4) == b"back"
    finally:
        second.hang_up()


async def test_a_dangling_symlink_names_its_target(tmp_path: Path) -> None:
    (tmp_path / "port").symlink_to("/dev/pts/does-not-exist")
    with pytest.raises(DeviceUnavailable) as raised:
        await open_port(str(tmp_path / "port"), device="bow-1", baud=115_200)
    assert "/dev/pts/does-not-exist" in raised.value.hint


async def test_a_peer_that_never_reads_costs_a_bounded_buffer(far: FarEnd, pytestconfig: pytest.Config) -> None:
    async with opened(far.path) as line:
        taken = [line.write(b"x" * 1000) for _ in range(200)]
        for _ in range(20):
            await asyncio.sleep(0)
            taken.append(line.write(b"x" * 1000))
        assert not all(taken)
        assert line.counters.unsent > 0
        assert line.counters.sent - 65536 <= MAX_UNSENT  # the kernel holds the rest
        before = time.monotonic()
    assert time.monotonic() - before < limit_s(pytestconfig, 1.5)


async def test_unread_bytes_are_bounded_and_counted(far: FarEnd) -> None:
    async with opened(far.path) as line:
        while line.counters.received < MAX_UNREAD + 50_000:
            if far.has_room():
                os.write(far.master, b"y" * 1000)
            await asyncio.sleep(0)
        received = line.counters.received
        kept = received - line.counters.unread
        assert kept <= MAX_UNREAD
        assert line.counters.unread > 0
        assert await read_all(line, kept) == b"y" * kept


async def test_a_held_port_names_its_holder(far: FarEnd) -> None:
    code = "import serial, sys; port = serial.Serial(sys.argv[1], exclusive=True); print('open', flush=True); sys.stdin.read()"
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(far.path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    async with asyncio.timeout(30):
        assert await holder.stdout.readline() == b"open\n"
        with pytest.raises(DeviceUnavailable, match="another program holds") as raised:
            await open_port(str(far.path), device="bow-1", baud=115_200)
        holder.stdin.close()
        await holder.wait()
    assert f"pid {holder.pid}" in raised.value.hint


@pytest.mark.parametrize(
    "port", ["socket://", "socket://host", "socket://:1", "loop://", "socket://h:99999", "ftp://h:1"]
)
async def test_an_invalid_url_is_a_configuration_error(port: str) -> None:
    with pytest.raises(DriverConfigError) as raised:
        await open_port(port, device="bow-1", baud=115_200)
    assert "socket://HOST:PORT" in raised.value.hint


async def test_a_file_is_not_a_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no port")
    with pytest.raises(DriverConfigError, match="not a serial port") as raised:
        await open_port(str(tmp_path / "file"), device="bow-1", baud=115_200)
    assert "ARCH_STATS_PORT" in raised.value.hint


async def test_a_device_that_is_not_a_terminal_cannot_be_opened() -> None:
    with pytest.raises(DeviceUnavailable, match="/dev/null cannot be opened"):
        await open_port("/dev/null", device="bow-1", baud=115_200)


async def test_a_serial_server_is_opened_by_url() -> None:
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readexactly(5)).upper())
        await reader.read()  # until the near side hangs up
        writer.close()
        closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    async with server:
        async with opened(f"socket://127.0.0.1:{number}") as line:
            line.write(b"hello")
            assert await read_all(line, 5) == b"HELLO"
        async with asyncio.timeout(20):
            await closed.wait()


async def test_a_serial_server_that_hangs_up_raises_device_lost() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    async with server, opened(f"socket://127.0.0.1:{number}") as line:
        with pytest.raises(DeviceLost):
            await line.read(20.0)


async def test_a_connection_that_the_server_resets_is_closed() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    async with server, opened(f"socket://127.0.0.1:{number}") as line:
        line.write(b"hello")
        with pytest.raises(DeviceLost):
            await line.read(20.0)
        await line.close()
        gc.collect()  # an open socket would raise its ResourceWarning now


async def test_a_refused_connection_is_device_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
    with pytest.raises(DeviceUnavailable, match="connection refused"):
        await open_port(f"socket://127.0.0.1:{number}", device="bow-1", baud=115_200)


async def test_close_is_harmless_twice_and_after_a_hang_up(far: FarEnd) -> None:
    line = await open_port(str(far.path), device="bow-1", baud=115_200)
    far.hang_up()
    await asyncio.gather(line.close(), line.close())
    await line.close()
    with pytest.raises(DeviceLost):
        await line.read(20.0)


async def test_the_last_written_bytes_are_sent_before_closing(far: FarEnd) -> None:
    line = await open_port(str(far.path), device="bow-1", baud=115_200)
    line.write(b"thank you")
    closing = asyncio.create_task(line.close())
    assert await far.receive() == b"thank you"
    await closing


async def test_discarded_bytes_are_no_hang_up(far: FarEnd) -> None:
    port = await open_port(str(far.path), device="bow-1", baud=115_200)
    far.send(b"lost")
    termios.tcflush(far.master, termios.TCOFLUSH)
    termios.tcflush(far._slave, termios.TCIFLUSH)
    assert port._open_port.read(1024) == b""
    far.send(b"kept")
    chunk = await port.read(5.0)
    assert chunk is not None
    assert chunk.data.endswith(b"kept")
    await port.close()
