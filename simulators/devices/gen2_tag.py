"""One simulated EPC Gen2 tag: its four banks, passwords and locks. Pure: commands in, words or a refusal out.

Memory is in words of 16 bits. The EPC bank is CRC, PC (protocol control), then the EPC; the five upper bits of the PC are the
number of EPC words that an inventory shows. Sections of the Gen2 standard: 6.3.2.1 memory, 6.3.2.12.3 access commands.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from drivers.r200.codec import Bank, TagError, pc_of
from drivers.r200.codec import words_of as epc_words

CRC, PC, EPC = 0, 1, 2
"""Words of the EPC bank: CRC and PC, and the first of the EPC."""
UMI: Final = 0x0400
"""Bit of the PC that a tag with user memory sets itself."""
_PASSWORD_WORDS: Final = 2


class LockField(IntEnum):
    """A part of the memory with lock bits of its own, in the order of the Lock command's payload."""

    KILL = 0
    ACCESS = 1
    EPC = 2
    TID = 3
    USER = 4


class Lock(IntEnum):
    """State of a lock: the bits pwd-write and permalock. A lock with the permalock bit never changes again."""

    OPEN = 0b00
    OPEN_FOREVER = 0b01
    PASSWORD = 0b10
    """Writing needs the access password; so does reading a password."""
    FOREVER = 0b11
    """Never writable again; a password is not readable either."""


_PERMALOCK: Final = 0b01
_FIELDS: Final = len(LockField)
_LOCK_OF: Final = {Bank.EPC: LockField.EPC, Bank.TID: LockField.TID, Bank.USER: LockField.USER}


class TagRefused(Exception):
    """The tag answered a command with an error code."""

    def __init__(self, code: TagError) -> None:
        super().__init__(code.name)
        self.code = code


class WrongPassword(Exception):
    """The tag did not answer to an access or kill password."""


def words_of(data: bytes) -> list[int]:
    """Return bytes as words, the upper byte of each first."""
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def bytes_of(words: Sequence[int]) -> bytes:
    """Return words as bytes, the upper byte of each first."""
    return b"".join(word.to_bytes(2, "big") for word in words)


