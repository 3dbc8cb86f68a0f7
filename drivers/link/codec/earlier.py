"""What HELLO tells of the node's earlier boots: enough to date what is kept of them, and to know when nobody watched."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MAX_EARLIER: Final = 8
"""Boots that one HELLO lists. A node that is reset by its watchdog again and again has time to be heard within these."""

_TIME_UNKNOWN: Final = 0xFFFF_FFFF_FFFF_FFFF
_LAYOUT: Final = struct.Struct(">IIIHQQ")


@dataclass(frozen=True, slots=True)
class EarlierBoot:
    """A boot of the node before the present one."""

    boot_id: int
    previous_boot_id: int
    """The boot before it; 0 when none is remembered."""
    last_seq: int
    """Number of its last event."""
    kept: int
    """Events of it that wait for their acknowledgement; 65535 for more."""
    before_us: int | None
    """Microseconds from its tick 0 to tick 0 of the present boot; None when no clock ran on in between."""
    blind_us: int | None
    """Microseconds from the last sign of life before it to its tick 0; None when not known."""


def pack_earlier(boots: Sequence[EarlierBoot]) -> bytes:
    """The list as HELLO ends with it, newest first. Raises ValueError when it is too long."""
    if len(boots) > MAX_EARLIER:
        raise ValueError(f"HELLO lists at most {MAX_EARLIER} earlier boots, not {len(boots)}")
    return bytes((len(boots),)) + b"".join(
        _LAYOUT.pack(
            boot.boot_id,
            boot.previous_boot_id,
            boot.last_seq,
            boot.kept,
            pack_time(boot.before_us),
            pack_time(boot.blind_us),
        )
        for boot in boots
    )


def unpack_earlier(payload: bytes) -> tuple[EarlierBoot, ...]:
    """The list that is the whole of ``payload``. Raises ValueError, IndexError or struct.error when it is none."""
    if payload[0] > MAX_EARLIER or len(payload) != 1 + payload[0] * _LAYOUT.size:
        raise ValueError("the list of earlier boots is not as long as told")
    return tuple(
        EarlierBoot(boot_id, previous, last_seq, kept, unpack_time(before_us), unpack_time(blind_us))
        for boot_id, previous, last_seq, kept, before_us, blind_us in _LAYOUT.iter_unpack(payload[1:])
    )


def pack_time(time_us: int | None) -> int:
    """Microseconds as a field; raises ValueError for the number that means "not known"."""
    if time_us == _TIME_UNKNOWN:
        raise ValueError(f"{time_us} us do not fit their field")
    return _TIME_UNKNOWN if time_us is None else time_us


def unpack_time(field: int) -> int | None:
    """Microseconds of a field, None when not known."""
    return None if field == _TIME_UNKNOWN else field
