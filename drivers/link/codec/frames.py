"""The Arch-Stats link: frames of bytes to messages and back, for the hub and for the node alike.

Pure: bytes and values in, values and bytes out. ``docs/protocol-link.md`` is the specification.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from drivers.link.codec import cobs
from drivers.link.codec.earlier import MAX_EARLIER, EarlierBoot
from drivers.link.codec.fields import MessageType, NakCode, NodeCapability, NodeKind, ReleaseCode
from drivers.link.codec.messages import (
    Ack,
    Config,
    ConfigRead,
    Engage,
    Heartbeat,
    Hello,
    HelloRequest,
    Landing,
    Log,
    Nak,
    Pin,
    Release,
    Tags,
    TimeRequest,
    TimeResponse,
)

__all__ = [
    "ANY_NODE",
    "MAX_BODY",
    "MAX_EARLIER",
    "VERSION",
    "Ack",
    "Config",
    "ConfigRead",
    "EarlierBoot",
    "Engage",
    "Event",
    "Frame",
    "Heartbeat",
    "Hello",
    "HelloRequest",
    "Landing",
    "LinkCounters",
    "LinkDecoder",
    "Log",
    "Message",
    "MessageType",
    "Nak",
    "NakCode",
    "NodeCapability",
    "NodeKind",
    "Pin",
    "Release",
    "ReleaseCode",
    "Tags",
    "TimeRequest",
    "TimeResponse",
    "Unreadable",
    "encode",
]

VERSION: Final = 1
ANY_NODE: Final = 0xFFFF
"""The hub writes this as the node when whoever is there shall answer."""
MAX_BODY: Final = 2048
"""Bytes of a body from the version to the CRC; both sides refuse a longer one."""

_MAX_ENCODED: Final = cobs.longest(MAX_BODY)
_HEADER: Final = struct.Struct(">BBHIIQ")
_CRC: Final = struct.Struct(">I")
_MIN_BODY: Final = _HEADER.size + _CRC.size

Event = Engage | Release | Landing | Tags | Pin
"""What is numbered, kept by the node until acknowledged, and stored by the hub."""
Message = Event | Hello | Heartbeat | Log | TimeRequest | TimeResponse | Ack | Nak | ConfigRead | Config | HelloRequest

_PLAIN: Final[dict[int, type[Message]]] = {
    message.type: message
    for message in (
        Hello,
        Engage,
        Release,
        Landing,
        Tags,
        Pin,
        Heartbeat,
        Log,
        TimeRequest,
        TimeResponse,
        Ack,
        Nak,
        HelloRequest,
    )
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A whole frame, undamaged, that this build cannot read. A node answers it with NAK and ``code``."""

    code: NakCode
    version: int
    type: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came: the header's fields and the message."""

    node: int
    boot_id: int
    seq: int
    t_us: int
    message: Message | Unreadable


@dataclass(slots=True)
class LinkCounters:
    """What a decoder has seen. Every byte that became no frame is counted under its cause."""

    frames: int = 0
    """Read and understood."""
    bad_cobs: int = 0
    """The byte stuffing does not add up."""
    truncated: int = 0
    """Shorter than a header and its CRC."""
    bad_crc: int = 0
    overlong: int = 0
    """More bytes without a zero than a frame may have."""
    other_version: int = 0
    unknown_type: int = 0
    bad_payload: int = 0
    """The CRC is right, the content is not: a fault of the sender's firmware."""

    @property
    def damaged(self) -> int:
        """Frames that the wire spoilt."""
        return self.bad_cobs + self.truncated + self.bad_crc + self.overlong


def encode(message: Message, *, node: int, boot_id: int = 0, seq: int = 0, t_us: int = 0) -> bytes:
    """A whole frame, with its ending zero.

    Raises ValueError when a value does not fit its field or the body would be longer than ``MAX_BODY``.
    """
    try:
        body = _HEADER.pack(VERSION, message.type, node, boot_id, seq, t_us) + message.pack()
    except struct.error as fault:
        raise ValueError(f"{message.type.name} does not fit its frame: {fault}") from fault
    if len(body) + _CRC.size > MAX_BODY:
        raise ValueError(f"{message.type.name} takes {len(body) + _CRC.size} bytes, a body holds {MAX_BODY}")
    return cobs.encode(body + _CRC.pack(zlib.crc32(body))) + b"\0"


class LinkDecoder:
    """Bytes in as they come, frames out as they are whole.

    Never raises, whatever the bytes. Keeps at most one frame's bytes: what is longer is skipped up to the next zero, so
    after any damage the next whole frame is read again.
    """

    def __init__(self) -> None:
        self.counters = LinkCounters()
        self._held = b""
        self._skipping = False

    @property
    def held(self) -> int:
        """Bytes of the frame that is not whole yet."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes, in order."""
        *ended, rest = data.split(b"\0")
        frames: list[Frame] = []
        for piece in ended:
            encoded = self._take(piece)
            # Zeros in a row are no fault: a sender may put one in front to part its frame from noise.
            if encoded and (frame := self._read(encoded)) is not None:
                frames.append(frame)
        self._hold(rest)
        return frames

    def _hold(self, piece: bytes) -> None:
        if self._skipping:
            return
        if len(self._held) + len(piece) > _MAX_ENCODED:
            self.counters.overlong += 1
            self._held = b""
            self._skipping = True
        elif piece:
            self._held += piece

    def _take(self, piece: bytes) -> bytes:
        """The frame that ends with ``piece``; empty when it was too long."""
        self._hold(piece)
        encoded, self._held = self._held, b""
        self._skipping = False
        return encoded

    def _read(self, encoded: bytes) -> Frame | None:
        counters = self.counters
        try:
            body = cobs.decode(encoded)
        except ValueError:
            counters.bad_cobs += 1
            return None
        if len(body) < _MIN_BODY:
            counters.truncated += 1
            return None
        if len(body) > MAX_BODY:  # the byte stuffing leaves room for a few bytes more
            counters.overlong += 1
            return None
        if zlib.crc32(body[: -_CRC.size]) != _CRC.unpack_from(body, len(body) - _CRC.size)[0]:
            counters.bad_crc += 1
            return None
        version, kind, node, boot_id, seq, t_us = _HEADER.unpack_from(body)
        message = self._message(version, kind, seq, body[_HEADER.size : -_CRC.size])
        return Frame(node, boot_id, seq, t_us, message)

    def _message(self, version: int, kind: int, seq: int, payload: bytes) -> Message | Unreadable:
        counters = self.counters
        if version != VERSION:
            counters.other_version += 1
            return Unreadable(NakCode.UNSUPPORTED_VERSION, version, kind)
        reader = _reader(kind, payload)
        if reader is None:
            counters.unknown_type += 1
            return Unreadable(NakCode.UNKNOWN_TYPE, version, kind)
        try:
            message = reader.unpack(payload)
            if seq == 0 and isinstance(message, Event):
                raise ValueError("events are numbered from 1")  # noqa: TRY301  (one place counts bad payloads)
        except (ValueError, IndexError, struct.error):
            counters.bad_payload += 1
            return Unreadable(NakCode.BAD_PAYLOAD, version, kind)
        counters.frames += 1
        return message


def _reader(kind: int, payload: bytes) -> type[Message] | None:
    """Who reads a payload of this type."""
    if kind == MessageType.CONFIG:
        return Config if payload else ConfigRead
    return _PLAIN.get(kind)
