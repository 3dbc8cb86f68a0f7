"""Runs inside the user-mode kernel: drives the simulated chip, reads it by our own code, and writes what it saw as JSON."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import struct
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Final

import gpiod

from drivers.contract import Reading, Report
from drivers.errors import DriverError
from drivers.nock.driver import BowNock, NockSettings
from drivers.transport.edges import Edge, InputPin, Pull
from drivers.transport.pins import InputPins, open_inputs
from edge.common.vocabulary import DeviceState
from edge.sensor.lights import LightKeeper, LightPins
from edge.sensor.status import Status

EDGES: Final = 200
WITHIN_S: Final = 5.0
"""Longest wait for one edge or reading; the clock of this kernel ticks every 10 ms."""

SETTLE_MS: Final = 100
BOUNCE_S: Final = 0.04
"""Time between two edges of a contact that bounces: some ticks of this kernel's clock."""
ADD_ENTROPY: Final = 0x40085203
"""RNDADDENTROPY of linux/random.h: bits, bytes and the bytes."""
NO_RIGHTS: Final = 65534
"""A user without rights."""

Facts = dict[str, object]


def line(number: int, attribute: str) -> Path:
    """An attribute of a simulated line."""
    (found,) = Path("/sys/devices/platform").glob(f"gpio-sim.*/gpiochip*/sim_gpio{number}/{attribute}")
    return found


def drive(number: int, *, high: bool) -> int:
    """Drive a line from outside; returns the instant before it."""
    at_ns = time.monotonic_ns()
    line(number, "pull").write_text("pull-up" if high else "pull-down")
    return at_ns


async def next_edge(inputs: InputPins) -> Edge:
    """The next edge."""
    async with asyncio.timeout(WITHIN_S):
        while not isinstance(item := await inputs.read(WITHIN_S), Edge):
            pass
        return item


async def edges_of_a_pin() -> Facts:
    """Drive edges one after another, and read each."""
    specs = [InputPin("switch", 17, Pull.DOWN, active_high=True)]
    inputs = await open_inputs(specs, chip=None, device="guest", look_every_s=0.5)
    right = between = 0
    for number in range(EDGES):
        high = number % 2 == 0
        at_ns = drive(17, high=high)
        edge = await next_edge(inputs)
        right += edge.active is high
        between += at_ns <= edge.at_ns <= time.monotonic_ns()
    counters = inputs.counters
    await inputs.close()
    return {
        "edges": counters.edges, "right": right, "missed": counters.edges_missed, "looks": counters.looks,
        "stamped_between": between,
    }  # fmt: skip


async def burst_of_a_pin() -> Facts:
    """Drive edges as fast as possible: those that the kernel merges cost neither the last one nor its direction."""
    specs = [InputPin("switch", 18, Pull.DOWN, active_high=True)]
    inputs = await open_inputs(specs, chip=None, device="guest", look_every_s=60.0)
    for number in range(41):
        drive(18, high=number % 2 == 0)
    edges: list[Edge] = []
    while (item := await inputs.read(1.0)) is not None:
        if isinstance(item, Edge):
            edges.append(item)
    await inputs.close()
    return {"some": len(edges) > 0, "ends_high": edges[-1].active}


async def refusals() -> Facts:
    """The errors of a line in use, a missing chip and a line that the chip does not have."""
    other = gpiod.request_lines("/dev/gpiochip0", {27: gpiod.LineSettings()}, consumer="some-program")
    found = {"busy": await refusal(27, None), "no_chip": await refusal(5, "gpiochip7")}
    other.release()
    os.seteuid(NO_RIGHTS)
    found["forbidden"] = await refusal(27, None)
    os.seteuid(0)
    return {**found, "freed": await refusal(27, None)}


async def refusal(number: int, chip: str | None) -> str:
    """The error of opening a line; empty when it opens."""
    try:
        inputs = await open_inputs(
            [InputPin("switch", number, Pull.UP, active_high=True)], chip=chip, device="guest", look_every_s=1.0
        )
    except DriverError as fault:
        return str(fault)
    await inputs.close()
    return ""


