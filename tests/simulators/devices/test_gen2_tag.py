"""A simulated Gen2 tag: the PC's length, torn writes, masks, capacity, locks and passwords."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.r200.codec import Bank, TagError, pc_of
from simulators.devices.gen2_tag import Gen2Tag, Lock, LockField, TagRefused, WrongPassword, words_of
from tests.simulators.devices.tag_work import lock_payload, write

TID = bytes.fromhex("e2806890200012345678abcd")
FACTORY = bytes.fromhex("30751feb705c5904e3d50d70")
UUID = bytes.fromhex("123456789abc4def8123456789abcdef")
PASSWORD = 0xA1B2C3D4
PROGRAM = [pc_of(8), *words_of(UUID)]
PERMALOCK_EPC, PASSWORD_LOCK_ACCESS = 0x00C030, 0x020080
"""Payloads of the reader's manual."""


def tag(epc_capacity: int = 8, user_words: int = 0, access_password: int = 0) -> Gen2Tag:
    made = Gen2Tag(TID, epc_capacity, user_words, access_password)
    made.program(FACTORY)
    return made


def refusal(command: Callable[[], object]) -> TagError:
    with pytest.raises(TagRefused) as refused:
        command()
    return refused.value.code


def test_inventory_shows_as_much_as_the_pc_states() -> None:
    blank = tag()
    assert (blank.pc, blank.epc, blank.epc_memory) == (0x3000, FACTORY, FACTORY + bytes(4))
    write(blank, Bank.EPC, 2, words_of(UUID))
    assert blank.epc == UUID[:12], "the length is still that of the factory"
    write(blank, Bank.EPC, 1, PROGRAM)
    assert (blank.pc, blank.epc, blank.crc) == (0x4000, UUID, 0x925C)
    assert blank.read(Bank.EPC, 0, 10) == [0x925C, *PROGRAM]


def test_tag_with_user_memory_says_so_in_its_pc() -> None:
    made = tag(user_words=2)
    write(made, Bank.EPC, 1, PROGRAM)
    assert (made.pc, made.epc) == (0x4400, UUID)
    write(made, Bank.USER, 0, [0x1234, 0x5678])
    assert made.read(Bank.USER, 0, 2) == [0x1234, 0x5678]


def test_crc_is_that_of_the_manuals() -> None:
    made = tag()
    write(made, Bank.EPC, 1, [0x3400])
    assert made.crc == 0x3A76


@pytest.mark.parametrize("words", range(10))
def test_torn_write_leaves_the_rest_as_it_was(words: int) -> None:
    torn = tag()
    write(torn, Bank.EPC, 1, PROGRAM[:words])
    before = [pc_of(6), *words_of(FACTORY), 0, 0]
    assert torn.read(Bank.EPC, 1, 9) == [*PROGRAM[:words], *before[words:]]
    write(torn, Bank.EPC, 1, PROGRAM)
    assert torn.epc == UUID


def test_small_tag_refuses_the_length_and_keeps_its_memory() -> None:
    small = tag(epc_capacity=6)
    assert refusal(lambda: write(small, Bank.EPC, 1, PROGRAM)) is TagError.OVERRUN
    assert (small.pc, small.epc) == (0x3000, FACTORY)
    assert refusal(lambda: small.read(Bank.EPC, 1, 9)) is TagError.OVERRUN
    assert refusal(lambda: small.read(Bank.USER, 0, 1)) is TagError.OVERRUN
    assert refusal(lambda: write(small, Bank.EPC, 8, [0])) is TagError.OVERRUN


def test_mask_is_compared_bit_by_bit() -> None:
    made = tag()
    assert made.matches(Bank.TID, 0, 96, TID)
    assert made.matches(Bank.EPC, 0x20, 96, FACTORY)
    assert made.matches(Bank.EPC, 0x10, 5, b"\x30"), "the length in the PC"
    assert made.matches(Bank.TID, 3, 5, bytes([0b00010_111])), "bits behind the mask do not count"
    assert not made.matches(Bank.TID, 3, 6, bytes([0b00010_000]))
    assert made.matches(Bank.TID, 4, 0, b"")
    assert not made.matches(Bank.TID, 90, 8, b"\x34"), "beyond the end"
    assert not made.matches(Bank.TID, 0, 9, b"\xe2"), "a mask that is too short"
    assert not made.matches(Bank.RESERVED, 0, 4, b"\x00")
    assert not made.matches(7, 0, 0, b"")


