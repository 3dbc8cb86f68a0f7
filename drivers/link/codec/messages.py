"""The messages of the Arch-Stats link, one frozen dataclass each, and their payloads on the wire.

Payloads are big-endian and of exact length: one byte too many or too few is a bad payload. A value that the wire
reserves reads as unknown (None), so that a newer node's finer value costs no reading. ``docs/protocol-link.md`` is the
specification.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from drivers.link.codec.earlier import EarlierBoot, pack_earlier, pack_time, unpack_earlier, unpack_time
from drivers.link.codec.fields import (
    MessageType,
    NodeCapability,
    ReleaseCode,
    last_tag,
    pack_mm,
    pack_percent,
    pack_rssi,
    pack_tag,
    unpack_mm,
    unpack_percent,
    unpack_rssi,
    unpack_tag,
)


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the node is and what it missed. The header's seq is the last event of this boot."""

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
        name = self.firmware.encode()
        head = self._LAYOUT.pack(self.kind, self.capabilities, pack_time(self.blind_us), len(name))
        return head + name + pack_earlier(self.earlier)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises ValueError, IndexError or struct.error on a bad payload."""
        kind, capabilities, blind, length = cls._LAYOUT.unpack_from(payload)
        end = cls._LAYOUT.size + length
        name = payload[cls._LAYOUT.size : end].decode(errors="replace")
        return cls(kind, NodeCapability(capabilities), unpack_time(blind), name, unpack_earlier(payload[end:]))


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
        """The message; raises ValueError, IndexError or struct.error on a bad payload."""
        (rssi,) = struct.unpack_from(">b", payload)
        return cls(unpack_rssi(rssi), last_tag(payload, 1))


@dataclass(frozen=True, slots=True)
class Release:
    """The arrow left the string."""

    type: ClassVar = MessageType.RELEASE
    cause: ReleaseCode
    tag: str | None
    """As engaged."""

    def pack(self) -> bytes:
        """The payload."""
        return bytes((self.cause,)) + pack_tag(self.tag)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises ValueError or IndexError on a bad payload."""
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
        """The message; raises ValueError, IndexError or struct.error on a bad payload."""
        x, y, quality = cls._LAYOUT.unpack_from(payload)
        return cls(unpack_mm(x), unpack_mm(y), unpack_percent(quality), last_tag(payload, cls._LAYOUT.size))


@dataclass(frozen=True, slots=True)
class Tags:
    """Every arrow in the butt at this instant."""

    type: ClassVar = MessageType.TAGS
    tags: tuple[str, ...]

    def pack(self) -> bytes:
        """The payload."""
        if "" in self.tags:
            raise ValueError("an arrow in the butt has a tag")
        return bytes((len(self.tags),)) + b"".join(map(pack_tag, self.tags))

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises ValueError or IndexError on a bad payload."""
        tags: list[str] = []
        at = 1
        for _ in range(payload[0]):
            tag, at = unpack_tag(payload, at)
            if tag is None:
                raise ValueError("an empty tag in the list")
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
        """The message; raises struct.error on a bad payload."""
        x, y = struct.unpack(">ii", payload)
        return cls(unpack_mm(x), unpack_mm(y))


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """By the header's t_us the node has produced every event up to ``last_seq`` and no other."""

    type: ClassVar = MessageType.HEARTBEAT
    last_seq: int
    battery_percent: int | None
    rssi_dbm: int | None
    pending: int
    """Events that wait for their acknowledgement."""

    _LAYOUT: ClassVar = struct.Struct(">IBbH")

    def pack(self) -> bytes:
        """The payload."""
        return self._LAYOUT.pack(
            self.last_seq, pack_percent(self.battery_percent), pack_rssi(self.rssi_dbm), self.pending
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises struct.error on a bad payload."""
        last_seq, battery, rssi, pending = cls._LAYOUT.unpack(payload)
        return cls(last_seq, unpack_percent(battery), unpack_rssi(rssi), pending)


@dataclass(frozen=True, slots=True)
class Log:
    """A line for people."""

    type: ClassVar = MessageType.LOG
    level: int
    """As syslog: 0 emergency ... 3 error, 4 warning, 6 information, 7 debug."""
    text: str

    def pack(self) -> bytes:
        """The payload."""
        return bytes((self.level,)) + self.text.encode()

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises IndexError on a bad payload."""
        return cls(payload[0], payload[1:].decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class TimeRequest:
    """The hub asks for the node's clock. The header's seq is the number of the request."""

    type: ClassVar = MessageType.TIME_REQ
    t0: int
    """The hub's clock when it sends; means nothing to the node."""

    def pack(self) -> bytes:
        """The payload."""
        return struct.pack(">Q", self.t0)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises struct.error on a bad payload."""
        return cls(*struct.unpack(">Q", payload))


@dataclass(frozen=True, slots=True)
class TimeResponse:
    """The node's answer, with the request's seq. The header's t_us is t2, the node's clock when it answers."""

    type: ClassVar = MessageType.TIME_RESP
    t0: int
    """As asked."""
    t1: int
    """Microseconds of the node's clock when the request's first byte came."""

    def pack(self) -> bytes:
        """The payload."""
        return struct.pack(">QQ", self.t0, self.t1)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises struct.error on a bad payload."""
        return cls(*struct.unpack(">QQ", payload))


@dataclass(frozen=True, slots=True)
class _Empty:
    """A message that says all by its header."""

    def pack(self) -> bytes:
        """The payload: none."""
        return b""

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises ValueError when there is a payload."""
        if payload:
            raise ValueError("a payload where none belongs")
        return cls()


@dataclass(frozen=True, slots=True)
class Ack(_Empty):
    """The event named by the header's boot_id and seq is durable and may be forgotten."""

    type: ClassVar = MessageType.ACK


@dataclass(frozen=True, slots=True)
class HelloRequest(_Empty):
    """The hub asks who is there."""

    type: ClassVar = MessageType.HELLO_REQ


@dataclass(frozen=True, slots=True)
class ConfigRead(_Empty):
    """The hub asks for the values in force."""

    type: ClassVar = MessageType.CONFIG


@dataclass(frozen=True, slots=True)
class Nak:
    """The frame named by the header's boot_id and seq was refused."""

    type: ClassVar = MessageType.NAK
    code: int
    """A :class:`NakCode`, or a number this build does not know."""

    def pack(self) -> bytes:
        """The payload."""
        return bytes((self.code,))

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises ValueError on a bad payload."""
        (code,) = payload
        return cls(code)


@dataclass(frozen=True, slots=True)
class Config:
    """From the hub: set these values. From the node: these are in force. The answer carries the request's seq."""

    type: ClassVar = MessageType.CONFIG
    threshold: int
    """What the sensor must exceed, in the sensor's own unit."""
    window_ms: int
    """How long one event may last before the next can begin."""

    def pack(self) -> bytes:
        """The payload."""
        return struct.pack(">HH", self.threshold, self.window_ms)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises struct.error on a bad payload."""
        return cls(*struct.unpack(">HH", payload))
