"""The device side of the daemon: opens the device, reads it until it fails, and opens it again."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from typing import Final
from uuid import UUID

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from drivers.contract import ClockModel, Driver, Pulse, Reading, Report, StreamStart
from drivers.errors import DriverConfigError, DriverError
from edge.common.config.errors import ConfigError
from edge.common.process.progress import Tick, no_tick
from edge.sensor.device_texts import clean_counters, clean_identity, clean_reading, clean_start
from edge.sensor.queue.durable import DurableQueue
from edge.sensor.queue.inbox import Storable
from edge.sensor.status import Status

BuildDriver = Callable[[Sequence[ClockModel]], Driver]

BACKOFF_FIRST_S: Final = 0.2
BACKOFF_CAP_S: Final = 5.0
"""Longest pause before the device is opened again: a cable that is plugged back in is found within this."""
STEADY_S: Final = 5.0
"""A device that was open for this long is opened again at once; one that fails sooner is, after growing pauses."""
CLOSE_WITHIN_S: Final = 1.0
CLOCKS_KEPT: Final = 64
"""Number of device boots whose clocks are kept in memory; the database keeps the clocks of all."""

log = logging.getLogger(__name__)


class DeviceReader:
    """Keeps one device open and puts its reports into the queue.

    ``driver`` is the one that is open now: acknowledgements and commands go through it.
    """

    def __init__(self, build: BuildDriver, queue: DurableQueue, status: Status, tick: Tick = no_tick) -> None:
        self.driver: Driver | None = None
        self.clocks: dict[UUID, ClockModel] = {}
        """The clocks of the latest boots, the newest last."""
        self.opened = asyncio.Event()
        """Set while ``driver`` is open and read."""
        self.left_undated = 0
        """Events of earlier boots that were left with the device because the stored clocks were not loaded yet."""
        self._build = build
        self._queue = queue
        self._status = status
        self._tick = tick
        self._on_open: Callable[[], None] = lambda: None
        self._opened = False
        self._clocks_loaded = False
        self._driver_has_clocks = False
        self._reopen_with_clocks = False

    def on_open(self, call: Callable[[], None]) -> None:
        """Call this after each opening of the device; it must return at once."""
        self._on_open = call

    def learn(self, clocks: Iterable[ClockModel]) -> None:
        """Take the stored clocks, newest first. Events left with the device for want of them are read then."""
        self.remember(clocks)
        self._clocks_loaded = True

    def remember(self, clocks: Iterable[ClockModel]) -> None:
        """Take clocks of earlier boots, newest first; a clock that the device itself reported since is better."""
        earlier = {clock.stream_id: clock for clock in reversed(list(clocks)) if clock.stream_id not in self.clocks}
        self.clocks = earlier | self.clocks
        self._forget_oldest_clocks()

    async def run(self) -> None:
        """Read until cancelled. Raises ConfigError when the settings can never work."""
        while True:
            async for attempt in AsyncRetrying(
                wait=wait_random_exponential(multiplier=BACKOFF_FIRST_S, max=BACKOFF_CAP_S),
                retry=retry_if_exception_type(DriverError),
            ):
                self._tick()
                with attempt:
                    self._opened, began = False, time.monotonic()
                    try:
                        await self._open_and_read()
                    except DriverConfigError as fault:
                        raise ConfigError(f"{fault.device}: {fault.message}", hint=fault.hint) from fault
                    except DriverError:
                        if not self._opened or time.monotonic() - began < STEADY_S:
                            raise  # the pause grows with each attempt
            await asyncio.sleep(BACKOFF_FIRST_S * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    async def close(self) -> None:
        """Close the device within :data:`CLOSE_WITHIN_S`."""
        self.opened.clear()
        driver, self.driver = self.driver, None
        if driver is not None:
            try:
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await driver.close()
            except TimeoutError:
                log.warning("the port did not close within %.0f s; the system closes it", CLOSE_WITHIN_S)

    async def acknowledge(self, reports: Sequence[Storable]) -> None:
        """Acknowledge durable reports. The device sends unacknowledged ones again, and a repeat is acknowledged."""
        driver = self.driver
        if driver is None:
            return
        for report in reports:
            if isinstance(report, Reading):
                with suppress(DriverError):
                    await driver.acknowledge(report)

    async def _open_and_read(self) -> None:
        driver = self._build(tuple(self.clocks.values()))
        self.driver, self._driver_has_clocks, self._reopen_with_clocks = driver, self._clocks_loaded, False
        try:
            identity = clean_identity(await driver.open())
            self._opened = True
            self.opened.set()
            self._on_open()
            self._queue.wake()
            if self._status.on_open(identity):
                log.info(
                    "%s answers: %s", identity.device_id, identity.firmware or identity.serial or identity.kind.value
                )
            async with aclosing(driver.readings()) as reports:  # type: ignore[type-var]
                async for delivered in reports:
                    self._tick()
                    report = clean_reading(delivered) if isinstance(delivered, Reading) else delivered
                    if isinstance(report, Reading) and self._queue.holds(report):
                        await driver.acknowledge(report)  # the first acknowledgement did not arrive
                    elif isinstance(report, Reading) and self._may_be_dated_later(report):
                        self._leave(report)
                    else:
                        self._take(report)
                    if self._reopen_with_clocks and self._clocks_loaded:
                        return  # opened again with the clocks, the device sends its unacknowledged events again
        except DriverError as fault:
            self._log_error(fault, driver)
            raise
        finally:
            self._status.driver_counters = clean_counters(driver.counters())
            await self.close()

    def _take(self, report: Report) -> None:
        if isinstance(report, StreamStart):
            report = clean_start(report)
        elif isinstance(report, Pulse):
            self._status.on_heartbeat(report)
        elif isinstance(report, ClockModel):
            self.clocks.pop(report.stream_id, None)
            self.clocks[report.stream_id] = report
            self._forget_oldest_clocks()
        self._status.on_report(report)
        self._queue.put(report)

    def _forget_oldest_clocks(self) -> None:
        while len(self.clocks) > CLOCKS_KEPT:
            del self.clocks[next(iter(self.clocks))]

    def _may_be_dated_later(self, reading: Reading) -> bool:
        """Whether a stored clock may still date it: an event of an earlier boot that came before the database answered."""
        of_earlier_boot = reading.stream_id != self._queue.ledger.current
        return reading.stamp.uncertainty_s is None and of_earlier_boot and not self._driver_has_clocks

    def _leave(self, reading: Reading) -> None:
        """Leave the event with the device, unacknowledged: stored without a date it would stay undated."""
        if not self._reopen_with_clocks:
            log.info(
                "%s keeps events of an earlier boot until the clock of that boot is loaded from the database",
                reading.device_id,
            )
        self._reopen_with_clocks = True
        self.left_undated += 1

    def _log_error(self, fault: DriverError, driver: Driver) -> None:
        self._queue.wake()
        if self._status.on_error(fault):
            log.warning("%s", fault)
            if self._opened:
                for line in driver.flight_record():
                    log.info("last frames: %s", line)
