"""Fields of the Arch-Stats link's messages: codes, tags, lengths, times, and the values reserved for "not known"."""

from __future__ import annotations

from enum import IntEnum, IntFlag

MAX_TAG_BYTES = 31
"""Longest tag: Gen2 readers deliver EPCs of at most 496 bits."""

_RSSI_UNKNOWN = 127
_BYTE_UNKNOWN = 255
_LENGTH_UNKNOWN = -0x80000000
_TIME_UNKNOWN = 0xFFFF_FFFF_FFFF_FFFF


class MessageType(IntEnum):
    """The type byte of a body."""

    HELLO = 0x01
    ENGAGE = 0x02
    RELEASE = 0x03
    LANDING = 0x04
    TAGS = 0x05
    PIN = 0x06
    HEARTBEAT = 0x07
    LOG = 0x08
    TIME_REQ = 0x10
    TIME_RESP = 0x11
    ACK = 0x12
    NAK = 0x13
    CONFIG = 0x14
    HELLO_REQ = 0x15


class NodeKind(IntEnum):
    """Kind of device that a node is."""

    BOW = 1
    TARGET = 2


class NodeCapability(IntFlag):
    """Abilities of a node, as a bit mask."""

    ACKNOWLEDGES = 1 << 0
    """Keeps each event until it is acknowledged, also through a reboot."""
    STAMPS_TIME = 1 << 1
    """Answers TIME_REQ and stamps events with its own clock."""
    CONFIGURABLE = 1 << 2
    """Answers CONFIG."""
    SIMULATOR = 1 << 15
    """The node is simulated and its events are not real."""


class ReleaseCode(IntEnum):
    """Reason why the arrow left the string, as RELEASE carries it."""

    SHOT = 0
    """Shot, or not known."""
    REMOVED = 1
    """The archer took it off the string."""


class NakCode(IntEnum):
    """Reason why a frame was refused."""

    UNKNOWN_TYPE = 1
    BAD_PAYLOAD = 2
    BUSY = 3
    UNSUPPORTED_VERSION = 4


def pack_tag(tag: str | None) -> bytes:
    """A tag field. Raises ValueError when the tag is not hexadecimal or too long."""
    epc = bytes.fromhex(tag or "")
    if len(epc) > MAX_TAG_BYTES:
        raise ValueError(f"a tag has at most {MAX_TAG_BYTES} bytes, not {len(epc)}")
    return bytes((len(epc),)) + epc


def unpack_tag(payload: bytes, at: int) -> tuple[str | None, int]:
    """The tag field at ``at`` and where the next field starts."""
    length = payload[at]
    end = at + 1 + length
    if length > MAX_TAG_BYTES or end > len(payload):
        raise ValueError("the tag is longer than its field")
    return payload[at + 1 : end].hex() or None, end


def pack_text(text: str) -> bytes:
    """A text field. A lone surrogate stands for a byte that is no UTF-8, as in :func:`os.fsencode`."""
    return text.encode(errors="surrogateescape")


def unpack_text(field: bytes) -> str:
    r"""A text, without the zeros that pad a C array, and with bytes that are no UTF-8 as ``\x9b``."""
    return field.rstrip(b"\0").decode(errors="backslashreplace")


def last_tag(payload: bytes, at: int) -> str | None:
    """The tag field at ``at``, which ends the payload. Raises ValueError or IndexError when it does not."""
    tag, end = unpack_tag(payload, at)
    if end != len(payload):
        raise ValueError("bytes after the last field")
    return tag


def pack_mm(value: float | None) -> int:
    """Millimetres as hundredths. Raises ValueError for NaN, infinity and values that do not fit."""
    if value is None:
        return _LENGTH_UNKNOWN
    if not abs(value) * 100 < -_LENGTH_UNKNOWN:
        raise ValueError(f"{value} mm do not fit their field")
    return round(value * 100)


def unpack_mm(value: int) -> float | None:
    """Hundredths as millimetres, None for no value."""
    return None if value == _LENGTH_UNKNOWN else value / 100


def pack_rssi(value: int | None) -> int:
    """A level in dBm. Raises ValueError for the level reserved for "not known"."""
    if value == _RSSI_UNKNOWN:
        raise ValueError(f"{value} dBm do not fit their field")
    return _RSSI_UNKNOWN if value is None else value


def unpack_rssi(value: int) -> int | None:
    """A level in dBm, None when not known."""
    return None if value == _RSSI_UNKNOWN else value


def pack_percent(value: int | None) -> int:
    """A percentage. Raises ValueError outside of 0 to 100."""
    if value is not None and not 0 <= value <= 100:
        raise ValueError(f"{value} is not a percentage")
    return _BYTE_UNKNOWN if value is None else value


def unpack_percent(value: int) -> int | None:
    """A percentage, None when not known."""
    return value if value <= 100 else None  # 101..254 are reserved


def pack_time(time_us: int | None) -> int:
    """Microseconds. Raises ValueError for the number reserved for "not known"."""
    if time_us == _TIME_UNKNOWN:
        raise ValueError(f"{time_us} us do not fit their field")
    return _TIME_UNKNOWN if time_us is None else time_us


def unpack_time(field: int) -> int | None:
    """Microseconds, None when not known."""
    return None if field == _TIME_UNKNOWN else field
