"""The driver contract as a test suite, for every driver on its simulated device.

Subclass :class:`DriverContract` in a test module and give it a ``connection`` fixture. The tests need pytest and
pytest-asyncio; nothing else imports this module.
"""

# ruff: noqa: D102, S101  (a module of tests)

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from drivers.clock.host import host_boot_id
from drivers.contract import (
    Capability,
    ClockModel,
    Command,
    CommandResult,
    DeviceIdentity,
    Driver,
    DriverInfo,
    Progress,
    Pulse,
    Reading,
    Report,
    Source,
    StreamStart,
    ignore_progress,
)
from drivers.errors import DeviceLost, DriverError

WITHIN_S = 25.0
"""Deadline for awaited reports: longer than the simulated archer rests between two ends."""


@dataclass(frozen=True)
class Connection:
    """A simulated device that can be opened repeatedly."""

    info: DriverInfo
    """Description of the driver."""
    device_id: str
    """The device's id, as given to the driver."""
    build: Callable[[Sequence[ClockModel]], Driver]
    """Builds a new driver of the device with these stored clocks."""
    freeze: Callable[[], None]
    """Makes the device silent, while its line stays open."""
    thaw: Callable[[], None]
    """Ends the silence."""


@asynccontextmanager
async def opened(
    connection: Connection, clocks: Sequence[ClockModel] = ()
) -> AsyncIterator[tuple[Driver, DeviceIdentity]]:
    """A new driver of the device, open while the block runs."""
    driver = connection.build(clocks)
    try:
        yield driver, await driver.open()
    finally:
        await driver.close()


async def read_until(driver: Driver, enough: Callable[[list[Report]], bool], *, acknowledge: bool) -> list[Report]:
    """Read reports until ``enough`` returns True for them."""
    reports: list[Report] = []
    async with asyncio.timeout(WITHIN_S), aclosing(driver.readings()) as stream:  # type: ignore[type-var]
        async for report in stream:
            reports.append(report)
            if acknowledge and isinstance(report, Reading):
                await driver.acknowledge(report)
            if enough(reports):
                break
    return reports


@asynccontextmanager
async def read_on(driver: Driver) -> AsyncIterator[asyncio.Task[list[Report]]]:
    """Read and acknowledge while the block runs, as a command needs."""
    reading = asyncio.create_task(read_until(driver, lambda _: False, acknowledge=True))
    try:
        yield reading
    finally:
        reading.cancel()
        await asyncio.wait((reading,), timeout=WITHIN_S)


def changed(value: float | str | bool) -> float | str | bool:
    """Another value of a setting; a text stays the same."""
    if isinstance(value, str):
        return value
    return not value if isinstance(value, bool) else value + 1


async def change_a_setting(
    driver: Driver, present: Mapping[str, int | float | str | bool], reading: asyncio.Task[list[Report]]
) -> tuple[str, CommandResult]:
    """Change the first setting that the device lets change; its name, and the result.

    ``reading`` is the task that reads meanwhile: its error is raised, because no command gets an answer without it.
    """
    refusals: list[str] = []
    for name, value in present.items():
        if changed(value) != value:
            result = await driver.execute(Command("configure", {name: changed(value)}))
            if result.ok:
                return name, result
            if reading.done():
                reading.result()
            refusals.append(f"{name}: {result.error}")
    pytest.fail(f"no setting can be changed: {refusals}")


def readings_in(reports: list[Report]) -> list[Reading]:
    """The readings among reports."""
    return [report for report in reports if isinstance(report, Reading)]


def later_by(seconds: float) -> Callable[[list[Report]], bool]:
    """Condition that holds after some seconds."""
    end = time.monotonic() + seconds
    return lambda _: time.monotonic() > end


def at_least(count: int) -> Callable[[list[Report]], bool]:
    """Condition that holds from ``count`` readings on."""
    return lambda reports: len(readings_in(reports)) >= count


