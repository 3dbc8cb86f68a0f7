"""Answers and notices of a reader, and their frames in both directions: the simulated reader sends them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from drivers.r200.codec.frames import Dialect, Frame, FrameType
from drivers.r200.codec.tags import Select, TagId, tag_crc, words_of
from drivers.r200.codec.vocabulary import Code, FailureCode, InfoKind, Region, TagError, TagOperation

_NOTICE_EXTRA: Final = 5
"""Bytes of a notice beside the EPC: rssi, PC and CRC."""
OK: Final = 0
"""Status of a command that succeeded."""


@dataclass(frozen=True, slots=True)
class Info:
    """A text about the reader."""

    code: ClassVar = Code.GET_INFO
    kind: InfoKind
    text: str

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((self.kind,)) + self.text.encode("latin-1")


@dataclass(frozen=True, slots=True)
class Notice:
    """One reading of a tag in an inventory."""

    code: ClassVar = Code.INVENTORY
    rssi_dbm: int
    pc: int
    epc: bytes
    crc: int
    """The CRC that the tag sent with its PC and EPC."""

    @classmethod
    def of(cls, rssi_dbm: int, pc: int, epc: bytes) -> Notice:
        """The notice with the right CRC."""
        return cls(rssi_dbm, pc, epc, tag_crc(pc, epc))

    @property
    def is_intact(self) -> bool:
        """Whether the tag's CRC is right. It is stronger than the frame's sum, and covers the way through the air."""
        return self.crc == tag_crc(self.pc, self.epc)

    def pack(self) -> bytes:
        """The parameters."""
        return struct.pack(">bH", self.rssi_dbm, self.pc) + self.epc + self.crc.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Done:
    """A command succeeded that has no other answer."""

    code: int
    """Code of the command; ``0C`` also for SET_SELECT_MODE, as the manuals show."""
    status: int = OK

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((self.status,))


@dataclass(frozen=True, slots=True)
class BankData:
    """Words that were read of a tag."""

    code: ClassVar = Code.READ
    tag: TagId
    data: bytes

    def pack(self) -> bytes:
        """The parameters."""
        return self.tag.pack() + self.data


@dataclass(frozen=True, slots=True)
class TagDone:
    """A write, lock or kill of a tag succeeded."""

    code: Code
    tag: TagId
    """PC and EPC; whether those before or after a write is not documented."""
    status: int = OK

    def pack(self) -> bytes:
        """The parameters."""
        return self.tag.pack() + bytes((self.status,))


@dataclass(frozen=True, slots=True)
class SelectIs:
    """The condition of Select."""

    code: ClassVar = Code.GET_SELECT
    select: Select

    def pack(self) -> bytes:
        """The parameters."""
        return self.select.pack()


@dataclass(frozen=True, slots=True)
class QueryIs:
    """The parameters of Query."""

    code: ClassVar = Code.GET_QUERY
    query: int

    def pack(self) -> bytes:
        """The parameters."""
        return self.query.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class RegionIs:
    """The region."""

    code: ClassVar = Code.GET_REGION
    region: Region

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((self.region,))


@dataclass(frozen=True, slots=True)
class PowerIs:
    """The transmit power, in hundredths of a dBm."""

    code: ClassVar = Code.GET_POWER
    centi_dbm: int

    def pack(self) -> bytes:
        """The parameters."""
        return self.centi_dbm.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class ModemIs:
    """The receiver's settings: mixer gain, gain of the intermediate frequency, and threshold."""

    code: ClassVar = Code.GET_MODEM
    mixer: int
    amplifier: int
    threshold: int

    def pack(self) -> bytes:
        """The parameters."""
        return struct.pack(">BBH", self.mixer, self.amplifier, self.threshold)


