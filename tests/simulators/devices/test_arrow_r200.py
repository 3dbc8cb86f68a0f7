"""The simulated scanner byte by byte: vectors, dialects, inventories, Select, reads, torn writes, locks, sleep."""

from __future__ import annotations

import pytest

from drivers.r200 import codec as r200
from simulators.devices.arrow_r200 import Variant
from simulators.devices.contract import DeviceFault
from simulators.devices.r200.reader import ACCESS_US, BETWEEN_ROUNDS_US, MISPRINTED_SUM, WORD_US
from simulators.devices.tag_pad import DefaultTag
from simulators.world.range import FIXED_START_US
from tests.simulators.devices.r200_host import WORLD, Host, decoded, scanner

UUID = bytes.fromhex("123456789abc4def8123456789abcdef")
HOSTILE = bytes.fromhex("bb017e00aaddff7ebb7e00ddaa027eff")
NO_TAG = r200.Failure(r200.FailureCode.NO_TAG)
FAILED = r200.Failure(r200.FailureCode.WRITE_FAILED)
REFUSED = r200.Failure(r200.FailureCode.BAD_COMMAND)
NEVER = r200.SetSelectMode(r200.SelectMode.NEVER)
MEMORY = r200.ReadBank(r200.Bank.EPC, 1, 9)


def write(epc: bytes = UUID) -> r200.WriteBank:
    return r200.WriteBank(r200.Bank.EPC, 1, r200.pc_of(8).to_bytes(2, "big") + epc)


def host(*tags: str, far: tuple[str, ...] = (), variant: Variant = Variant.DESK) -> Host:
    device = scanner(variant)
    device.place(tags, far, FIXED_START_US)
    return Host(device, variant.dialect)


def notices(answers: list[r200.Answer]) -> list[r200.Notice]:
    return [answer for answer in answers if isinstance(answer, r200.Notice)]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("bb00280000287e", "bb01280001002a7e"),
        ("bb00120001 01 147e", "bb010c0001000e7e"),
        ("bb00220000227e", "bb01ff000115167e"),
        ("bb00b60002 07d0 8f7e", "bb01b6000100b87e"),
        ("bb00b70000b77e", "bb01b7000207d0917e"),
        ("bb00070001 01 097e", "bb0107000100097e"),
        ("bb00080000087e", "bb01080001010b7e"),
        ("bb00110002 00c0 d37e", ""),
        ("bb001d0001 02 207e", "bb011d000102217e"),
        ("bb00390009 00000000 01 0001 0009 4d7e", "bb01ff0001090a7e"),
        ("bb0049001b 00000000 01 0001 0009 4000 123456789abc4def8123456789abcdef 957e", "bb01ff000110117e"),
        ("bb00820007 00000000 00c030 797e", "bb01ff000113147e"),
        ("bb00650004 0000ffff 677e", "bb01ff000112137e"),
        ("bb0055000055 7e", "bb01ff000117187e"),
        ("bb00b60002 0bb8 7b7e", "bb01ff000117187e"),
        ("bb000c0003 010000 107e", "bb01ff000117187e"),
    ],
)
def test_answers_without_a_tag_are_those_of_the_manuals(command: str, answer: str) -> None:
    assert b"".join(host().exchange(bytes.fromhex(command), 100_000)) == bytes.fromhex(answer)


@pytest.mark.parametrize("variant", [Variant.DESK, Variant.DESK_AA])
@pytest.mark.parametrize("epc", [UUID, HOSTILE])
def test_programmed_tag_is_seen_in_either_dialect(variant: Variant, epc: bytes) -> None:
    reader = host(DefaultTag.BLANK, variant=variant)
    (tag,) = reader.device.placed()
    select = r200.SetSelect(r200.Select.by_tid(bytes.fromhex(tag.tid)))
    assert reader.ask(select, write(epc)) == [
        r200.Done(r200.Code.SET_SELECT),
        r200.TagDone(r200.Code.WRITE, r200.TagId(0x3000, bytes.fromhex(tag.epc))),
    ]
    assert reader.answer(MEMORY) == r200.BankData(r200.TagId(0x4000, epc), b"\x40\x00" + epc)
    (seen,) = notices(reader.ask(r200.INVENTORY))
    assert (seen.pc, seen.epc, seen.is_intact) == (0x4000, epc, True)
    assert -60 < seen.rssi_dbm < -44
    other = r200.Dialect.M100 if variant is Variant.DESK_AA else r200.Dialect.R200
    assert reader.exchange(r200.encode_command(r200.INVENTORY, other)) == []


