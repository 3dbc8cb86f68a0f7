"""How a process of ours starts, stops and fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge.common.process.run import ECHO_S

PROGRAM = """
import asyncio, sys
from edge.common.config.errors import ConfigError
from edge.common.process.run import run_service

async def wait(stop):
    print("ready", flush=True)
    await stop.wait()
    print("stopping", flush=True)

async def hang(stop):
    await wait(stop)
    await asyncio.sleep(60)

async def wrong(stop):
    raise ConfigError("the port is wrong", hint="Use another")

async def wrong_in_group(stop):
    async with asyncio.TaskGroup() as outer:
        outer.create_task(nested())

async def nested():
    async with asyncio.TaskGroup() as inner:
        inner.create_task(wrong(None))
        inner.create_task(asyncio.sleep(60))

async def broken(stop):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(wrong(None))
        tasks.create_task(crash())

async def crash():
    raise ValueError("a mistake of ours")

sys.exit(run_service(globals()[sys.argv[1]], name="archstats-test"))
"""


@contextmanager
def program(main: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, main],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_good_order(number: signal.Signals) -> None:
    with program("wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("stopping\n", "", 0)


def test_a_second_signal_ends_it_at_once_an_echo_does_not() -> None:
    for _ in range(10):
        with program("hang") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            before = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "stopping\n"
            process.send_signal(signal.SIGINT)
            if time.monotonic() - before > ECHO_S / 2:
                continue  # this process stood still: that was no echo any more
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=ECHO_S + 0.1)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 128 + signal.SIGINT
            return
    pytest.fail("this machine is too slow for an echo")


@pytest.mark.parametrize("main", ["wrong", "wrong_in_group"])
def test_a_wrong_setting_is_one_line_and_status_78(main: str) -> None:
    with program(main) as process:
        _, err = process.communicate(timeout=30)
    assert err == "archstats-test: the port is wrong. Use another\n"
    assert process.returncode == 78


def test_a_mistake_of_ours_is_not_hidden_behind_a_wrong_setting() -> None:
    with program("broken") as process:
        _, err = process.communicate(timeout=30)
    assert "a mistake of ours" in err
    assert process.returncode == 1


def test_it_ends_with_its_parent() -> None:
    starter = (
        "import os, subprocess, sys;"
        f"child = subprocess.Popen([sys.executable, '-c', {PROGRAM!r}, 'wait'], env={{**os.environ, 'ARCH_STATS_PARENT': str(os.getpid())}});"
        "child.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        parent.kill()
        rest = parent.stdout.read()  # ends when the child has let go of it, too
    assert rest == "stopping\n"


def test_it_does_not_start_for_a_parent_that_is_gone() -> None:
    with program("wait", ARCH_STATS_PARENT="1") as process:
        out, err = process.communicate(timeout=30)
    assert out == ""
    assert "ARCH_STATS_PARENT" in err
    assert process.returncode == 0
