"""Frames of the vendors' manuals and of captures, in the dialect M100 unless they begin with AA, with their messages.

Derived frames follow the documented rule; the UUID in them is an example.
"""

from __future__ import annotations

from drivers.r200.codec import (
    EPC_PERMALOCK,
    GET_MODEM,
    GET_POWER,
    GET_REGION,
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
    ModemIs,
    MultiInventory,
    Notice,
    PowerIs,
    ReadBank,
    Region,
    RegionIs,
    Select,
    SelectMode,
    SetBaud,
    SetModem,
    SetPower,
    SetRegion,
    SetSelect,
    SetSelectMode,
    TagDone,
    TagId,
    WriteBank,
)

UUID = bytes.fromhex("123456789abc4def8123456789abcdef")
TID = bytes.fromhex("E28068900000500E88C6A4A7")
EPC = bytes.fromhex("30751FEB705C5904E3D50D70")
TAG = TagId(0x3400, EPC)
PC_UUID = b"\x40\x00" + UUID
_UUID = "12 34 56 78 9A BC 4D EF 81 23 45 67 89 AB CD EF"
_EPC = "30 75 1F EB 70 5C 59 04 E3 D5 0D 70"

COMMANDS: list[tuple[str, HostCommand]] = [
    ("BB 00 03 00 01 00 04 7E", GetInfo(InfoKind.HARDWARE)),
    ("BB 00 03 00 01 01 05 7E", GetInfo(InfoKind.SOFTWARE)),
    ("BB 00 03 00 01 02 06 7E", GetInfo(InfoKind.MAKER)),
    ("BB 00 22 00 00 22 7E", INVENTORY),
    ("BB 00 27 00 03 22 27 10 83 7E", MultiInventory(10_000)),
    ("BB 00 27 00 03 22 FF FF 4A 7E", MultiInventory(65_535)),
    ("BB 00 28 00 00 28 7E", STOP),
    (f"BB 00 0C 00 13 01 00 00 00 20 60 00 {_EPC} AD 7E", SetSelect(Select(Bank.EPC, 0x20, 96, EPC))),
    ("BB 00 12 00 01 01 14 7E", SetSelectMode(SelectMode.NEVER)),
    ("BB 00 12 00 01 02 15 7E", SetSelectMode(SelectMode.EXCEPT_INVENTORY)),
    ("BB 00 12 00 01 00 13 7E", SetSelectMode(SelectMode.ALWAYS)),
    ("BB 00 39 00 09 00 00 FF FF 03 00 00 00 02 45 7E", ReadBank(Bank.USER, 0, 2, 0xFFFF)),
    (
        "BB 00 49 00 0D 00 00 FF FF 03 00 00 00 02 12 34 56 78 6D 7E",
        WriteBank(Bank.USER, 0, bytes.fromhex("12345678"), 0xFFFF),
    ),
    ("BB 00 82 00 07 00 00 FF FF 02 00 80 09 7E", LockTag(0x020080, 0xFFFF)),
    ("BB 00 07 00 01 01 09 7E", SetRegion(Region.CN900)),
    ("BB 00 07 00 01 03 0B 7E", SetRegion(Region.EU)),
    ("BB 00 08 00 00 08 7E", GET_REGION),
    ("BB 00 B7 00 00 B7 7E", GET_POWER),
    ("BB 00 B6 00 02 07 D0 8F 7E", SetPower(2000)),
    ("BB 00 B6 00 02 05 DC 99 7E", SetPower(1500)),
    ("BB 00 11 00 02 00 C0 D3 7E", SetBaud(19_200)),
    ("AA 00 F1 00 00 F1 DD", GET_MODEM),
    ("AA 00 F0 00 04 02 07 00 64 61 DD", SetModem(2, 7, 100)),
    (f"BB 00 0C 00 17 01 00 00 00 20 80 00 {_UUID} AA 7E", SetSelect(Select(Bank.EPC, 0x20, 128, UUID))),
    ("BB 00 0C 00 13 02 00 00 00 00 60 00 E2 80 68 90 00 00 50 0E 88 C6 A4 A7 D2 7E", SetSelect(Select.by_tid(TID))),
    (f"BB 00 49 00 1B 00 00 00 00 01 00 01 00 09 40 00 {_UUID} 95 7E", WriteBank(Bank.EPC, 1, PC_UUID)),
    ("BB 00 39 00 09 00 00 00 00 01 00 01 00 09 4D 7E", ReadBank(Bank.EPC, 1, 9)),
    ("BB 00 82 00 07 00 00 00 00 00 C0 30 79 7E", LockTag(EPC_PERMALOCK)),
]

