"""Facts of Gen2 tags that the frames carry: CRC, PC, identification, Select, lock payloads."""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass
from typing import Final

from drivers.r200.codec.vocabulary import Bank

EPC_PERMALOCK: Final = 0x00C030
"""Payload of the lock that makes the EPC bank unwritable for ever: both mask bits and both action bits of the EPC."""
_SELECT_HEAD: Final = 7
_EPC_CLASS: Final = 0xE2
_XTID: Final = 0x80
"""Bit of the second byte of a TID: an XTID header follows in word 2."""
_SERIALISATION: Final = 0xE0
"""Bits of the XTID header: length of the serial number, in words above 48 bits; 0 for none."""


def pc_of(words: int) -> int:
    """PC of an EPC of so many words, without any other bit: 4000 for 128 bits."""
    return words << 11


def words_of(pc: int) -> int:
    """Number of words of the EPC, from its PC. The other bits of a PC belong to the tag."""
    return pc >> 11


def tag_crc(pc: int, epc: bytes) -> int:
    """The CRC that a tag sends with its EPC: CRC-16/GENIBUS over PC and EPC (Gen2, 6.3.1.5)."""
    return crc_hqx(pc.to_bytes(2, "big") + epc, 0xFFFF) ^ 0xFFFF


def has_serial(tid: bytes) -> bool:
    """Whether a TID of six words distinguishes its tag from others of its kind (Tag Data Standard, 16.2)."""
    serial = tid[6:]
    if not serial.strip(b"\0") or not serial.strip(b"\xff"):
        return False
    return not (tid[0] == _EPC_CLASS and tid[1] & _XTID) or bool(tid[4] & _SERIALISATION)


@dataclass(frozen=True, slots=True)
class TagId:
    """PC and EPC by which the reader singled a tag out."""

    pc: int
    epc: bytes

    def pack(self) -> bytes:
        """Length, PC and EPC."""
        return bytes((2 + len(self.epc),)) + self.pc.to_bytes(2, "big") + self.epc

    @classmethod
    def unpack(cls, data: bytes) -> tuple[TagId, bytes]:
        """The identification at the beginning of ``data``, and what follows. Raises ValueError for a wrong length."""
        size = data[0] if data else 0
        if size < 2 or size % 2 or len(data) <= size:
            raise ValueError("the length of PC and EPC is wrong")
        return cls(int.from_bytes(data[1:3], "big"), data[3 : 1 + size]), data[1 + size :]


@dataclass(frozen=True, slots=True)
class Select:
    """Condition that tags must meet: the bits ``mask`` from bit ``pointer`` of a bank on."""

    bank: Bank
    pointer: int
    """First bit; bit 0 of the EPC bank belongs to its CRC."""
    bits: int
    """Number of bits that are compared, 0 to 255."""
    mask: bytes
    target: int = 0
    """Flag of the tags that the condition sets, 0 to 7; the readers use 0, session S0."""
    action: int = 0
    """Effect on matching and other tags, 0 to 7; 0 makes only the matching ones answer."""
    is_truncated: bool = False
    """Whether tags send only the part of the EPC behind the mask."""

    @classmethod
    def by_tid(cls, tid: bytes) -> Select:
        """Condition that only the tag with this TID meets."""
        return cls(Bank.TID, 0, 8 * len(tid), tid)

    def pack(self) -> bytes:
        """The parameters."""
        head = self.target << 5 | self.action << 2 | self.bank
        truncation = 0x80 if self.is_truncated else 0
        return bytes((head,)) + self.pointer.to_bytes(4, "big") + bytes((self.bits, truncation)) + self.mask

    @classmethod
    def unpack(cls, params: bytes) -> Select:
        """The condition. Raises ValueError for parameters of a wrong length."""
        if len(params) < _SELECT_HEAD or len(params) != _SELECT_HEAD + (params[5] + 7) // 8:
            raise ValueError("the mask has another length than its number of bits")
        head, pointer = params[0], int.from_bytes(params[1:5], "big")
        mask = params[_SELECT_HEAD:]
        return cls(Bank(head & 3), pointer, params[5], mask, head >> 5, head >> 2 & 7, bool(params[6] & 0x80))
