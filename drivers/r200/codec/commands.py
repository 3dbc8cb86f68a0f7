"""Commands of the host, and their frames in both directions: the driver sends what the simulated reader receives."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from drivers.r200.codec.frames import MAX_DATA_WORDS, Dialect, Frame, FrameType
from drivers.r200.codec.tags import Select
from drivers.r200.codec.vocabulary import Bank, Code, InfoKind, Region, SelectMode

_BAUD_UNIT: Final = 100
_MULTI_HEAD: Final = 0x22
_ACCESS: Final = struct.Struct(">IBHH")
"""Access password, bank, first word, number of words."""


@dataclass(frozen=True, slots=True)
class PlainCommand:
    """A command without parameters."""

    code: Code

    def pack(self) -> bytes:
        """The parameters: none."""
        return b""


INVENTORY: Final = PlainCommand(Code.INVENTORY)
STOP: Final = PlainCommand(Code.STOP)
SLEEP: Final = PlainCommand(Code.SLEEP)
GET_SELECT: Final = PlainCommand(Code.GET_SELECT)
GET_QUERY: Final = PlainCommand(Code.GET_QUERY)
GET_REGION: Final = PlainCommand(Code.GET_REGION)
GET_POWER: Final = PlainCommand(Code.GET_POWER)
GET_MODEM: Final = PlainCommand(Code.GET_MODEM)


@dataclass(frozen=True, slots=True)
class GetInfo:
    """Asks for a text about the reader, whose answer repeats the kind."""

    code: ClassVar = Code.GET_INFO
    kind: InfoKind

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((self.kind,))


@dataclass(frozen=True, slots=True)
class MultiInventory:
    """Starts so many inventory rounds, 1 to 65535, that only STOP ends before."""

    code: ClassVar = Code.MULTI_INVENTORY
    rounds: int

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((_MULTI_HEAD,)) + self.rounds.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class SetSelect:
    """Sets the condition of Select. The reader then also has the select mode EXCEPT_INVENTORY."""

    code: ClassVar = Code.SET_SELECT
    select: Select

    def pack(self) -> bytes:
        """The parameters."""
        return self.select.pack()


@dataclass(frozen=True, slots=True)
class SetSelectMode:
    """Decides before which commands the reader sends Select."""

    code: ClassVar = Code.SET_SELECT_MODE
    mode: SelectMode

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((self.mode,))


@dataclass(frozen=True, slots=True)
class ReadBank:
    """Reads words of a tag."""

    code: ClassVar = Code.READ
    bank: Bank
    start: int
    words: int
    password: int = 0

    def pack(self) -> bytes:
        """The parameters."""
        return _ACCESS.pack(self.password, self.bank, self.start, self.words)


@dataclass(frozen=True, slots=True)
class WriteBank:
    """Writes words of a tag, at most ``MAX_DATA_WORDS``."""

    code: ClassVar = Code.WRITE
    bank: Bank
    start: int
    data: bytes
    password: int = 0

    def pack(self) -> bytes:
        """The parameters. Raises ValueError for data that are not whole words, or too many."""
        words, odd = divmod(len(self.data), 2)
        if odd or words > MAX_DATA_WORDS:
            raise ValueError(f"a write holds at most {MAX_DATA_WORDS} whole words, not {len(self.data)} bytes")
        return _ACCESS.pack(self.password, self.bank, self.start, words) + self.data


@dataclass(frozen=True, slots=True)
class LockTag:
    """Locks memory of a tag. ``payload`` has 20 bits: the mask, then the action."""

    code: ClassVar = Code.LOCK
    payload: int
    password: int = 0

    def pack(self) -> bytes:
        """The parameters."""
        return self.password.to_bytes(4, "big") + self.payload.to_bytes(3, "big")


@dataclass(frozen=True, slots=True)
class KillTag:
    """Makes a tag useless for ever. The driver never sends it."""

    code: ClassVar = Code.KILL
    password: int

    def pack(self) -> bytes:
        """The parameters."""
        return self.password.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class SetQuery:
    """Sets the parameters of Query: DR, M, TRext, Sel, session, target and Q, as 1020 for Q 4."""

    code: ClassVar = Code.SET_QUERY
    query: int

    def pack(self) -> bytes:
        """The parameters."""
        return self.query.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class SetRegion:
    """Sets the region."""

    code: ClassVar = Code.SET_REGION
    region: Region

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((self.region,))


@dataclass(frozen=True, slots=True)
class SetPower:
    """Sets the transmit power, in hundredths of a dBm."""

    code: ClassVar = Code.SET_POWER
    centi_dbm: int

    def pack(self) -> bytes:
        """The parameters."""
        return self.centi_dbm.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class SetBaud:
    """Sets the bit rate of the line, a multiple of 100. No answer follows."""

    code: ClassVar = Code.SET_BAUD
    baud: int

    def pack(self) -> bytes:
        """The parameters."""
        return (self.baud // _BAUD_UNIT).to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class SetIdleSleep:
    """Sets the minutes without a command after which the reader sleeps: 1 to 30, or 0 for never."""

    code: ClassVar = Code.SET_IDLE_SLEEP
    minutes: int

    def pack(self) -> bytes:
        """The parameters."""
        return bytes((self.minutes,))


@dataclass(frozen=True, slots=True)
class SetModem:
    """Sets the receiver: mixer gain, gain of the intermediate frequency, and threshold."""

    code: ClassVar = Code.SET_MODEM
    mixer: int
    amplifier: int
    threshold: int

    def pack(self) -> bytes:
        """The parameters."""
        return struct.pack(">BBH", self.mixer, self.amplifier, self.threshold)


HostCommand = (
    PlainCommand
    | GetInfo
    | MultiInventory
    | SetSelect
    | SetSelectMode
    | ReadBank
    | WriteBank
    | LockTag
    | KillTag
    | SetQuery
    | SetRegion
    | SetPower
    | SetBaud
    | SetIdleSleep
    | SetModem
)
"""A command of the host to the reader."""


@lru_cache(maxsize=64)
def encode_command(command: HostCommand, dialect: Dialect) -> bytes:
    """The bytes of a command."""
    return Frame(FrameType.COMMAND, command.code, command.pack(), dialect).encode()


def command_of(frame: Frame) -> HostCommand | None:
    """The command of a frame; None for an unknown one or wrong parameters, which a reader refuses."""
    if frame.type is not FrameType.COMMAND:
        return None
    try:
        code = Code(frame.code)
        if code in _PLAIN:
            return PlainCommand(code) if not frame.params else None
        return _UNPACK[code](frame.params)
    except (ValueError, KeyError, struct.error):
        return None


def _number(params: bytes, size: int) -> int:
    if len(params) != size:
        raise ValueError(f"{len(params)} bytes of parameters instead of {size}")
    return int.from_bytes(params, "big")


def _multi(params: bytes) -> MultiInventory:
    value = _number(params, 3)
    if value >> 16 != _MULTI_HEAD:
        raise ValueError("only single inventories can be repeated")
    return MultiInventory(value & 0xFFFF)


def _read(params: bytes) -> ReadBank:
    password, bank, start, words = _ACCESS.unpack(params)
    return ReadBank(Bank(bank), start, words, password)


def _write(params: bytes) -> WriteBank:
    password, bank, start, words = _ACCESS.unpack_from(params)
    data = params[_ACCESS.size :]
    if len(data) != 2 * words or words > MAX_DATA_WORDS:
        raise ValueError("the data have another length than their number of words")
    return WriteBank(Bank(bank), start, data, password)


def _lock(params: bytes) -> LockTag:
    value = _number(params, 7)
    return LockTag(value & 0xFFFFFF, value >> 24)


_PLAIN: Final = frozenset(
    command.code for command in (INVENTORY, STOP, SLEEP, GET_SELECT, GET_QUERY, GET_REGION, GET_POWER, GET_MODEM)
)
_UNPACK: Final[Mapping[Code, Callable[[bytes], HostCommand]]] = {
    Code.GET_INFO: lambda params: GetInfo(InfoKind(_number(params, 1))),
    Code.MULTI_INVENTORY: _multi,
    Code.SET_SELECT: lambda params: SetSelect(Select.unpack(params)),
    Code.SET_SELECT_MODE: lambda params: SetSelectMode(SelectMode(_number(params, 1))),
    Code.READ: _read,
    Code.WRITE: _write,
    Code.LOCK: _lock,
    Code.KILL: lambda params: KillTag(_number(params, 4)),
    Code.SET_QUERY: lambda params: SetQuery(_number(params, 2)),
    Code.SET_REGION: lambda params: SetRegion(Region(_number(params, 1))),
    Code.SET_POWER: lambda params: SetPower(_number(params, 2)),
    Code.SET_BAUD: lambda params: SetBaud(_number(params, 2) * _BAUD_UNIT),
    Code.SET_IDLE_SLEEP: lambda params: SetIdleSleep(_number(params, 1)),
    Code.SET_MODEM: lambda params: SetModem(*struct.unpack(">BBH", params)),
}
