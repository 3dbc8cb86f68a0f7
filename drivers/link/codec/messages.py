"""Messages of the Arch-Stats link, one frozen dataclass each, and their payloads on the wire.

Payloads are big-endian and of exact length: one byte too many or too few is a bad payload. A reserved value reads as
unknown (None), so that a finer value from a newer node costs no reading. ``docs/protocol-link.md`` is the
specification. Every ``unpack`` raises ValueError, IndexError or struct.error on a bad payload.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from drivers.link.codec.fields import (
    MessageType,
    NodeCapability,
    ReleaseCode,
    last_tag,
    pack_mm,
    pack_percent,
    pack_rssi,
    pack_tag,
    pack_text,
    pack_time,
    unpack_mm,
    unpack_percent,
    unpack_rssi,
    unpack_tag,
    unpack_text,
    unpack_time,
)

MAX_EARLIER: Final = 8
"""Boots that one HELLO lists. A node that its watchdog resets repeatedly is heard within this many boots."""


@dataclass(frozen=True, slots=True)
class EarlierBoot:
    """A boot of the node before the present one, as HELLO lists it."""

    boot_id: int
    previous_boot_id: int
    """The boot before it; 0 when none is remembered."""
    last_seq: int
    """Number of its last event."""
    kept: int
    """Unacknowledged events of it; 65535 for more."""
    before_us: int | None
    """Microseconds from its tick 0 to tick 0 of the present boot; None when no clock ran in between."""
    blind_us: int | None
    """Microseconds from the last sign of life before it to its tick 0; None when not known."""

    _LAYOUT: ClassVar = struct.Struct(">IIIHQQ")

    def pack(self) -> bytes:
        """The entry's bytes."""
        before, blind = pack_time(self.before_us), pack_time(self.blind_us)
        return self._LAYOUT.pack(self.boot_id, self.previous_boot_id, self.last_seq, self.kept, before, blind)

    @classmethod
    def unpack_list(cls, payload: bytes) -> tuple[Self, ...]:
        """The list that fills ``payload``: number of entries, then the entries, newest first."""
        if payload[0] > MAX_EARLIER or len(payload) != 1 + payload[0] * cls._LAYOUT.size:
            raise ValueError("the list of earlier boots has another length than it declares")
        return tuple(
            cls(boot_id, previous, last_seq, kept, unpack_time(before), unpack_time(blind))
            for boot_id, previous, last_seq, kept, before, blind in cls._LAYOUT.iter_unpack(payload[1:])
        )


@dataclass(frozen=True, slots=True)
class Hello:
    """Identity of the node and its earlier boots. The header's seq is the last event of this boot."""

    type: ClassVar = MessageType.HELLO
    kind: int
    """A :class:`NodeKind`, or a number this build does not know."""
    capabilities: NodeCapability
    blind_us: int | None
    """Microseconds between the last sign of life before this boot and its tick 0; None when not known."""
    firmware: str
    earlier: tuple[EarlierBoot, ...] = ()
    """Newest first; empty for a node that remembers none. The first is the boot just before this one."""

    _LAYOUT: ClassVar = struct.Struct(">BHQB")

    def pack(self) -> bytes:
        """The payload."""
        if len(self.earlier) > MAX_EARLIER:
            raise ValueError(f"HELLO lists at most {MAX_EARLIER} earlier boots, not {len(self.earlier)}")
        name = pack_text(self.firmware)
        head = self._LAYOUT.pack(self.kind, self.capabilities, pack_time(self.blind_us), len(name))
        return head + name + bytes((len(self.earlier),)) + b"".join(boot.pack() for boot in self.earlier)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        kind, capabilities, blind, length = cls._LAYOUT.unpack_from(payload)
        end = cls._LAYOUT.size + length
        name = unpack_text(payload[cls._LAYOUT.size : end])
        return cls(kind, NodeCapability(capabilities), unpack_time(blind), name, EarlierBoot.unpack_list(payload[end:]))


@dataclass(frozen=True, slots=True)
class Engage:
    """An arrow was nocked."""

    type: ClassVar = MessageType.ENGAGE
    rssi_dbm: int | None
    tag: str | None
    """The arrow's EPC as lower-case hex; None when it was not read."""

    def pack(self) -> bytes:
        """The payload."""
        return struct.pack(">b", pack_rssi(self.rssi_dbm)) + pack_tag(self.tag)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        (rssi,) = struct.unpack_from(">b", payload)
        return cls(unpack_rssi(rssi), last_tag(payload, 1))


@dataclass(frozen=True, slots=True)
class Release:
    """The arrow left the string."""

    type: ClassVar = MessageType.RELEASE
    cause: ReleaseCode
    tag: str | None
    """The tag of the engaged arrow."""

    def pack(self) -> bytes:
        """The payload."""
        return bytes((self.cause,)) + pack_tag(self.tag)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        removed = payload[0] == ReleaseCode.REMOVED
        return cls(ReleaseCode.REMOVED if removed else ReleaseCode.SHOT, last_tag(payload, 1))