@pytest.mark.asyncio
class DriverContract:
    """Tests of one driver. A subclass provides the ``connection`` fixture."""

    @pytest.fixture
    def time_factor(self) -> float:
        """Factor of the time limits, for a busy machine; override it to change the factor."""
        return 5.0

    async def test_open_returns_the_identity(self, connection: Connection) -> None:
        async with opened(connection) as (_, identity):
            assert identity.device_id == connection.device_id
            assert identity.kind is connection.info.kind
            assert identity.source is Source.SIMULATOR

    async def test_a_stream_starts_before_its_reports(self, connection: Connection) -> None:
        async with opened(connection) as (driver, identity):
            reports = await read_until(driver, at_least(1), acknowledge=True)

        first = next(report for report in reports if not isinstance(report, ClockModel))
        assert isinstance(first, StreamStart)
        assert first.stream_id == identity.stream_id
        reading = readings_in(reports)[0]
        assert reading.device_id == connection.device_id
        assert reading.source is Source.SIMULATOR

    async def test_readings_are_dated_on_both_host_clocks(self, connection: Connection) -> None:
        async with opened(connection) as (driver, _):
            reading = readings_in(await read_until(driver, at_least(1), acknowledge=True))[0]

        assert reading.stamp.host_boot_id == host_boot_id()
        assert reading.stamp.mono_ns is not None
        assert reading.stamp.uncertainty_s is not None
        assert 0 < reading.stamp.uncertainty_s <= 0.1
        earliest = datetime.now(UTC)
        age = timedelta(seconds=(time.monotonic_ns() - reading.stamp.mono_ns) / 1e9)
        latest = datetime.now(UTC)
        assert earliest - timedelta(seconds=0.05) < reading.stamp.at + age < latest + timedelta(seconds=0.05)
        assert reading.stamp.at <= reading.received_at + timedelta(seconds=reading.stamp.uncertainty_s)

    async def test_events_are_numbered_without_gaps_and_pulses_match(self, connection: Connection) -> None:
        def pulses_in(reports: list[Report]) -> list[Pulse]:
            return [report for report in reports if isinstance(report, Pulse)]

        def fresh(reports: list[Report]) -> set[int]:
            """Events after the first pulse; earlier ones may have been acknowledged before."""
            return {reading.seq for reading in readings_in(reports) if reading.seq > pulses_in(reports)[0].last_seq}

        def enough(reports: list[Report]) -> bool:
            pulses = pulses_in(reports)
            return pulses != [] and pulses[-1].last_seq - pulses[0].last_seq >= 3 and len(fresh(reports)) >= 3

        async with opened(connection) as (driver, identity):
            reports = await read_until(driver, enough, acknowledge=True)

        pulses = pulses_in(reports)
        assert {pulse.stream_id for pulse in pulses} == {identity.stream_id}
        assert [pulse.last_seq for pulse in pulses] == sorted(pulse.last_seq for pulse in pulses)
        promised = set(range(pulses[0].last_seq + 1, pulses[-1].last_seq + 1))
        assert promised <= fresh(reports)

    async def test_a_reopened_device_continues_its_stream(self, connection: Connection, time_factor: float) -> None:
        if Capability.ACKNOWLEDGES not in connection.info.capabilities:
            pytest.skip("a device that keeps no events starts a stream at each opening")
        async with opened(connection) as (driver, first):
            reports = await read_until(driver, at_least(1), acknowledge=False)
        before = readings_in(reports)[0]

        def repeats(reports: list[Report]) -> list[Reading]:
            return [reading for reading in readings_in(reports) if reading.seq == before.seq]

        clocks = [report for report in reports if isinstance(report, ClockModel)]
        async with opened(connection, clocks) as (driver, second):
            [after] = repeats(await read_until(driver, lambda reports: bool(repeats(reports)), acknowledge=True))

        assert first.stream_id == second.stream_id
        assert after.stamp.uncertainty_s is not None
        assert before.stamp.uncertainty_s is not None
        # Two stamps of one event differ by no more than both of them state, and the time this machine may be late.
        apart_s = before.stamp.uncertainty_s + after.stamp.uncertainty_s + 0.005 * time_factor
        assert abs(after.stamp.at - before.stamp.at) < timedelta(seconds=apart_s)
        assert replace(after, stamp=before.stamp, received_at=before.received_at) == before

    async def test_only_unacknowledged_events_are_re_sent(self, connection: Connection) -> None:
        if Capability.ACKNOWLEDGES not in connection.info.capabilities:
            pytest.skip("the device keeps no events")

        def repeated(reports: list[Report]) -> bool:
            keys = [(reading.stream_id, reading.seq) for reading in readings_in(reports)]
            return len(keys) > len(set(keys))

        async with opened(connection) as (driver, _):
            reports = await read_until(driver, repeated, acknowledge=False)
            known = {(reading.stream_id, reading.seq): reading for reading in readings_in(reports)}
            for reading in known.values():
                await driver.acknowledge(reading)
            # Events in transit may arrive once more, until the device has processed the acknowledgements.
            if Capability.CONFIGURE in connection.info.capabilities:
                async with read_on(driver):
                    answered = await driver.execute(Command("read_config"))
                assert answered.ok
            else:
                await read_until(driver, later_by(2.0), acknowledge=True)
            taken = datetime.now(UTC)
            later = readings_in(await read_until(driver, later_by(1.5), acknowledge=True))

        again = [
            reading for reading in later if (reading.stream_id, reading.seq) in known and reading.received_at > taken
        ]
        assert again == []

    async def test_the_configuration_is_set_and_read_back(self, connection: Connection) -> None:
        if Capability.CONFIGURE not in connection.info.capabilities:
            pytest.skip("the device has no settings")
        async with opened(connection) as (driver, _), read_on(driver) as reading:
            present = await driver.execute(Command("read_config"))
            name, put = await change_a_setting(driver, present.values, reading)
            read = await driver.execute(Command("read_config"))
            restored = await driver.execute(Command("configure", {name: present.values[name]}))
            unknown = await driver.execute(Command("configure", {"no such setting": 1}))
            read_at_last = await driver.execute(Command("read_config"))

        assert present.ok
        assert put.values == {**present.values, name: changed(present.values[name])}, "other settings keep their values"
        assert (read.ok, read.values) == (True, put.values)
        assert (restored.ok, restored.values) == (True, present.values)
        assert not unknown.ok
        assert unknown.error is not None
        assert read_at_last.values == present.values
        assert {"configure", "read_config"} <= connection.info.commands

    async def test_an_unknown_command_is_refused(self, connection: Connection) -> None:
        reported: list[Progress] = []
        async with opened(connection) as (driver, _), read_on(driver):
            unknown = await driver.execute(Command("no such command"), reported.append)

        assert not unknown.ok
        assert unknown.error is not None
        assert reported == []

    async def test_a_cancelled_command_makes_room_for_the_next(self, connection: Connection) -> None:
        if Capability.CONFIGURE not in connection.info.capabilities:
            pytest.skip("the device has no command that is harmless")
        async with opened(connection) as (driver, _), read_on(driver) as reading:
            cancelled = asyncio.create_task(driver.execute(Command("read_config"), ignore_progress))
            await asyncio.sleep(0)  # it runs
            cancelled.cancel()
            await asyncio.wait((cancelled,), timeout=WITHIN_S)
            answered = await driver.execute(Command("read_config"))
            assert not reading.done()

        assert cancelled.cancelled() or cancelled.result().ok
        assert answered.ok

    async def test_a_silent_device_raises_device_lost(self, connection: Connection, time_factor: float) -> None:
        async with opened(connection) as (driver, identity):
            await read_until(driver, at_least(0), acknowledge=False)
            connection.freeze()
            before = time.monotonic()
            try:
                with pytest.raises(DeviceLost, match="silent") as raised:
                    await read_until(driver, lambda _: False, acknowledge=False)
            finally:
                connection.thaw()
            assert time.monotonic() - before < time_factor * (3.5 * connection.info.heartbeat_s + 1.0)
            assert raised.value.device == connection.device_id
            assert raised.value.hint
            assert driver.flight_record()
        async with opened(connection) as (_, again):
            continues = Capability.ACKNOWLEDGES in connection.info.capabilities
            assert (again.stream_id == identity.stream_id) is continues

    async def test_close_is_harmless_and_ends_the_readings(self, connection: Connection) -> None:
        never_opened = connection.build(())
        await never_opened.close()
        await never_opened.close()

        async with opened(connection) as (driver, _):
            reading = asyncio.create_task(read_until(driver, lambda _: False, acknowledge=False))
            await asyncio.sleep(0)  # it reads
            await asyncio.gather(driver.close(), driver.close())
            with pytest.raises(DriverError):
                await reading
            assert driver.counters()

    async def test_a_held_port_is_not_opened_twice(self, connection: Connection) -> None:
        async with opened(connection):
            second = connection.build(())
            with pytest.raises(DriverError) as raised:
                await second.open()
            await second.close()
        assert raised.value.hint
