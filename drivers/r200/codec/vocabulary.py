"""Codes of the readers' protocol: commands, failures and their reasons.

From the user protocol of the R200 (V2.3.3) and the firmware manual of the M100 and QM100, which agree but for errata.
"""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Code of a command and of its answer."""

    GET_INFO = 0x03
    SET_REGION = 0x07
    GET_REGION = 0x08
    GET_SELECT = 0x0B
    SET_SELECT = 0x0C
    GET_QUERY = 0x0D
    SET_QUERY = 0x0E
    SET_BAUD = 0x11
    """The reader answers nothing and uses the new rate."""
    SET_SELECT_MODE = 0x12
    """The manuals show its answer with code ``0C``."""
    SLEEP = 0x17
    SET_IDLE_SLEEP = 0x1D
    INVENTORY = 0x22
    MULTI_INVENTORY = 0x27
    STOP = 0x28
    READ = 0x39
    WRITE = 0x49
    KILL = 0x65
    LOCK = 0x82
    SET_POWER = 0xB6
    GET_POWER = 0xB7
    SET_MODEM = 0xF0
    GET_MODEM = 0xF1
    FAILURE = 0xFF
    """Answer only."""


class FailureCode(IntEnum):
    """Reason of a failure that the reader itself found."""

    READ_FAILED = 0x09
    """No tag answered the read, or with a wrong CRC."""
    WRITE_FAILED = 0x10
    """No tag answered the write, or with a wrong CRC."""
    KILL_FAILED = 0x12
    LOCK_FAILED = 0x13
    BLOCK_PERMALOCK_FAILED = 0x14
    NO_TAG = 0x15
    """The inventory found no tag: data, not an error."""
    ACCESS_DENIED = 0x16
    """The tag refused the access password."""
    BAD_COMMAND = 0x17
    """The reader does not know the command, or its parameters or sum are wrong."""
    CHANNELS_BUSY = 0x20
    """All channels of the region are busy."""


class TagOperation(IntEnum):
    """Operation that a tag refused: the code is this value plus the :class:`TagError`."""

    READ = 0xA0
    WRITE = 0xB0
    LOCK = 0xC0
    KILL = 0xD0
    SPECIAL = 0xE0
    """BlockPermalock, and commands of NXP and Impinj."""


class TagError(IntEnum):
    """Reason that a tag gives for a refusal (Gen2, annex I)."""

    OTHER = 0x0
    OVERRUN = 0x3
    """The memory does not exist, or the tag does not support this PC."""
    LOCKED = 0x4
    """The memory is locked."""
    LOW_POWER = 0xB
    """The tag receives too little power to write."""
    NON_SPECIFIC = 0xF


class Bank(IntEnum):
    """Memory bank of a tag."""

    RESERVED = 0
    """Kill password in words 0-1, access password in words 2-3."""
    EPC = 1
    """CRC in word 0, PC in word 1, EPC from word 2 on."""
    TID = 2
    USER = 3


class Region(IntEnum):
    """Region, which decides on the channels."""

    CN900 = 0x01
    US = 0x02
    EU = 0x03
    CN800 = 0x04
    KR = 0x06


class SelectMode(IntEnum):
    """Commands before which the reader sends the Select command to the tags."""

    ALWAYS = 0
    NEVER = 1
    EXCEPT_INVENTORY = 2


class InfoKind(IntEnum):
    """Kind of a text about the reader."""

    HARDWARE = 0
    SOFTWARE = 1
    MAKER = 2
