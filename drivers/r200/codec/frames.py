"""Frames of the readers: header, type, code, length, parameters, sum, end. Pure, incremental and bounded.

The bytes of header and end also occur in the parameters and nothing escapes them, so that only the length divides a
stream into frames. A frame with a wrong sum or end is dropped, and the search goes on one byte after its header: what
looked like a header may have been a byte of the parameters of another frame.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

MAX_EPC_WORDS: Final = 31
"""Most words of an EPC: the length in the PC has 5 bits (Gen2, PC bits 10h-14h)."""
MAX_DATA_WORDS: Final = 32
"""Most words that one command reads or writes (firmware manual, write command)."""
MAX_PARAMS: Final = 1 + 2 + 2 * MAX_EPC_WORDS + 2 * MAX_DATA_WORDS
"""Longest parameters in bytes: the answer to the longest read, of a tag with the longest EPC.

A damaged length thus withholds at most 136 bytes from the search, 12 ms at 115,200 baud.
"""
OVERHEAD: Final = 7
"""Bytes of a frame beside its parameters."""
MAX_FRAME: Final = MAX_PARAMS + OVERHEAD
_HEAD: Final = 5


class Dialect(StrEnum):
    """Kind of header and end. Everything between them is the same."""

    M100 = "m100"
    """``BB`` and ``7E``: M100, QM100, YRM100, JRD-4035, M5Stack."""
    R200 = "r200"
    """``AA`` and ``DD``: present R200 boards."""

    @property
    def header(self) -> int:
        """First byte of a frame."""
        return 0xBB if self is Dialect.M100 else 0xAA

    @property
    def end(self) -> int:
        """Last byte of a frame."""
        return 0x7E if self is Dialect.M100 else 0xDD


class FrameType(IntEnum):
    """Direction and occasion of a frame."""

    COMMAND = 0
    ANSWER = 1
    NOTICE = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame."""

    type: FrameType
    code: int
    params: bytes = b""
    dialect: Dialect = Dialect.M100

    def encode(self) -> bytes:
        """The bytes of the frame. Raises ValueError for parameters longer than ``MAX_PARAMS``."""
        if len(self.params) > MAX_PARAMS:
            raise ValueError(f"a frame holds at most {MAX_PARAMS} bytes of parameters, not {len(self.params)}")
        body = bytes((self.type, self.code)) + len(self.params).to_bytes(2, "big") + self.params
        return bytes((self.dialect.header,)) + body + bytes((sum(body) & 0xFF, self.dialect.end))


@dataclass(slots=True)
class FrameCounters:
    """Counts of one decoder."""

    frames: int = 0
    """Frames delivered."""
    bad_sum: int = 0
    """Frames dropped because of their sum."""
    bad_end: int = 0
    """Frames dropped because of their last byte."""
    bad_length: int = 0
    """Headers with a length above ``MAX_PARAMS``."""
    cut: int = 0
    """Frames whose remaining bytes did not come."""
    skipped: int = 0
    """Bytes outside of delivered frames."""


class Decoder:
    """Decodes a stream of bytes, in pieces of any size. Never raises, and holds less than one frame."""

    def __init__(self, dialect: Dialect | None = None) -> None:
        """``dialect`` is the only one whose frames are taken; None takes both."""
        self.counters = FrameCounters()
        self._header = _HEADERS[dialect]
        self._held = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes, in order."""
        self._held += data
        return self._scan(is_final=False)

    def end_silence(self) -> list[Frame]:
        """The frames behind an incomplete one, whose remaining bytes will not come because the line was silent."""
        return self._scan(is_final=True)

    def _scan(self, *, is_final: bool) -> list[Frame]:
        data, at, frames = self._held, 0, list[Frame]()
        while True:
            found = self._header.search(data, at)
            start = len(data) if found is None else found.start()
            self.counters.skipped += start - at
            at = start
            if found is None:
                break
            size = _frame_size(data, at)
            if size is None:
                self.counters.bad_length += data[at + 1] <= max(FrameType)
                taken = None
            elif at + size <= len(data):
                taken = self._frame(data[at : at + size])
            elif is_final:
                self.counters.cut += 1
                taken = None
            else:
                break
            if taken is None:
                self.counters.skipped += 1
                at += 1
            else:
                frames.append(taken)
                at += size or 0
        self._held = data[at:]
        return frames

    def _frame(self, data: bytes) -> Frame | None:
        dialect = _DIALECTS[data[0]]
        if data[-1] != dialect.end:
            self.counters.bad_end += 1
            return None
        if sum(data[1:-2]) & 0xFF != data[-2]:
            self.counters.bad_sum += 1
            return None
        self.counters.frames += 1
        return Frame(FrameType(data[1]), data[2], data[_HEAD:-2], dialect)


def split_frames(data: bytes) -> tuple[list[bytes], bytes]:
    """Divide bytes into frames of both dialects, whatever their sum, and the rest. No byte is lost or added.

    Bytes outside of frames are pieces of their own.
    """
    header = _HEADERS[None]
    frames: list[bytes] = []
    begin = at = 0
    while True:
        found = header.search(data, at)
        at = len(data) if found is None else found.start()
        size = None if found is None else _frame_size(data, at)
        if found is not None and size is not None and at + size > len(data):
            break
        whole = size is not None and data[at + size - 1] == _DIALECTS[data[at]].end
        if (whole or found is None) and begin < at:
            frames.append(data[begin:at])
            begin = at
        if found is None:
            break
        if whole and size is not None:
            frames.append(data[at : at + size])
            at += size
            begin = at
        else:
            at += 1
    if begin < at:
        frames.append(data[begin:at])
    return frames, data[at:]


def _frame_size(data: bytes, at: int) -> int | None:
    """Size of the frame whose header is at ``at``, the least one before its length arrived; None if it is none."""
    if at + 1 < len(data) and data[at + 1] > max(FrameType):
        return None
    if at + _HEAD > len(data):
        return OVERHEAD
    length = int.from_bytes(data[at + 3 : at + _HEAD], "big")
    return length + OVERHEAD if length <= MAX_PARAMS else None


_DIALECTS: Final = {dialect.header: dialect for dialect in Dialect}
_HEADERS: Final[Mapping[Dialect | None, re.Pattern[bytes]]] = {
    None: re.compile(b"[" + bytes(_DIALECTS) + b"]"),
    **{dialect: re.compile(re.escape(bytes((dialect.header,)))) for dialect in Dialect},
}
