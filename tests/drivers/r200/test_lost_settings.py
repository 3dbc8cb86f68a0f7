"""A reader that loses its settings in the middle of anything transmits no more before it has them again."""

from __future__ import annotations

import time
from uuid import UUID

import pytest

from drivers.contract import Command, CommandResult, Progress, Source
from drivers.errors import DeviceLost
from drivers.r200.codec import (
    GET_REGION,
    INVENTORY,
    Failure,
    FailureCode,
    HostCommand,
    LockTag,
    Notice,
    ReadBank,
    Region,
    SetPower,
    SetRegion,
    WriteBank,
)
from drivers.r200.commands import Scanner, run_command
from drivers.r200.driver import SILENT_NS, ArrowReader
from drivers.r200.opening import SetUp
from drivers.r200.programming import READ_TID
from drivers.r200.scans import ScanSession
from drivers.r200.settings import R200Settings, RegionName
from tests.drivers.r200.scripted_line import Answers, ScriptedLine, settled_reader

EPC = bytes.fromhex("e28068900000500e88c6a4a7")
OWN = (Region.EU, 1_500)


class WatchedLine(ScriptedLine):
    """A line whose reader restarts at one command of a kind, and notes the settings with which it transmits."""

    def __init__(self) -> None:
        super().__init__()
        self.region, self.centi_dbm = OWN
        self.restarts_at: HostCommand | None = None
        self.transmitted: list[tuple[Region, int]] = []
        self.tags: list[Notice] = []
        """The notices of the next inventories, one each."""

    def usual(self, command: HostCommand) -> Answers:
        if command == self.restarts_at:
            self.restarts_at = None
            self.restart()
            return []
        if command == INVENTORY or isinstance(command, ReadBank | WriteBank | LockTag):
            self.transmitted.append((self.region, self.centi_dbm))
        if command == INVENTORY and self.tags:
            return [self.tags.pop()]
        return super().usual(command)


@pytest.fixture
def line() -> WatchedLine:
    return WatchedLine()


@pytest.fixture
def scanner(line: WatchedLine) -> Scanner:
    session = ScanSession("arrow-1", Source.HARDWARE, UUID(int=1), 2.0)
    return Scanner(settled_reader(line), SetUp("arrow-1", RegionName.EU, 15.0), session)


def opened_driver() -> ArrowReader:
    driver = ArrowReader("arrow-1", R200Settings(port="/dev/null", region=RegionName.EU))
    driver._check_ns, driver._round_ns = 2**62, time.monotonic_ns()
    return driver


async def run(scanner: Scanner, name: str, **arguments: float) -> CommandResult:
    progress: list[Progress] = []
    return await run_command(Command(name, arguments), scanner, progress.append)


async def test_a_search_goes_on_with_region_and_power(line: WatchedLine, scanner: Scanner) -> None:
    line.restarts_at = INVENTORY
    assert (await run(scanner, "inspect_tag")).values["refusal"] == "no_tag"
    assert set(line.transmitted) == {OWN}
    assert scanner.is_clean


async def test_a_read_goes_on_with_region_and_power(line: WatchedLine, scanner: Scanner) -> None:
    for _ in range(6):
        line.tags.append(Notice.of(-50, 0x3000, EPC))
    line.restarts_at = READ_TID
    assert (await run(scanner, "inspect_tag")).values["refusal"] == "reader_refused", "it answers no read with words"
    assert set(line.transmitted) == {OWN}


async def test_measured_reads_are_all_at_their_power(line: WatchedLine, scanner: Scanner) -> None:
    line.restarts_at = INVENTORY
    assert (await run(scanner, "measure_reads", power_dbm=10.0, rounds=5)).ok
    assert set(line.transmitted) == {(Region.EU, 1_000)}
    assert (line.region, line.centi_dbm) == OWN


async def test_a_measurement_on_busy_channels_names_them(line: WatchedLine, scanner: Scanner) -> None:
    line.usual = lambda command: (  # type: ignore[method-assign]
        [Failure(FailureCode.CHANNELS_BUSY)] if command == INVENTORY else ScriptedLine.usual(line, command)
    )
    refused = await run(scanner, "measure_reads", power_dbm=10.0, rounds=5)
    assert "Switch other readers nearby off" in str(refused.error)


async def test_a_reader_that_was_not_made_ready_is_not_clean(line: WatchedLine, scanner: Scanner) -> None:
    line.restart()

    def deaf_to_region(command: HostCommand) -> Answers:
        return [] if command == GET_REGION or isinstance(command, SetRegion) else ScriptedLine.usual(line, command)

    line.usual = deaf_to_region  # type: ignore[method-assign]
    assert (await run(scanner, "inspect_tag")).values["refusal"] == "no_answer"
    assert line.transmitted == []
    assert not scanner.is_clean


async def test_a_plain_reader_goes_on_with_region_and_power(line: WatchedLine, scanner: Scanner) -> None:
    driver = opened_driver()
    line.restarts_at = INVENTORY
    for _ in range(3):
        await driver._turn(scanner)
    assert line.transmitted == [OWN, OWN]
    assert driver.counters()["set_up_again"] == 1


async def test_a_weak_supply_is_logged_once_and_counted(
    line: WatchedLine, scanner: Scanner, caplog: pytest.LogCaptureFixture
) -> None:
    driver = opened_driver()
    for _ in range(3):
        line.restart()
        scanner.reader.is_doubtful = True
        await driver._turn(scanner)
    assert driver.counters()["set_up_again"] == 3
    assert [record.message.count("was set up again") for record in caplog.records] == [1]


async def test_a_check_during_which_the_reader_is_silent_is_repeated(line: WatchedLine, scanner: Scanner) -> None:
    line.restarts_at = GET_REGION
    assert await scanner.set_up.ensure(scanner.reader) is False
    assert not scanner.reader.is_doubtful
    assert (line.region, line.centi_dbm) == OWN


async def test_a_reader_that_fails_every_inventory_is_lost(line: WatchedLine, scanner: Scanner) -> None:
    driver = opened_driver()
    await driver._turn(scanner)
    line.answer_next(Failure(FailureCode.CHANNELS_BUSY))
    await driver._turn(scanner)
    driver._round_ns -= SILENT_NS
    line.answer_next(Failure(FailureCode.CHANNELS_BUSY))
    with pytest.raises(DeviceLost, match="error 20: channels busy") as raised:
        await driver._turn(scanner)
    assert raised.value.hint.startswith("Switch other readers nearby off")
    assert driver.counters()["failed_inventories"] == 2


async def test_a_reader_that_restarts_in_its_set_up_gets_it_again(line: WatchedLine, scanner: Scanner) -> None:
    line.restart()
    line.restarts_at = SetPower(1_500)
    assert await scanner.set_up.ensure(scanner.reader) is False
    assert (line.region, line.centi_dbm) == OWN