def test_reader_has_the_source_in_its_texts() -> None:
    answers = host().ask(*(r200.GetInfo(kind) for kind in r200.InfoKind))
    assert all(isinstance(answer, r200.Info) and "simulator" in answer.text for answer in answers)
    assert len(answers) == 3


def test_tags_answer_in_random_order() -> None:
    reader = host(*3 * [DefaultTag.BLANK])
    rounds = [tuple(seen.epc for seen in notices(reader.ask(r200.INVENTORY))) for _ in range(20)]
    assert {len(set(seen)) for seen in rounds} == {3}
    assert len(set(rounds)) > 2
    again = host(*3 * [DefaultTag.BLANK])
    assert rounds == [tuple(seen.epc for seen in notices(again.ask(r200.INVENTORY))) for _ in range(20)], "by the seed"


def test_select_decides_who_answers() -> None:
    reader = host(*3 * [DefaultTag.BLANK])
    first, *_ = reader.device.placed()
    tid = bytes.fromhex(first.tid)
    assert reader.answer(r200.SetSelect(r200.Select.by_tid(tid))) == r200.Done(r200.Code.SET_SELECT)
    read = r200.ReadBank(r200.Bank.TID, 0, 6)
    assert {answer.data for _ in range(8) for answer in reader.ask(read) if isinstance(answer, r200.BankData)} == {tid}
    assert len(notices(reader.ask(r200.INVENTORY))) == 3, "all but inventories select"
    reader.ask(r200.SetSelectMode(r200.SelectMode.ALWAYS))
    assert [seen.epc.hex() for seen in notices(reader.ask(r200.INVENTORY))] == [first.epc]
    reader.ask(NEVER)
    assert len({answer.data for _ in range(20) for answer in reader.ask(read) if isinstance(answer, r200.BankData)}) > 1
    assert reader.answer(r200.GET_SELECT) == r200.SelectIs(r200.Select.by_tid(tid))
    reader.ask(r200.SetSelect(r200.Select.by_tid(bytes(12))))
    assert reader.answer(read) == r200.Failure(r200.FailureCode.READ_FAILED)


@pytest.mark.parametrize("words", range(10))
def test_tag_that_leaves_during_a_write_keeps_a_part(words: int) -> None:
    reader = host(DefaultTag.BLANK)
    tag = reader.device.pad.tags[0].tag
    reader.send(r200.encode_command(write(), reader.dialect))
    reader.wait(reader.now_us + ACCESS_US + WORD_US * words - 1)
    reader.device.place([], [], reader.now_us)
    reader.wait(reader.now_us + 100_000)
    assert decoded([frame for _, frame in reader.frames]) == [FAILED]
    epc_bytes = max(2 * words - 2, 0)
    assert tag.epc_memory[:epc_bytes] == UUID[:epc_bytes]
    assert tag.epc_memory[epc_bytes : epc_bytes + 2] != UUID[epc_bytes : epc_bytes + 2] or words == 9
    assert tag.pc >> 11 == (8 if words else 6)


def test_write_is_as_long_as_its_words() -> None:
    reader = host(DefaultTag.BLANK)
    since_us = reader.now_us
    reader.send(r200.encode_command(write(), reader.dialect))
    reader.wait(since_us + 1_000_000)
    ((at_us, _),) = reader.frames
    assert at_us - since_us == ACCESS_US + 9 * WORD_US


@pytest.mark.parametrize(
    ("tag", "code"),
    [(DefaultTag.PERMALOCKED, 0xB4), (DefaultTag.PASSWORD, 0xB4), (DefaultTag.SMALL, 0xB3)],
)
def test_tag_that_refuses_keeps_its_memory(tag: DefaultTag, code: int) -> None:
    reader = host(tag)
    before = reader.device.placed()
    answer = reader.answer(write())
    assert isinstance(answer, r200.Failure)
    assert (answer.error, answer.tag) == (code, r200.TagId(0x3000, bytes.fromhex(before[0].epc)))
    assert reader.device.placed() == before


def test_lock_for_ever_is_proved_by_a_second_write() -> None:
    reader = host(DefaultTag.BLANK)
    done, locked = reader.ask(write(), r200.LockTag(r200.EPC_PERMALOCK))
    assert (type(done), type(locked)) == (r200.TagDone, r200.TagDone)
    (answer,) = reader.ask(write(HOSTILE))
    assert isinstance(answer, r200.Failure)
    assert answer.error == 0xB4
    (state,) = reader.device.placed()
    assert (state.epc, state.locks) == (UUID.hex(), "epc forever")
    unlock = reader.answer(r200.LockTag(0x00C000))
    assert isinstance(unlock, r200.Failure)
    assert unlock.error == 0xC4
    rfu = reader.answer(r200.ReadBank(r200.Bank.RESERVED, 2, 2))
    assert isinstance(rfu, r200.BankData)
    assert rfu.data == bytes(4)