async def levels_of_the_lights() -> Facts:
    """The lights of a device that becomes ready, nocks an arrow, is lost and stops, as the world outside sees them."""
    status = Status(state=DeviceState.READY)
    shining = asyncio.create_task(LightKeeper(LightPins(green=4, red=5), "guest", status, lambda: True).run())
    found = [await wait_for_lights((1, 0))]
    status.is_engaged = True
    found.append(await wait_for_lights((0, 1)))
    status.set_state(DeviceState.LOST)
    found += [await wait_for_lights((0, 0)), await wait_for_lights((0, 1)), await wait_for_lights((0, 0))]
    status.set_state(DeviceState.READY)
    status.is_engaged = False
    await wait_for_lights((1, 0))
    shining.cancel()
    await asyncio.wait((shining,))
    found.append(await wait_for_lights((0, 0)))
    return {"levels": found}


async def wait_for_lights(wanted: tuple[int, int]) -> tuple[int, int]:
    """The levels of green and red, once they are as wanted, else after the longest wait."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        green, red = (int(line(number, "value").read_text()) for number in (4, 5))
        if (green, red) == wanted or time.monotonic() > deadline:
            return green, red
        await asyncio.sleep(0.02)


async def readings_of_the_driver() -> Facts:
    """Nock and release with a bouncing contact, and read both from the driver ``bow.nock``."""
    drive(22, high=True)  # no arrow: the switch is open, and the pull-up wins
    driver = BowNock("bow-1", NockSettings(nock_pin=22, debounce_ms=SETTLE_MS))
    identity = await driver.open()
    readings: list[str] = []
    outside: list[dict[str, float]] = []
    async with aclosing(driver.readings()) as reports:  # type: ignore[type-var]
        for number in range(EDGES):
            nocked = number % 2 == 0
            seen = driver.counters()["edges"]
            at_ns = drive(22, high=not nocked)
            if number % 5 == 0:  # it bounces; the kernel merges edges that it has not stamped yet
                async with asyncio.timeout(WITHIN_S):
                    while driver.counters()["edges"] == seen:
                        await asyncio.sleep(BOUNCE_S)
                last_ns = drive(22, high=nocked)  # a stamp of this edge, or of the next one, is outside
                await asyncio.sleep(BOUNCE_S)
                drive(22, high=not nocked)
            reading = await next_reading(reports)
            if number % 5:
                last_ns = time.monotonic_ns() - SETTLE_MS * 1_000_000
            readings.append(reading.kind.value)
            stamp_ns = reading.stamp.mono_ns or 0
            if not at_ns <= stamp_ns <= last_ns:
                outside.append(
                    {"number": number, "after_ms": (stamp_ns - at_ns) / 1e6, "last_ms": (last_ns - at_ns) / 1e6}
                )
    counters = dict(driver.counters())
    await driver.close()
    wanted = ["engage", "release"] * (EDGES // 2)
    return {
        "readings": len(readings), "right": readings == wanted, "stamped_outside": outside,
        "source": identity.source.value, "counters": counters,
    }  # fmt: skip


async def next_reading(reports: AsyncIterator[Report]) -> Reading:
    """The next reading."""
    async with asyncio.timeout(WITHIN_S):
        async for report in reports:
            if isinstance(report, Reading):
                return report
    raise RuntimeError("the driver ended")


async def run() -> Facts:
    """All facts."""
    return {
        "pin": await edges_of_a_pin(),
        "burst": await burst_of_a_pin(),
        "refusals": await refusals(),
        "lights": await levels_of_the_lights(),
        "driver": await readings_of_the_driver(),
    }


def seed_random_numbers() -> None:
    """Credit the kernel with entropy: this one may have no source of its own, and lets ``uuid4`` wait for one without end."""
    seed = f"{time.time_ns():032d}".encode()
    with Path("/dev/random").open("wb") as pool:
        fcntl.ioctl(pool, ADD_ENTROPY, struct.pack("ii32s", 8 * len(seed), len(seed), seed))


if __name__ == "__main__":
    seed_random_numbers()
    Path(sys.argv[1]).write_text(json.dumps(asyncio.run(run())))