@dataclass(frozen=True, slots=True)
class Landing:
    """An impact on the butt, in millimetres of the sensor's own frame, to 0.01 mm."""

    type: ClassVar = MessageType.LANDING
    x_mm: float | None
    y_mm: float | None
    quality: int | None
    """0 (worst) to 100."""
    tag: str | None

    _LAYOUT: ClassVar = struct.Struct(">iiB")

    def pack(self) -> bytes:
        """The payload."""
        numbers = self._LAYOUT.pack(pack_mm(self.x_mm), pack_mm(self.y_mm), pack_percent(self.quality))
        return numbers + pack_tag(self.tag)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        x, y, quality = cls._LAYOUT.unpack_from(payload)
        return cls(unpack_mm(x), unpack_mm(y), unpack_percent(quality), last_tag(payload, cls._LAYOUT.size))


@dataclass(frozen=True, slots=True)
class Tags:
    """All arrows in the butt at this instant."""

    type: ClassVar = MessageType.TAGS
    tags: tuple[str, ...]

    def pack(self) -> bytes:
        """The payload."""
        if "" in self.tags:
            raise ValueError("a listed tag is empty")
        return bytes((len(self.tags),)) + b"".join(map(pack_tag, self.tags))

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        tags: list[str] = []
        at = 1
        for _ in range(payload[0]):
            tag, at = unpack_tag(payload, at)
            if tag is None:
                raise ValueError("a listed tag is empty")
            tags.append(tag)
        if at != len(payload):
            raise ValueError("bytes after the last tag")
        return cls(tuple(tags))


@dataclass(frozen=True, slots=True)
class Pin:
    """A calibration probe was pressed, in millimetres of the sensor's own frame."""

    type: ClassVar = MessageType.PIN
    x_mm: float | None
    y_mm: float | None

    def pack(self) -> bytes:
        """The payload."""
        return struct.pack(">ii", pack_mm(self.x_mm), pack_mm(self.y_mm))

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        x, y = struct.unpack(">ii", payload)
        return cls(unpack_mm(x), unpack_mm(y))


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Every event up to ``last_seq``, and no other, happened before the header's t_us."""

    type: ClassVar = MessageType.HEARTBEAT
    last_seq: int
    battery_percent: int | None
    rssi_dbm: int | None
    pending: int
    """Unacknowledged events."""

    _LAYOUT: ClassVar = struct.Struct(">IBbH")

    def pack(self) -> bytes:
        """The payload."""
        return self._LAYOUT.pack(
            self.last_seq, pack_percent(self.battery_percent), pack_rssi(self.rssi_dbm), self.pending
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        last_seq, battery, rssi, pending = cls._LAYOUT.unpack(payload)
        return cls(last_seq, unpack_percent(battery), unpack_rssi(rssi), pending)


@dataclass(frozen=True, slots=True)
class Log:
    """A line for the hub's log."""

    type: ClassVar = MessageType.LOG
    level: int
    """As syslog: 0 emergency ... 3 error, 4 warning, 6 information, 7 debug."""
    text: str

    def pack(self) -> bytes:
        """The payload."""
        return bytes((self.level,)) + pack_text(self.text)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        return cls(payload[0], unpack_text(payload[1:]))


@dataclass(frozen=True, slots=True)
class TimeRequest:
    """Request for the node's clock. The header's seq is the number of the request."""

    type: ClassVar = MessageType.TIME_REQ
    t0: int
    """The hub's clock when it sends; the node returns it unchanged."""

    def pack(self) -> bytes:
        """The payload."""
        return struct.pack(">Q", self.t0)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        return cls(*struct.unpack(">Q", payload))


@dataclass(frozen=True, slots=True)
class TimeResponse:
    """Answer to a time request, with its seq. The header's t_us is t2, the node's clock when it answers."""

    type: ClassVar = MessageType.TIME_RESP
    t0: int
    """As in the request."""
    t1: int
    """Microseconds of the node's clock when the request's first byte arrived."""

    def pack(self) -> bytes:
        """The payload."""
        return struct.pack(">QQ", self.t0, self.t1)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        return cls(*struct.unpack(">QQ", payload))


@dataclass(frozen=True, slots=True)
class _Empty:
    """A message without a payload."""

    def pack(self) -> bytes:
        """The payload: none."""
        return b""

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        if payload:
            raise ValueError("this message has no payload")
        return cls()


@dataclass(frozen=True, slots=True)
class Ack(_Empty):
    """The event with the header's boot_id and seq is durable: the node may discard it."""

    type: ClassVar = MessageType.ACK


@dataclass(frozen=True, slots=True)
class HelloRequest(_Empty):
    """Request for HELLO."""

    type: ClassVar = MessageType.HELLO_REQ


@dataclass(frozen=True, slots=True)
class ConfigRead(_Empty):
    """Request for the active configuration."""

    type: ClassVar = MessageType.CONFIG


@dataclass(frozen=True, slots=True)
class Nak:
    """The frame with the header's boot_id and seq was refused."""

    type: ClassVar = MessageType.NAK
    code: int
    """A :class:`NakCode`, or a number this build does not know."""

    def pack(self) -> bytes:
        """The payload."""
        return bytes((self.code,))

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        (code,) = payload
        return cls(code)


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration to set (from the hub) or active configuration (from the node, with the request's seq)."""

    type: ClassVar = MessageType.CONFIG
    threshold: int
    """Level above which the sensor reports an event, in the sensor's own unit."""
    window_ms: int
    """Shortest time between two events, in milliseconds."""

    def pack(self) -> bytes:
        """The payload."""
        return struct.pack(">HH", self.threshold, self.window_ms)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message."""
        return cls(*struct.unpack(">HH", payload))
