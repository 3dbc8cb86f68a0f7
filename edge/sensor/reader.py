"""The device's side of the daemon: open, read, lose, open again, for ever."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from uuid import UUID

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from drivers.contract import ClockModel, Driver, Pulse, Reading, StreamStart
from drivers.errors import DriverConfigError, DriverError
from edge.common.config.errors import ConfigError
from edge.common.process.progress import Tick, no_tick
from edge.sensor.queue.inbox import Inbox, Storable
from edge.sensor.queue.ledger import Watermark
from edge.sensor.status import Status

BuildDriver = Callable[[Sequence[ClockModel]], Driver]

BACKOFF_FIRST_S = 0.2
BACKOFF_CAP_S = 5.0
"""A cable that is put back is noticed within this."""
STEADY_S = 5.0
"""A device that was open for so long is opened again at once; one that dies each time at once, with longer and longer waits."""
CLOSE_WITHIN_S = 1.0
CLOCKS_KEPT = 64
"""Of so many boots of the device; nobody acknowledges events of one before. The database keeps the clocks of all."""

log = logging.getLogger(__name__)


class DeviceReader:
    """Keeps one device open and fills the inbox with what it tells.

    ``driver`` is the one that is open now: acknowledgements and commands go through it.
    """

    def __init__(
        self, build: BuildDriver, inbox: Inbox, watermark: Watermark, status: Status, tick: Tick = no_tick
    ) -> None:
        self.driver: Driver | None = None
        self.clocks: dict[UUID, ClockModel] = {}
        """The clocks of the last boots, the newest last."""
        self.left_undated = 0
        """Events of earlier boots that were left with the device until the stored clocks are known."""
        self._build = build
        self._inbox = inbox
        self._watermark = watermark
        self._status = status
        self._tick = tick
        self._opened = False
        self._clocks_are_known = False
        self._driver_knows_them = False
        self._asks_again = False

    def learn(self, clocks: Iterable[ClockModel]) -> None:
        """Take the stored clocks, newest first. What was left with the device for want of them is read then."""
        self.remember(clocks)
        self._clocks_are_known = True

    def remember(self, clocks: Iterable[ClockModel]) -> None:
        """Take clocks of earlier days, newest first; what the device itself told since is better."""
        earlier = {clock.stream_id: clock for clock in reversed(list(clocks)) if clock.stream_id not in self.clocks}
        self.clocks = earlier | self.clocks
        self._forget_the_oldest()

    async def run(self) -> None:
        """Read for ever; cancelled to stop. Raises ConfigError when the settings can never work."""
        while True:
            async for attempt in AsyncRetrying(
                wait=wait_random_exponential(multiplier=BACKOFF_FIRST_S, max=BACKOFF_CAP_S),
                retry=retry_if_exception_type(DriverError),
            ):
                self._tick()
                with attempt:
                    self._opened, began = False, time.monotonic()
                    try:
                        await self._one_life()
                    except DriverConfigError as fault:
                        raise ConfigError(f"{fault.device}: {fault.message}", hint=fault.hint) from fault
                    except DriverError:
                        if not self._opened or time.monotonic() - began < STEADY_S:
                            raise  # each time a longer wait
            await asyncio.sleep(BACKOFF_FIRST_S * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    async def close(self) -> None:
        """Let go of the device, within a bound."""
        driver, self.driver = self.driver, None
        if driver is not None:
            try:
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await driver.close()
            except TimeoutError:
                log.warning("the port did not close within %.0f s; it is left to the system", CLOSE_WITHIN_S)

    async def acknowledge(self, reports: Sequence[Storable]) -> None:
        """Tell the device that these are durable. It sends again what it does not hear of, and hears it then."""
        driver = self.driver
        if driver is None:
            return
        for report in reports:
            if isinstance(report, Reading):
                with suppress(DriverError):
                    await driver.acknowledge(report)

    async def _one_life(self) -> None:
        driver = self._build(tuple(self.clocks.values()))
        self.driver, self._driver_knows_them, self._asks_again = driver, self._clocks_are_known, False
        try:
            identity = await driver.open()
            self._opened = True
            if self._status.opened(identity):
                log.info(
                    "%s answers: %s", identity.device_id, identity.firmware or identity.serial or identity.kind.value
                )
            async with aclosing(driver.readings()) as reports:  # type: ignore[type-var]
                async for report in reports:
                    self._tick()
                    if isinstance(report, Pulse):
                        self._status.heard(report)
                        self._watermark.pulse(report)
                    elif isinstance(report, Reading) and self._watermark.holds(report.stream_id, report.seq):
                        await driver.acknowledge(report)  # the device did not hear the first one
                    elif isinstance(report, Reading) and self._is_to_be_dated(report):
                        self._leave(report)
                    else:
                        self._take(report)
                    if self._asks_again and self._clocks_are_known:
                        return  # opened anew with the clocks, the device sends again what it was not acknowledged
        except DriverError as fault:
            self._note(fault, driver)
            raise
        finally:
            self._status.driver_counters = dict(driver.counters())
            await self.close()

    def _take(self, report: Reading | StreamStart | ClockModel) -> None:
        if isinstance(report, ClockModel):
            self.clocks.pop(report.stream_id, None)
            self.clocks[report.stream_id] = report
            self._forget_the_oldest()
        elif isinstance(report, StreamStart):
            self._watermark.start(report)
        self._inbox.put(report)

    def _forget_the_oldest(self) -> None:
        while len(self.clocks) > CLOCKS_KEPT:
            del self.clocks[next(iter(self.clocks))]

    def _is_to_be_dated(self, reading: Reading) -> bool:
        """Whether a stored clock may yet date it: an event of an earlier boot, sent again before the database answered."""
        of_earlier_boot = reading.stream_id != self._watermark.stream_id
        return reading.stamp.uncertainty_s is None and of_earlier_boot and not self._driver_knows_them

    def _leave(self, reading: Reading) -> None:
        """Not acknowledged, the device keeps it; stored undated it would never be dated again."""
        if not self._asks_again:
            log.info(
                "events of an earlier boot of %s stay there until the database tells the clock of that time",
                reading.device_id,
            )
        self._asks_again = True
        self.left_undated += 1

    def _note(self, fault: DriverError, driver: Driver) -> None:
        if self._status.failed(fault):
            log.warning("%s", fault)
            if self._opened:
                for line in driver.flight_record():
                    log.info("last frames: %s", line)
