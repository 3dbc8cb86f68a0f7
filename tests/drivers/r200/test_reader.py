"""Exchanges with a reader: no answer of an earlier command is taken for that of a later one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from drivers.errors import DeviceUnavailable, ProtocolError
from drivers.r200.codec import (
    EPC_PERMALOCK,
    GET_POWER,
    INVENTORY,
    STOP,
    Answer,
    Bank,
    BankData,
    Code,
    Done,
    Failure,
    FailureCode,
    GetInfo,
    HostCommand,
    Info,
    InfoKind,
    LockTag,
    MultiInventory,
    Notice,
    PowerIs,
    ReadBank,
    SelectMode,
    SetPower,
    SetSelectMode,
    TagDone,
    TagId,
    WriteBank,
)
from drivers.r200.opening import NEVER, SetUp
from drivers.r200.reader import BARRIERS, Reader
from drivers.r200.scans import Round
from drivers.r200.settings import RegionName
from tests.drivers.r200.scripted_line import NO_TAG, ScriptedLine, settled_reader

UUID = bytes.fromhex("123456789abc4def8123456789abcdef")
OTHER = bytes.fromhex("e28068900000500e88c6a4a7")
SEEN = Notice.of(-55, 0x4000, UUID)
SEEN_OTHER = Notice.of(-60, 0x3000, OTHER)
READ_TID = ReadBank(Bank.TID, 0, 6)
LOCK = LockTag(EPC_PERMALOCK)
WRITE = WriteBank(Bank.EPC, 1, b"\x40\x00" + UUID)


@pytest.fixture
def line() -> ScriptedLine:
    return ScriptedLine()


@pytest.fixture
async def reader(line: ScriptedLine) -> Reader:
    reader = settled_reader(line)
    assert await reader.ask(GET_POWER) == PowerIs(2000)
    line.sent.clear()
    return reader


def tags_of(found: Round | Failure | None) -> list[bytes]:
    assert isinstance(found, Round)
    return [read.notice.epc for read in found.reads]


async def test_a_late_answer_is_not_that_of_the_next_command(line: ScriptedLine, reader: Reader) -> None:
    line.answer_next()
    assert await reader.ask(GET_POWER) is None
    line.arrive(PowerIs(1))

    assert await reader.ask(GET_POWER) == PowerIs(2000)
    assert [command.code for command in line.sent] == [Code.GET_POWER, Code.GET_INFO, Code.GET_POWER]
    assert (reader.counters["late_replies"], reader.counters["timeouts"]) == (1, 1)


async def test_an_answer_before_that_of_the_barrier_is_dropped(line: ScriptedLine, reader: Reader) -> None:
    def late(command: HostCommand) -> Iterable[Answer]:
        assert isinstance(command, GetInfo)
        return [TagDone(Code.WRITE, TagId(0x4000, UUID)), Info(command.kind, "text")]

    line.answer_next()
    line.scripts.append(late)
    line.answer_next(Failure(0xB4, TagId(0x4000, UUID)))

    assert await reader.ask(WRITE) is None
    assert await reader.ask(WRITE) == Failure(0xB4, TagId(0x4000, UUID))
    assert reader.counters["late_replies"] == 1


async def test_the_answer_of_an_earlier_barrier_is_no_barrier(line: ScriptedLine, reader: Reader) -> None:
    def by_kind(command: HostCommand) -> Iterable[Answer]:
        assert isinstance(command, GetInfo)
        kind = InfoKind.SOFTWARE if command.kind is InfoKind.HARDWARE else InfoKind.HARDWARE
        return [Info(kind, "of the one before"), PowerIs(1), Info(command.kind, "text")]

    line.answer_next()
    line.scripts.append(by_kind)
    await reader.ask(GET_POWER)

    assert await reader.ask(GET_POWER) == PowerIs(2000)
    assert reader.counters["late_replies"] == 2


async def test_each_attempt_of_a_barrier_has_another_kind(line: ScriptedLine, reader: Reader) -> None:
    kinds: list[InfoKind] = []

    def silent(command: HostCommand) -> Iterable[Answer]:
        kinds.extend([command.kind] if isinstance(command, GetInfo) else [])
        return []

    def late(command: HostCommand) -> Iterable[Answer]:
        assert isinstance(command, GetInfo)
        return [*(Info(kind, "late") for kind in kinds), PowerIs(1), Info(command.kind, "text")]

    line.scripts.extend([silent] * 4 + [silent, late])
    assert await reader.ask(GET_POWER) is None
    assert await reader.ask(GET_POWER) == PowerIs(2000)
    assert len(kinds) == 2


async def test_the_second_answer_to_a_doubled_read_is_dropped(line: ScriptedLine, reader: Reader) -> None:
    first, second = (BankData(TagId(0x4000, UUID), bytes(11) + last) for last in (b"1", b"2"))

    def doubled(command: HostCommand) -> Iterable[Answer]:
        return [first, Info(command.kind, "text") if isinstance(command, GetInfo) else second]

    line.answer_next(first)
    line.scripts.append(doubled)
    line.answer_next(second)
    assert await reader.ask(READ_TID) == first
    assert await reader.ask(READ_TID) == second


async def test_what_arrived_after_an_answer_is_dropped(line: ScriptedLine, reader: Reader) -> None:
    line.arrive(PowerIs(1), b"\xbb\x01\xb7")

    assert await reader.ask(GET_POWER) == PowerIs(2000)
    assert reader.counters["late_replies"] == 1
    assert line.sent == [GET_POWER]


async def test_a_reader_that_answers_no_barrier_gets_no_command(line: ScriptedLine, reader: Reader) -> None:
    line.answer_next()
    await reader.ask(GET_POWER)
    line.sent.clear()
    for _ in range(2 * BARRIERS - 1):
        line.answer_next()

    assert await reader.ask(WRITE) is None
    assert WRITE not in line.sent
    assert STOP in line.sent, "rounds of another program are stopped"
    assert await reader.ask(GET_POWER) == PowerIs(2000)


@pytest.mark.parametrize(
    ("command", "wrong", "right"),
    [
        (READ_TID, BankData(TagId(0x4000, UUID), bytes(18)), BankData(TagId(0x4000, UUID), bytes(12))),
        (READ_TID, NO_TAG, Failure(FailureCode.READ_FAILED)),
        (READ_TID, Failure(0xB4, TagId(0x4000, UUID)), Failure(0xA4, TagId(0x4000, UUID))),
        (READ_TID, Failure(FailureCode.WRITE_FAILED), Failure(FailureCode.CHANNELS_BUSY)),
        (WRITE, Failure(FailureCode.READ_FAILED), Failure(FailureCode.ACCESS_DENIED)),
        (LOCK, Failure(0xB4, TagId(0x4000, UUID)), Failure(0xC4, TagId(0x4000, UUID))),
        (SetPower(1500), Failure(0xD0, TagId(0x4000, UUID)), Failure(0x99)),
        (SetPower(1500), Failure(FailureCode.LOCK_FAILED), Failure(FailureCode.BAD_COMMAND)),
        (GET_POWER, SEEN, PowerIs(1500)),
        (GET_POWER, Info(InfoKind.MAKER, "text"), PowerIs(1500)),
        (GetInfo(InfoKind.MAKER), Info(InfoKind.HARDWARE, "hw"), Info(InfoKind.MAKER, "maker")),
        (WRITE, Done(Code.SET_SELECT), TagDone(Code.WRITE, TagId(0x4000, UUID))),
        (SetPower(1500), Done(Code.SET_REGION), Done(Code.SET_POWER)),
        (NEVER, Done(Code.SET_POWER), Done(Code.SET_SELECT_MODE)),
        (SetSelectMode(SelectMode.ALWAYS), PowerIs(1), Done(Code.SET_SELECT)),
    ],
)
async def test_only_a_fitting_answer_is_taken(
    line: ScriptedLine, reader: Reader, command: HostCommand, wrong: Answer, right: Answer
) -> None:
    line.answer_next(wrong, right)

    assert await reader.ask(command) == right
    assert reader.counters["unexpected"] == 1


async def test_a_command_that_noise_changed_is_repeated(line: ScriptedLine, reader: Reader) -> None:
    line.answer_next(Failure(FailureCode.BAD_COMMAND))
    line.answer_next(b"\xbb\x01\xb6\x00\x01\x00\xff\x7e")

    assert await reader.repeat(SetPower(1500)) == Done(Code.SET_POWER)
    assert line.sent.count(SetPower(1500)) == 3


async def test_a_frame_behind_a_damaged_length_is_found(line: ScriptedLine, reader: Reader) -> None:
    line.answer_next(bytes.fromhex("BB 01 B7 00 40 07"), PowerIs(1500))

    assert await reader.ask(GET_POWER) == PowerIs(1500)
    assert reader.count()["cut"] == 1


async def test_an_inventory_ends_by_silence(line: ScriptedLine, reader: Reader) -> None:
    line.answer_next(SEEN, Notice(-55, 0x4000, UUID, 0x1234), SEEN_OTHER)

    assert tags_of(await reader.inventory()) == [UUID, OTHER]
    assert reader.counters["wrong_tag_crc"] == 1
    assert line.sent == [INVENTORY]


async def test_no_tag_is_no_error(line: ScriptedLine, reader: Reader) -> None:
    assert tags_of(await reader.inventory()) == []
    assert tags_of(await reader.inventory(is_exact=True)) == []
    assert line.sent == [INVENTORY, INVENTORY]


async def test_an_exact_inventory_takes_late_notices(line: ScriptedLine, reader: Reader) -> None:
    def late(command: HostCommand) -> Iterable[Answer]:
        assert isinstance(command, GetInfo)
        return [SEEN_OTHER, Info(command.kind, "text")]

    line.answer_next(SEEN)
    line.scripts.append(late)

    assert tags_of(await reader.inventory(is_exact=True)) == [UUID, OTHER]
    assert await reader.ask(GET_POWER) == PowerIs(2000)


async def test_late_notices_are_reads_of_the_plain_reader(line: ScriptedLine, reader: Reader) -> None:
    line.answer_next(SEEN)
    before = await reader.inventory()
    line.arrive(SEEN_OTHER)
    found = await reader.inventory()

    assert (tags_of(before), tags_of(found)) == ([UUID], [OTHER])
    assert isinstance(before, Round)
    assert isinstance(found, Round)
    line.answer_next()
    assert await reader.ask(GET_POWER) is None
    line.arrive(SEEN)
    assert await reader.ask(GET_POWER) == PowerIs(2000)
    assert tags_of(await reader.inventory()) == [UUID], "also during another exchange"
    [late] = found.reads
    assert before.sent_ns < late.at_ns < found.sent_ns
    assert late.latency_ns == late.at_ns - before.sent_ns


async def test_a_failed_or_unanswered_inventory_shows_no_tags(line: ScriptedLine, reader: Reader) -> None:
    line.answer_next(Failure(FailureCode.CHANNELS_BUSY))
    assert await reader.inventory() == Failure(FailureCode.CHANNELS_BUSY)
    line.answer_next(PowerIs(1))
    assert await reader.inventory() is None
    assert (reader.counters["timeouts"], reader.counters["unexpected"]) == (1, 1)


async def test_several_rounds_end_with_a_stop(line: ScriptedLine, reader: Reader) -> None:
    line.answer_next(NO_TAG, SEEN, NO_TAG)
    line.answer_next(SEEN_OTHER, Done(Code.STOP))

    assert tags_of(await reader.inventory(5)) == [UUID, OTHER]
    assert line.sent == [MultiInventory(5), STOP]
    line.answer_next(SEEN)
    for _ in range(3):
        line.answer_next()
    assert await reader.inventory(5) is None


async def test_a_reader_is_set_up_and_read_back(line: ScriptedLine, reader: Reader) -> None:
    set_up = SetUp("arrow-1", RegionName.EU, 15.0)
    line.maker = "Maker simulator"

    assert (await set_up.texts(reader)).source == "simulator"
    assert not await set_up.is_kept(reader)
    await set_up.send(reader)
    assert await set_up.is_kept(reader)
    assert (line.region, line.centi_dbm) == (RegionName.EU.region, 1500)
    assert NEVER in line.sent


async def test_a_reader_that_refuses_its_set_up_is_named(line: ScriptedLine, reader: Reader) -> None:
    set_up = SetUp("arrow-1", RegionName.EU, 15.0)
    refused = Failure(FailureCode.BAD_COMMAND)
    for answers in ((Done(Code.STOP),), (Done(Code.SET_SELECT),), (refused,), (refused,), (refused,)):
        line.answer_next(*answers)
    with pytest.raises(ProtocolError, match="refused command 07"):
        await set_up.send(reader)

    line.answer_next(Done(Code.STOP))
    line.answer_next(Done(Code.SET_SELECT))
    line.answer_next(Done(Code.SET_REGION))
    with pytest.raises(ProtocolError, match="did not keep region eu and power 15 dBm"):
        await set_up.send(reader)

    line.scripts.extend([lambda _: []] * 20)
    with pytest.raises(DeviceUnavailable, match="did not answer command 28"):
        await set_up.send(reader)