def test_passwords_have_errors_of_their_own() -> None:
    reader = host(DefaultTag.PASSWORD)
    (state,) = reader.device.placed()
    tag_id = r200.TagId(0x3000, bytes.fromhex(state.epc))
    wrong = reader.answer(r200.ReadBank(r200.Bank.EPC, 1, 9, 0xFFFF))
    assert wrong == r200.Failure(r200.FailureCode.ACCESS_DENIED, tag_id)
    hidden = reader.answer(r200.ReadBank(r200.Bank.RESERVED, 2, 2))
    assert hidden == r200.Failure.of_tag(r200.TagOperation.READ, r200.TagError.LOCKED, tag_id)
    kill = reader.answer(r200.KillTag(0xFFFF))
    assert kill == r200.Failure(r200.FailureCode.KILL_FAILED, tag_id)


def test_select_with_another_action_reaches_another_tag() -> None:
    reader = host(*2 * [DefaultTag.BLANK])
    first, second = (bytes.fromhex(tag.tid) for tag in reader.device.placed())
    reader.ask(r200.SetSelect(r200.Select(r200.Bank.TID, 0, 96, first, action=4)))
    read = r200.ReadBank(r200.Bank.TID, 0, 6)
    assert {answer.data for _ in range(8) for answer in reader.ask(read) if isinstance(answer, r200.BankData)} == {
        second
    }


def test_power_decides_which_tags_are_heard() -> None:
    reader = host(DefaultTag.BLANK, far=(DefaultTag.PROGRAMMED,))
    seen = {}
    for dbm in range(8, 27):
        reader.ask(r200.SetPower(100 * dbm))
        rounds = [notices(reader.ask(r200.INVENTORY)) for _ in range(100)]
        far = [one.epc for found in rounds for one in found].count(WORLD.lane(1).arrows[0].id.bytes)
        seen[dbm] = sum(map(len, rounds)) - far, far
    assert all(pad >= 95 for dbm, (pad, _) in seen.items() if dbm >= 12)
    assert all(pad < 95 for dbm, (pad, _) in seen.items() if dbm <= 11)
    assert all(far == 0 for dbm, (_, far) in seen.items() if dbm <= 17)
    assert all(far > 5 for dbm, (_, far) in seen.items() if dbm >= 20)


def test_a_write_needs_more_power_than_an_inventory() -> None:
    reader = host(far=(DefaultTag.PROGRAMMED,))
    reader.ask(r200.SetPower(2_280))
    answers = [reader.answer(write()) for _ in range(10)]
    assert 0xBB in {answer.error for answer in answers if isinstance(answer, r200.Failure)}
    assert reader.device.placed()[0].epc == WORLD.lane(1).arrows[0].tag


def test_rounds_run_until_their_count_or_a_stop() -> None:
    reader = host(DefaultTag.BLANK)
    assert len(notices(reader.ask(r200.MultiInventory(5)))) == 5
    reader.send(r200.encode_command(r200.MultiInventory(10_000), reader.dialect))
    reader.wait(reader.now_us + 500_000)
    assert len(reader.frames) > 10
    reader.frames.clear()
    answers = reader.ask(r200.INVENTORY, r200.STOP)
    assert [answer for answer in answers if not isinstance(answer, r200.Notice)] == [REFUSED, r200.Done(r200.Code.STOP)]
    assert reader.device.next_due_us() > reader.now_us + 10**12, "a reader at rest has no work"
    reader.send(r200.encode_command(r200.MultiInventory(10_000), reader.dialect))
    reader.now_us += 1_000 * BETWEEN_ROUNDS_US
    assert len(reader.device.poll(reader.now_us)) < 3, "rounds of a time in which the process stood still"


def test_first_byte_after_sleep_is_lost_with_the_settings() -> None:
    reader = host()
    reader.ask(r200.SetRegion(r200.Region.EU), r200.SetPower(1_500), r200.SLEEP)
    assert reader.ask(r200.GET_POWER) == []
    assert reader.ask(r200.GET_POWER, r200.GET_REGION) == [r200.PowerIs(2_000), r200.RegionIs(r200.Region.CN900)]
    reader.ask(r200.SetPower(1_500), r200.SetIdleSleep(1))
    reader.wait(reader.now_us + 50_000_000)
    assert reader.answer(r200.GET_POWER) == r200.PowerIs(1_500)
    reader.wait(reader.now_us + 61_000_000)
    assert reader.exchange(b"\0" + r200.encode_command(r200.GET_POWER, reader.dialect)) != []
    assert reader.answer(r200.GET_POWER) == r200.PowerIs(2_000)


