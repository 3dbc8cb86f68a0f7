"""``archstats-sensor emulate DRIVER``: a simulated device for any software that can open a terminal."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.link import codec as link
from tests.acceptance.simulated_range import BIN, clean_environment
from tests.simulators.devices.acknowledging_hub import Hub, hub_frame
from tests.warm_programs import WarmPrograms

DEADLINE_S = 30.0


@contextmanager
def emulated(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and its first line."""
    with subprocess.Popen(
        [BIN / "archstats-sensor", "emulate", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def stopped(process: subprocess.Popen[str]) -> list[str]:
    """Stop the command, which must exit with 0, and return its last lines."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    process.wait(timeout=DEADLINE_S)
    # communicate() would miss the lines that readline() buffered.
    output, errors = process.stdout.read(), process.stderr.read()
    assert (process.returncode, errors) == (0, "")
    return output.splitlines()


def hello_of(port: Path) -> link.Hello:
    """Request HELLO and time of the device behind a port, with nothing but a file descriptor.

    A device sends HELLO on its own, too; only an answer to the time request shows that it received something.
    """
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        termios.tcgetattr(fd)  # raises when it is not a terminal
        hub, end = Hub(), time.monotonic() + DEADLINE_S
        hello: link.Hello | None = None
        while time.monotonic() < end:
            os.write(fd, hub_frame(link.HelloRequest()) + hub_frame(link.TimeRequest(0)))
            if select.select([fd], [], [], 0.3)[0]:
                for frame in hub.receive(os.read(fd, 65536)):
                    if isinstance(frame.message, link.Hello):
                        hello = frame.message
                    if isinstance(frame.message, link.TimeResponse) and hello is not None:
                        return hello
    finally:
        os.close(fd)
    pytest.fail("HELLO or the answer to the time request did not arrive")


def test_device_without_a_link_prints_its_port_and_faults() -> None:
    with emulated("target.link", "--json", "--fault", "duplicate=1", "--fault-seed", "5") as (process, first):
        port = Path(json.loads(first)["devices"]["target-1"])
        assert hello_of(port).kind == link.NodeKind.TARGET
        counted = json.loads(stopped(process)[-1])["faults"]["target-1"]
    assert counted["to_hub"]["duplicate"] >= 1
    assert counted["to_node"]["duplicate"] >= 1
    assert not port.parent.exists()


def test_a_link_is_of_one_living_device(tmp_path: Path, programs: WarmPrograms) -> None:
    port = tmp_path / "ttyBow 0"
    port.symlink_to("/dev/pts/none")  # a link that a killed emulator left behind
    with emulated("target.link", "--link", str(port)) as (first, _):
        target = port.readlink()
        words = ["archstats-sensor", "emulate", "bow.link", "--link", str(port)]
        done = programs.run(*words, environment=clean_environment(), folder=tmp_path)
        assert done.returncode == 78
        assert f"{port} is the port of a simulated device that runs (process {first.pid}). Stop that one" in done.stderr
        assert [path.readlink() for path in tmp_path.iterdir()] == [target]
        assert hello_of(port).kind == link.NodeKind.TARGET
        first.kill()
        first.wait(DEADLINE_S)
    assert port.is_symlink()
    with emulated("bow.link", "--link", str(port), "--lane", "3") as (second, line):
        assert str(port) in line
        assert "lane 3" in line
        hello = hello_of(port)
        assert hello.kind == link.NodeKind.BOW
        assert link.NodeCapability.SIMULATOR in hello.capabilities
        assert stopped(second) == ["Press Ctrl-C to remove it."]
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_never_replaced(tmp_path: Path, programs: WarmPrograms) -> None:
    diary = tmp_path / "diary"
    diary.write_text("dear diary")
    words = ["archstats-sensor", "emulate", "bow.link", "--link", str(diary)]
    done = programs.run(*words, environment=clean_environment(), folder=tmp_path)
    assert done.returncode == 78
    assert str(diary) in done.stderr
    assert diary.read_text() == "dear diary"


def test_scanner_prints_the_settings_of_its_daemon(tmp_path: Path) -> None:
    port = tmp_path / "my scanner"
    with emulated("arrow.r200", "--link", str(port), "--variant", "desk-aa") as (process, first):
        assert f"arrow.r200 of lane 1 (seed 1, speed 1) is at {port}" in first
        assert stopped(process) == [
            f"Settings of its daemon: ARCH_STATS_DRIVER=arrow.r200 ARCH_STATS_PORT='{port}' ARCH_STATS_REGION=eu",
            "Press Ctrl-C to remove it.",
        ]