ANSWERS: list[tuple[str, Answer]] = [
    ("BB 01 03 00 0B 00 4D 31 30 30 20 56 31 2E 30 30 22 7E", Info(InfoKind.HARDWARE, "M100 V1.00")),
    (f"BB 02 22 00 11 C9 34 00 {_EPC} 3A 76 EF 7E", Notice(-55, 0x3400, EPC, 0x3A76)),
    (
        "AA 02 22 00 11 C7 30 00 E2 80 68 90 00 00 50 0E 88 C6 A4 A7 11 9B 29 DD",
        Notice(-57, 0x3000, TID, 0x119B),
    ),
    ("BB 01 FF 00 01 15 16 7E", Failure(FailureCode.NO_TAG)),
    ("BB 01 28 00 01 00 2A 7E", Done(Code.STOP)),
    ("BB 01 0C 00 01 00 0E 7E", Done(Code.SET_SELECT)),
    (f"BB 01 39 00 13 0E 34 00 {_EPC} 12 34 56 78 B0 7E", BankData(TAG, bytes.fromhex("12345678"))),
    (f"BB 01 49 00 10 0E 34 00 {_EPC} 00 A9 7E", TagDone(Code.WRITE, TAG)),
    ("BB 01 FF 00 01 09 0A 7E", Failure(FailureCode.READ_FAILED)),
    ("BB 01 FF 00 01 10 11 7E", Failure(FailureCode.WRITE_FAILED)),
    ("BB 01 FF 00 01 12 13 7E", Failure(FailureCode.KILL_FAILED)),
    ("BB 01 FF 00 01 13 14 7E", Failure(FailureCode.LOCK_FAILED)),
    ("BB 01 FF 00 01 16 17 7E", Failure(FailureCode.ACCESS_DENIED)),
    ("BB 01 FF 00 01 17 18 7E", Failure(FailureCode.BAD_COMMAND)),
    ("BB 01 FF 00 01 20 21 7E", Failure(FailureCode.CHANNELS_BUSY)),
    (f"BB 01 FF 00 10 16 0E 34 00 {_EPC} 75 7E", Failure(FailureCode.ACCESS_DENIED, TAG)),
    (f"BB 01 82 00 10 0E 34 00 {_EPC} 00 E2 7E", TagDone(Code.LOCK, TAG)),
    ("BB 01 07 00 01 00 09 7E", Done(Code.SET_REGION)),
    ("BB 01 08 00 01 01 0B 7E", RegionIs(Region.CN900)),
    ("BB 01 B7 00 02 07 D0 91 7E", PowerIs(2000)),
    ("BB 01 B6 00 01 00 B8 7E", Done(Code.SET_POWER)),
    ("AA 01 F1 00 04 02 06 00 B0 AE DD", ModemIs(2, 6, 176)),
    ("AA 01 F0 00 01 00 F2 DD", Done(Code.SET_MODEM)),
    (f"BB 01 39 00 25 12 40 00 {_UUID} 40 00 {_UUID} BD 7E", BankData(TagId(0x4000, UUID), PC_UUID)),
    (f"BB 02 22 00 15 C9 40 00 {_UUID} 92 5C 16 7E", Notice(-55, 0x4000, UUID, 0x925C)),
]

ERRATA = [
    "BB 01 FF 00 01 10 0A 7E",
    "BB 00 AB 00 01 01 AC 7E",
    "BB 01 03 00 10 00 4D 31 30 30 20 32 36 64 42 6D 20 56 31 2E 30 22 7E",
    "BB 01 08 00 01 01 0A 7E",
    "AA 01 02 00 01 00 2A DD",
    "BB 00 65 00 04 00 00 FF 70 67 7E",
    "AA 02 22 00 11 E2 30 00 01 23 45 67 89 AB CD EF 12 34 56 78 12 34 48 DD",
]
"""Frames that were printed with a wrong sum."""
SHORT = "BB 00 0D 00 0D 7E"
"""The request of the Query parameters as it was printed, with one byte of its length."""