@dataclass(slots=True, eq=False)
class Gen2Tag:
    """One tag. Equal content does not make two tags the same."""

    tid: bytes
    """TID as it is read, 12 bytes with a serial number."""
    epc_capacity: int = 8
    """Largest EPC in words: 8 for 128 bits."""
    user_words: int = 0
    access_password: int = 0
    """Zero: every command counts as one with the password."""
    kill_password: int = 0
    locks: dict[LockField, Lock] = field(default_factory=lambda: dict.fromkeys(LockField, Lock.OPEN))
    is_killed: bool = False
    _banks: dict[Bank, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.locks[LockField.TID] = Lock.FOREVER
        passwords = self.kill_password.to_bytes(4, "big") + self.access_password.to_bytes(4, "big")
        self._banks = {
            Bank.RESERVED: words_of(passwords),
            Bank.EPC: [0] * (EPC + self.epc_capacity),
            Bank.TID: words_of(self.tid),
            Bank.USER: [0] * self.user_words,
        }

    @property
    def pc(self) -> int:
        """The PC as the tag sends it."""
        return self._banks[Bank.EPC][PC] | (UMI if self.user_words else 0)

    @property
    def epc(self) -> bytes:
        """The EPC as an inventory shows it: as long as the PC states."""
        return bytes_of(self._banks[Bank.EPC][EPC : EPC + epc_words(self.pc)])

    @property
    def crc(self) -> int:
        """The tag's own CRC over PC and EPC (CRC-16/GENIBUS)."""
        return crc_hqx(self.pc.to_bytes(2, "big") + self.epc, 0xFFFF) ^ 0xFFFF

    @property
    def epc_memory(self) -> bytes:
        """The whole memory of the EPC, whatever the PC states."""
        return bytes_of(self._banks[Bank.EPC][EPC:])

    def program(self, epc: bytes) -> None:
        """Set PC and EPC, and clear the rest of the memory, as a factory does."""
        words = words_of(epc)
        rest = self.epc_capacity - len(words)
        self._banks[Bank.EPC] = [0, pc_of(len(words)), *words, *([0] * rest)]

    def matches(self, bank: int, pointer: int, bits: int, mask: bytes) -> bool:
        """Whether ``bits`` bits of ``mask`` equal the bank's from bit ``pointer`` on. Memory that does not exist differs."""
        if bank == Bank.RESERVED or bank not in self._banks:
            return False
        memory = bytes_of(self._shown(Bank(bank)))
        end, length = pointer + bits, 8 * len(memory)
        if end > length or bits > 8 * len(mask):
            return False
        part = int.from_bytes(memory, "big") >> (length - end) & ((1 << bits) - 1)
        return part == int.from_bytes(mask, "big") >> (8 * len(mask) - bits)

    def read(self, bank: Bank, start: int, count: int, password: int = 0) -> list[int]:
        """Return words of a bank. Raises TagRefused, and WrongPassword."""
        is_secured = self._is_secured(password)
        words = self._shown(bank)
        if not 0 < count <= len(words) - start:
            raise TagRefused(TagError.OVERRUN)
        if bank is Bank.RESERVED:
            for address in range(start, start + count):
                lock = self.locks[_password_of(address)]
                if lock is Lock.FOREVER or (lock is Lock.PASSWORD and not is_secured):
                    raise TagRefused(TagError.LOCKED)
        return words[start : start + count]

    def write_word(self, bank: Bank, address: int, word: int, password: int = 0) -> None:
        """Write one word, as the radio does: a command with several words is not atomic. Raises TagRefused, and WrongPassword."""
        is_secured = self._is_secured(password)
        if not 0 <= address < len(self._banks[bank]):
            raise TagRefused(TagError.OVERRUN)
        lock = self.locks[_password_of(address) if bank is Bank.RESERVED else _LOCK_OF[bank]]
        is_crc = bank is Bank.EPC and address == CRC
        if is_crc or lock is Lock.FOREVER or (lock is Lock.PASSWORD and not is_secured):
            raise TagRefused(TagError.LOCKED)
        if bank is Bank.EPC and address == PC and epc_words(word) > self.epc_capacity:
            raise TagRefused(TagError.OVERRUN)
        self._banks[bank][address] = word
        if bank is Bank.RESERVED:
            passwords = bytes_of(self._banks[bank])
            self.kill_password, self.access_password = (int.from_bytes(passwords[at : at + 4], "big") for at in (0, 4))

    def lock(self, payload: int, password: int = 0) -> None:
        """Set lock bits: ten bits mask, ten bits action; bits outside the mask stay.

        Raises WrongPassword, and TagRefused without the tag's password or for a change of a permanent lock; then no lock changes.
        """
        if not self._is_secured(password):
            raise TagRefused(TagError.LOCKED)
        mask, action = payload >> 2 * _FIELDS, payload & (1 << 2 * _FIELDS) - 1
        changed = dict(self.locks)
        for place, now in self.locks.items():
            shift = 2 * (_FIELDS - 1 - place)
            own = mask >> shift & 0b11
            changed[place] = Lock(now & ~own | action >> shift & own)
            if now & _PERMALOCK and changed[place] is not now:
                raise TagRefused(TagError.LOCKED)
        self.locks = changed

    def kill(self, password: int) -> None:
        """Silence the tag for ever. Raises WrongPassword; a tag whose kill password is zero cannot be killed."""
        if not self.kill_password or password != self.kill_password:
            raise WrongPassword
        self.is_killed = True

    def _is_secured(self, password: int) -> bool:
        """Whether the tag obeys as one that was given its password; a reader sends none that is zero. Raises WrongPassword."""
        if password and password != self.access_password:
            raise WrongPassword
        return password == self.access_password

    def _shown(self, bank: Bank) -> list[int]:
        words = self._banks[bank]
        return [self.crc, self.pc, *words[EPC:]] if bank is Bank.EPC else words


def _password_of(address: int) -> LockField:
    return LockField.KILL if address < _PASSWORD_WORDS else LockField.ACCESS