def test_factory_memory_is_never_written() -> None:
    made = tag()
    assert refusal(lambda: write(made, Bank.TID, 0, [0])) is TagError.LOCKED
    assert refusal(lambda: write(made, Bank.EPC, 0, [0])) is TagError.LOCKED
    assert made.read(Bank.TID, 0, 6) == words_of(TID)


def test_permalock_is_for_ever() -> None:
    made = tag()
    made.lock(PERMALOCK_EPC)
    assert made.locks[LockField.EPC] is Lock.FOREVER
    assert lock_payload((LockField.EPC, Lock.FOREVER)) == PERMALOCK_EPC
    assert refusal(lambda: write(made, Bank.EPC, 1, PROGRAM)) is TagError.LOCKED
    assert made.epc == FACTORY
    unlock = lock_payload((LockField.EPC, Lock.OPEN), (LockField.USER, Lock.PASSWORD))
    assert refusal(lambda: made.lock(unlock)) is TagError.LOCKED
    assert made.locks[LockField.USER] is Lock.OPEN, "no lock of a refused command changes"
    made.lock(PERMALOCK_EPC)
    assert made.read(Bank.RESERVED, 2, 2) == [0, 0], "the password of a tag that is locked for ever stays readable"


def test_tag_that_stays_open_for_ever_is_never_locked() -> None:
    made = tag()
    made.lock(lock_payload((LockField.EPC, Lock.OPEN_FOREVER)))
    assert refusal(lambda: made.lock(PERMALOCK_EPC)) is TagError.LOCKED
    write(made, Bank.EPC, 1, PROGRAM)


def test_password_opens_what_it_locked() -> None:
    made = tag(access_password=PASSWORD)
    assert refusal(lambda: made.lock(PERMALOCK_EPC)) is TagError.LOCKED
    made.lock(PASSWORD_LOCK_ACCESS | lock_payload((LockField.EPC, Lock.PASSWORD)), PASSWORD)
    assert made.locks[LockField.ACCESS] is Lock.PASSWORD
    assert refusal(lambda: write(made, Bank.EPC, 1, PROGRAM)) is TagError.LOCKED
    assert refusal(lambda: made.read(Bank.RESERVED, 2, 2)) is TagError.LOCKED
    assert made.read(Bank.RESERVED, 2, 2, PASSWORD) == [0xA1B2, 0xC3D4]
    with pytest.raises(WrongPassword):
        made.read(Bank.EPC, 1, 1, PASSWORD + 1)
    write(made, Bank.EPC, 1, PROGRAM, PASSWORD)
    assert made.epc == UUID


def test_passwords_are_words_of_the_first_bank() -> None:
    made = tag()
    write(made, Bank.RESERVED, 2, [0xA1B2, 0xC3D4])
    assert made.access_password == PASSWORD
    assert refusal(lambda: write(made, Bank.RESERVED, 4, [0])) is TagError.OVERRUN
    made.lock(lock_payload((LockField.ACCESS, Lock.FOREVER)), PASSWORD)
    assert refusal(lambda: made.read(Bank.RESERVED, 2, 2, PASSWORD)) is TagError.LOCKED
    assert made.read(Bank.RESERVED, 0, 2) == [0, 0]


def test_only_the_kill_password_kills() -> None:
    made = tag()
    with pytest.raises(WrongPassword):
        made.kill(0)
    write(made, Bank.RESERVED, 0, [0, 7])
    with pytest.raises(WrongPassword):
        made.kill(8)
    assert not made.is_killed
    made.kill(7)
    assert made.is_killed
