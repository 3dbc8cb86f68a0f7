"""Nock switches at simulated pins, for tests: drivers, and a thread that moves the contacts."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

from drivers.contract import Reading, Report
from drivers.nock.driver import BowNock, NockSettings
from drivers.transport.simulated_pins import Move, SimulatedFactory
from simulators.devices.bow_nock import bounce
from simulators.world.draws import Draws

MS = 1_000_000
NOCKED, FREE = False, True
"""Levels of a switch that closes to ground."""
LEAD_NS = 200 * MS
"""Time from a call until the first contact moves."""


@dataclass(frozen=True)
class Moved:
    """A contact changed its state: the truth of one reading."""

    pin: int
    nocked: bool
    at_ns: int


def move_contacts(factory: SimulatedFactory, pins: list[int], shots: int, every_ns: int, seed: int) -> list[Moved]:
    """Nock and release an arrow ``shots`` times at each pin, one shot in ``every_ns``, with bouncing contacts.

    Blocks until the last edge; call it in a thread of its own.
    """
    start_ns = time.monotonic_ns() + LEAD_NS
    moved: list[Moved] = []
    bursts: list[list[Move]] = []
    for place, pin in enumerate(pins):
        draws = Draws(seed, pin)
        for shot in range(shots):
            nocked_ns = start_ns + shot * every_ns + place * every_ns // (2 * len(pins))
            released_ns = nocked_ns + every_ns // 2 + round(draws.uniform(0.0, 0.1) * every_ns)
            for at_ns, nocked in ((nocked_ns, True), (released_ns, False)):
                moved.append(Moved(pin, nocked, at_ns))
                edges = bounce(pin, at_ns // 1000, NOCKED if nocked else FREE, draws)
                exact_ns = [at_ns, *(edge.at_us * 1000 for edge in edges[1:])]
                bursts.append([(pin, edge.level, ns, edge.reported) for edge, ns in zip(edges, exact_ns, strict=True)])
    waited = threading.Event()
    for burst in sorted(bursts, key=lambda burst: burst[-1][2]):
        if (ahead_ns := burst[-1][2] - time.monotonic_ns()) > 0:
            waited.wait(ahead_ns / 1e9)
        factory.drive(*burst)
    return moved


async def opened_switch(pin: int) -> BowNock:
    """The driver of the switch at a pin, open."""
    driver = BowNock(f"bow-{pin}", NockSettings(nock_pin=pin))
    await driver.open()
    return driver


async def read_readings(driver: BowNock, count: int, within_s: float) -> list[Reading]:
    """The first ``count`` readings; fewer when they do not come in time."""
    readings: list[Reading] = []

    async def read() -> None:
        async for report in driver.readings():
            keep(report)
            if len(readings) == count:
                return

    def keep(report: Report) -> None:
        if isinstance(report, Reading):
            readings.append(report)

    try:
        async with asyncio.timeout(within_s):
            await read()
    except TimeoutError:
        pass
    return readings
