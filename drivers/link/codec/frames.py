"""Frames of the Arch-Stats link: bytes to messages and back, for the hub and for the node.

Pure. ``docs/protocol-link.md`` is the specification.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from drivers.link.codec import cobs
from drivers.link.codec.fields import MessageType, NakCode
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

VERSION: Final = 1
ANY_NODE: Final = 0xFFFF
"""Node number in a frame of the hub that addresses every node on the line."""
MAX_BODY: Final = 2048
"""Longest body in bytes, from the version to the CRC; both sides refuse a longer one."""
FRAME_END: Final = b"\0"
"""Byte that ends each frame and occurs nowhere else."""

_MAX_ENCODED: Final = cobs.longest(MAX_BODY)
_HEADER: Final = struct.Struct(">BBHIIQ")
_CRC: Final = struct.Struct(">I")
_MIN_BODY: Final = _HEADER.size + _CRC.size

Event = Engage | Release | Landing | Tags | Pin
"""Messages that the node numbers and keeps until acknowledged, and that the hub stores."""
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
    """An undamaged frame that this build cannot read. A node answers it with NAK and ``code``."""

    code: NakCode
    version: int
    type: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One received frame: the fields of its header and its message."""

    node: int
    boot_id: int
    seq: int
    t_us: int
    message: Message | Unreadable


@dataclass(slots=True)
class LinkCounters:
    """Counts of one decoder. Each frame that is not delivered is counted under its cause."""

    frames: int = 0
    """Frames delivered."""
    bad_cobs: int = 0
    """Frames with invalid byte stuffing."""
    truncated: int = 0
    """Frames shorter than a header and its CRC."""
    bad_crc: int = 0
    overlong: int = 0
    """Frames longer than ``MAX_BODY``."""
    other_version: int = 0
    unknown_type: int = 0
    bad_payload: int = 0
    """Frames with a right CRC and invalid content: a fault of the sender's firmware."""

    @property
    def damaged(self) -> int:
        """Frames damaged on the wire."""
        return self.bad_cobs + self.truncated + self.bad_crc + self.overlong


def encode(message: Message, *, node: int, boot_id: int = 0, seq: int = 0, t_us: int = 0) -> bytes:
    """Encode a whole frame, with the zero that ends it.

    Raises ValueError when a value does not fit its field or the body would be longer than ``MAX_BODY``.
    """
    try:
        body = _HEADER.pack(VERSION, message.type, node, boot_id, seq, t_us) + message.pack()
    except struct.error as fault:
        raise ValueError(f"{message.type.name} does not fit its frame: {fault}") from fault
    if len(body) + _CRC.size > MAX_BODY:
        raise ValueError(f"{message.type.name} takes {len(body) + _CRC.size} bytes, a body holds {MAX_BODY}")
    return cobs.encode(body + _CRC.pack(zlib.crc32(body))) + FRAME_END


def split_frames(data: bytes) -> list[bytes]:
    """The encoded frames in a piece of the line's bytes, without the zeros that end them."""
    return [frame for frame in data.split(FRAME_END) if frame]


class LinkDecoder:
    """Decodes a stream of bytes, in pieces of any size, into frames.

    Never raises. Holds at most the bytes of one frame: a longer one is skipped up to the next zero, so the decoder
    delivers the next whole frame after any damage.
    """

    def __init__(self) -> None:
        self.counters = LinkCounters()
        self._held = b""
        self._skipping = False

    @property
    def held(self) -> int:
        """Number of bytes of the unfinished frame."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that ``data`` completes, in order."""
        *ended, rest = data.split(FRAME_END)
        frames: list[Frame] = []
        for piece in ended:
            encoded = self._take(piece)
            # A sender may put a zero before a frame to separate it from noise.
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
        """Return the frame that ends with ``piece``; empty when it was too long."""
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
    """The message class of a payload; None for an unknown type."""
    if kind == MessageType.CONFIG:
        return Config if payload else ConfigRead
    return _PLAIN.get(kind)