@dataclass(frozen=True, slots=True)
class Failure:
    """A command failed. ``tag`` is the tag that was singled out before it failed; None without one."""

    code: ClassVar = Code.FAILURE
    error: int
    tag: TagId | None = None

    @classmethod
    def of_tag(cls, operation: TagOperation, error: TagError, tag: TagId) -> Failure:
        """The failure of an operation that the tag refused."""
        return cls(operation + error, tag)

    @property
    def cause(self) -> FailureCode | None:
        """The reader's own reason; None if a tag refused, or the code is unknown."""
        return FailureCode(self.error) if self.error in _FAILURES else None

    @property
    def operation(self) -> TagOperation | None:
        """The operation that the tag refused; None if no tag did."""
        group = self.error & 0xF0
        return TagOperation(group) if group in _OPERATIONS else None

    @property
    def tag_error(self) -> TagError | None:
        """The tag's reason; None if no tag refused, or its reason is unknown."""
        reason = self.error & 0x0F
        return TagError(reason) if self.operation is not None and reason in _TAG_ERRORS else None

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((self.error,)) + (b"" if self.tag is None else self.tag.pack())

    def __str__(self) -> str:
        name = f"error {self.error:02X}"
        if self.operation is not None:
            reason = "unknown reason" if self.tag_error is None else _words(self.tag_error)
            return f"{name}: the tag refused the {_words(self.operation)} ({reason})"
        return name if self.cause is None else f"{name}: {_words(self.cause)}"


Answer = Info | Notice | Done | BankData | TagDone | SelectIs | QueryIs | RegionIs | PowerIs | ModemIs | Failure
"""An answer or notice of the reader."""


def encode_answer(answer: Answer, dialect: Dialect) -> bytes:
    """The bytes of an answer or notice."""
    kind = FrameType.NOTICE if isinstance(answer, Notice) else FrameType.ANSWER
    return Frame(kind, answer.code, answer.pack(), dialect).encode()


def answer_of(frame: Frame) -> Answer | None:
    """The answer of a frame; None for parameters that fit no answer, and for a command."""
    unpack = _UNPACK[frame.type].get(frame.code, _done)
    try:
        return None if frame.type is FrameType.COMMAND else unpack(frame)
    except (ValueError, struct.error):
        return None


def _notice(frame: Frame) -> Notice:
    rssi_dbm, pc = struct.unpack_from(">bH", frame.params)
    if len(frame.params) != _NOTICE_EXTRA + 2 * words_of(pc):
        raise ValueError("the EPC has another length than the PC states")
    return Notice(rssi_dbm, pc, frame.params[3:-2], int.from_bytes(frame.params[-2:], "big"))


def _info(frame: Frame) -> Info:
    return Info(InfoKind(frame.params[0] if frame.params else -1), frame.params[1:].decode("latin-1"))


def _done(frame: Frame) -> Done:
    if frame.type is not FrameType.ANSWER or len(frame.params) != 1:
        raise ValueError("an unknown answer")
    return Done(frame.code, frame.params[0])


def _bank_data(frame: Frame) -> BankData:
    return BankData(*TagId.unpack(frame.params))


def _tag_done(frame: Frame) -> TagDone:
    tag, status = TagId.unpack(frame.params)
    return TagDone(Code(frame.code), tag, _number(status, 1))


def _failure(frame: Frame) -> Failure:
    if len(frame.params) == 1:
        return Failure(frame.params[0])
    tag, rest = TagId.unpack(frame.params[1:])
    if rest:
        raise ValueError("bytes behind the EPC")
    return Failure(frame.params[0], tag)


def _number(params: bytes, size: int) -> int:
    if len(params) != size:
        raise ValueError(f"{len(params)} bytes of parameters instead of {size}")
    return int.from_bytes(params, "big")


def _words(value: FailureCode | TagError | TagOperation) -> str:
    return value.name.lower().replace("_", " ")


_FAILURES: Final = frozenset(FailureCode)
_OPERATIONS: Final = frozenset(TagOperation)
_TAG_ERRORS: Final = frozenset(TagError)
_UNPACK: Final[Mapping[FrameType, Mapping[int, Callable[[Frame], Answer]]]] = {
    FrameType.COMMAND: {},
    FrameType.NOTICE: {Code.INVENTORY: _notice, Code.MULTI_INVENTORY: _notice},
    FrameType.ANSWER: {
        Code.GET_INFO: _info,
        Code.READ: _bank_data,
        Code.WRITE: _tag_done,
        Code.LOCK: _tag_done,
        Code.KILL: _tag_done,
        Code.GET_SELECT: lambda frame: SelectIs(Select.unpack(frame.params)),
        Code.GET_QUERY: lambda frame: QueryIs(_number(frame.params, 2)),
        Code.GET_REGION: lambda frame: RegionIs(Region(_number(frame.params, 1))),
        Code.GET_POWER: lambda frame: PowerIs(_number(frame.params, 2)),
        Code.GET_MODEM: lambda frame: ModemIs(*struct.unpack(">BBH", frame.params)),
        Code.FAILURE: _failure,
    },
}