def test_wrong_sum_has_no_effect() -> None:
    reader = host()
    wrong = bytes.fromhex("bb00b6000205dc987e")
    answers = {tuple(decoded(reader.exchange(wrong))) for _ in range(20)}
    assert answers == {(), (REFUSED,)}
    assert reader.answer(r200.GET_POWER) == r200.PowerIs(2_000)
    reader.send(wrong[:5])
    reader.wait(reader.now_us + 100_000)
    assert reader.answer(r200.GET_POWER) == r200.PowerIs(2_000), "a cut frame withholds no later one"


def test_commands_are_answered_in_order_and_bounded() -> None:
    reader = host(DefaultTag.BLANK)
    answers = reader.ask(r200.GET_POWER, MEMORY, r200.GET_REGION, write(), r200.INVENTORY)
    assert [type(answer) for answer in answers] == [
        r200.PowerIs, r200.BankData, r200.RegionIs, r200.TagDone, r200.Notice,
    ]  # fmt: skip
    assert len(reader.ask(*40 * [r200.GET_POWER])) == 16
    assert reader.device.faults_counted() == {"overflow": 24}


def test_late_answers_queue_up_in_order() -> None:
    reader = host(DefaultTag.BLANK)
    reader.device.cause_faults({DeviceFault.LATE: 1.0}, 5)
    reader.send(r200.encode_command(write(), reader.dialect))
    reader.wait(reader.now_us + 500_000)
    assert reader.frames == []
    assert reader.device.placed()[0].epc == UUID.hex(), "the tag is written in time"
    first, second = reader.ask(r200.GET_POWER)
    assert (type(first), type(second)) == (r200.TagDone, r200.PowerIs)


def test_tag_that_leaves_for_a_moment_tears_writes() -> None:
    reader = host(DefaultTag.BLANK)
    reader.device.cause_faults({DeviceFault.LEAVE: 0.5}, 5)
    torn = 0
    for number in range(40):
        epc = bytes([number]) * 16
        before = reader.device.placed()[0].memory
        (answer,) = reader.ask(write(epc))
        memory = reader.device.placed()[0].memory
        torn += memory not in (before, epc.hex())
        assert answer == FAILED or memory == epc.hex()
    assert torn > 3
    assert reader.device.faults_counted()[DeviceFault.LEAVE] > 10


def test_damaged_frames_are_as_the_faults_say() -> None:
    reader = host()
    reader.device.cause_faults({DeviceFault.MISSUM: 1.0}, 5)
    (frame,) = reader.exchange(r200.encode_command(write(), reader.dialect))
    assert frame == bytes.fromhex("bb01ff0001100a7e")
    assert frame[-2] == MISPRINTED_SUM
    assert reader.answer(MEMORY) == r200.Failure(r200.FailureCode.READ_FAILED)
    assert reader.device.faults_counted() == {DeviceFault.MISSUM: 1}, "the sum of error 09 is the misprinted one"
    reader.device.place([DefaultTag.PROGRAMMED], [], reader.now_us)
    reader.device.cause_faults({DeviceFault.MISCRC: 1.0}, 5)
    (seen,) = notices(reader.ask(r200.INVENTORY))
    assert not seen.is_intact
    reader.device.cause_faults({DeviceFault.GARBAGE: 1.0}, 5)
    (frame,) = reader.exchange(r200.encode_command(r200.GET_POWER, reader.dialect))
    assert frame.endswith(bytes.fromhex("bb01b7000207d0917e"))
    assert len(frame) > 9


def test_reset_reader_forgets_what_runs() -> None:
    reader = host(DefaultTag.BLANK)
    reader.ask(r200.SetPower(1_500))
    reader.send(r200.encode_command(write(), reader.dialect))
    reader.wait(reader.now_us + ACCESS_US + 3 * WORD_US)
    assert reader.device.may_reboot(reader.now_us, 100_000)
    reader.device.reboot(reader.now_us, 100_000)
    assert reader.ask(r200.GET_POWER) == [], "blind"
    assert reader.answer(r200.GET_POWER) == r200.PowerIs(2_000)
    assert reader.device.placed()[0].memory.startswith(UUID.hex()[:8])
    assert reader.device.hurting_texts(1, reader.now_us) == []
