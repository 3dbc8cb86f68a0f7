"""Division of a freETarget's bytes into objects and lines, and their decoder.

Nothing carries a checksum and many objects end without a new line, so a frame is what braces enclose. An opening brace
inside an object begins a new one: the object before it was cut off. Settings alone go on after it, because firmware 6 prints
them for seconds, and an impact meanwhile: whole, or cut off where the left one of their two columns ends.
"""

from __future__ import annotations

import re
from typing import Final

from drivers.freetarget.codec.fields import (
    is_impact,
    line_of,
    message_of,
    opens_settings,
    refusal_of,
    settings_of,
    unopened_of,
)
from drivers.freetarget.codec.messages import Counters, Message, Received, Refusal, Refused, Settings, Unlocated

MAX_OBJECT: Final = 8_192
"""Longest object in bytes; the settings of firmware 6 take some 3,000."""
MAX_LINE: Final = 512
"""Bytes kept of a line outside objects, counted from its end."""
_BRACES: Final = re.compile(rb"([{}])")


def split_objects(data: bytes) -> tuple[list[bytes], bytes]:
    """Divide bytes into frames, each to its closing brace and with the text before it, and the rest."""
    *frames, rest = data.split(b"}")
    return [frame + b"}" for frame in frames], rest


class Decoder:
    """Decodes a stream of bytes, in pieces of any size. Never raises, and holds at most one object, cut settings and one line."""

    def __init__(self) -> None:
        self.counters = Counters()
        self._object: bytearray | None = None
        """The open object without its brace; None outside of objects."""
        self._began_ns = 0
        self._now_ns = 0
        self._cut: bytearray | None = None
        """Settings in which another object began, and what was printed since, except for whole objects."""
        self._refusal: Refusal | None = None
        """The refusal that the open object belongs to."""
        self._line = b""
        self._received: list[Received] = []

    def feed(self, data: bytes, at_ns: int) -> list[Received]:
        """The messages that ``data`` completes, in order. ``at_ns`` is the instant at which it arrived."""
        self._now_ns = at_ns
        for piece in _BRACES.split(data):
            if piece == b"{":
                self._open(at_ns)
            elif piece == b"}":
                self._close(at_ns)
            elif self._object is None:
                self._take_text(piece, at_ns)
            else:
                self._take_fields(self._object, piece)
        received, self._received = self._received, []
        return received

    def _open(self, at_ns: int) -> None:
        if self._object is not None:
            if self._refusal is None and opens_settings(_text(self._object)):
                self._cut = self._object
            else:
                self.counters.truncated += 1
                self._give_up(self._object)
                self._go_on(self._object)
        line, self._line = _text(self._line), b""
        self._refusal = refusal_of(line)
        self._take_line(line, at_ns)
        self._object, self._began_ns = bytearray(), at_ns

    def _close(self, at_ns: int) -> None:
        if self._object is None:
            line, self._line = _text(self._line), b""
            if self._end_cut(at_ns):
                return
            self.counters.stray += 1
            self._deliver(unopened_of(line), at_ns)
            return
        text, self._object = _text(self._object), None
        if self._refusal is not None:
            self._deliver(Refused(self._refusal, text[:MAX_LINE]), self._began_ns)
            return
        message = message_of(text)
        if isinstance(message, Settings):
            self._cut = None
        self.counters.unknown += message is None
        self._deliver(message, self._began_ns)
        if message == Unlocated() and self._cut is not None:
            self._go_on(text.encode("latin-1"))
            self._end_cut(at_ns)

    def _take_fields(self, fields: bytearray, piece: bytes) -> None:
        fields += piece
        if len(fields) > MAX_OBJECT:
            self.counters.overlong += 1
            self._object = None
            self._give_up(fields)

    def _take_text(self, piece: bytes, at_ns: int) -> None:
        self._go_on(piece)
        *lines, rest = piece.split(b"\n")
        for line in lines:
            self._take_line(_text((self._line + line)[-MAX_LINE:]), at_ns)
            self._line = b""
        self._line = (self._line + rest)[-MAX_LINE:]

    def _go_on(self, piece: bytes | bytearray) -> None:
        """Continue the cut settings."""
        if self._cut is not None:
            self._cut += piece
            if len(self._cut) > MAX_OBJECT:
                self.counters.truncated += 1
                self._cut = None

    def _end_cut(self, at_ns: int) -> bool:
        """End the cut settings at a closing brace; whether they are whole."""
        cut, self._cut = self._cut, None
        settings = None if cut is None else settings_of(_text(cut))
        self._deliver(settings, at_ns)
        return settings is not None

    def _take_line(self, line: str, at_ns: int) -> None:
        if line.strip():
            self.counters.lines += 1
            self._deliver(line_of(line.rstrip()), at_ns)

    def _give_up(self, fields: bytearray) -> None:
        """Leave an object that cannot be completed. Where it was an impact, that must not pass unnoticed."""
        if self._refusal is None and is_impact(_text(fields)):
            self._deliver(Unlocated(), self._began_ns)

    def _deliver(self, message: Message | None, at_ns: int) -> None:
        if message is None:
            return
        if message == Unlocated():
            self.counters.damaged += 1
        self.counters.messages += 1
        self._received.append(Received(message, at_ns, self._now_ns))


def _text(data: bytes | bytearray) -> str:
    return data.decode("latin-1")
