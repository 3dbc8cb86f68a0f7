"""Messages of a freETarget, and the text of a command to it.

Facts from the target's Interface Control Document and from its firmware 4.3.2 and 6.3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = int | float | str
"""A value of an object: a number, or a text."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A located impact, in millimetres from the target's centre, right and up positive."""

    number: int
    """The target's own count. Firmware 6 counts from 1 to 100 and starts again with 1."""
    x_mm: float
    y_mm: float
    is_remapped: bool = False
    """The target moved the position to the nearest bull of a face with several (``real_x`` is present)."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A miss that the target announces. A hint only: most misses are not announced."""

    number: int


@dataclass(frozen=True, slots=True)
class Unlocated:
    """An impact without a usable position: its object is damaged, or a sensor did not hear it."""


@dataclass(frozen=True, slots=True)
class Version:
    """Version of the firmware: the answer to VERSION, and the greeting of firmware 3 and 4 after a start."""

    text: str
    is_greeting: bool = False
    """It has the form of the greeting, in which firmware 3 and 4 also answer."""


@dataclass(frozen=True, slots=True)
class Started:
    """The target starts: its processor (ESP32, firmware 6) prints a line of its own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that ECHO prints, by the target's own keys."""

    values: Mapping[str, Value]


class NoticeKind(StrEnum):
    """Kind of a notice, by its key."""

    CONNECTED = "CONNECTED"
    """A client connected over TCP. Every client receives it."""
    KEEP_ALIVE = "KEEP_ALIVE"
    BYE = "BYE"
    """The target goes to sleep and senses nothing until HELLO WORLD."""
    HELLO_WORLD = "HELLO WORLD"
    """The target woke up."""
    FAULT = "Fault"
    """Firmware 4: a sensor reports without an impact, so the target is not armed. Repeated each second meanwhile."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice without data."""

    kind: NoticeKind


class Refusal(StrEnum):
    """Reason why the target refused a command, in its own words."""

    UNKNOWN = "Cannot decode"
    LOCKED = "Invalid input or locked"


@dataclass(frozen=True, slots=True)
class Refused:
    """The target refused a command."""

    reason: Refusal
    command: str
    """The command as the target received it, without its braces."""

    @property
    def sent_as(self) -> bytes:
        """The bytes of the command, if the line did not change them."""
        return f"{{{self.command}}}".encode("latin-1")


@dataclass(frozen=True, slots=True)
class Command:
    """A command: keys in capitals with their values. The target echoes every byte of it."""

    values: Mapping[str, Value]


Message = Shot | Miss | Unlocated | Version | Started | Settings | Notice | Refused | Command


@dataclass(frozen=True, slots=True)
class Received:
    """A message and the arrival of its first byte."""

    message: Message
    at_ns: int
    """The instant that was given with the bytes that held its opening brace, or the end of its line."""
    ended_ns: int
    """The instant that was given with the bytes that completed it."""


@dataclass(slots=True)
class Counters:
    """Counts of one decoder. Each piece that is not delivered is counted under its cause."""

    messages: int = 0
    """Messages delivered."""
    damaged: int = 0
    """Objects of an impact without usable number or position; delivered as unlocated."""
    truncated: int = 0
    """Objects in which another one begins."""
    overlong: int = 0
    """Objects longer than ``MAX_OBJECT``."""
    stray: int = 0
    """Closing braces without an opening one."""
    unknown: int = 0
    """Objects without a known key."""
    lines: int = 0
    """Lines of text outside objects, such as the target's log."""


def encode_command(values: Mapping[str, int | float]) -> bytes:
    """The bytes of a command. The target accepts no space between a key and its colon."""
    fields = (
        f'"{key}":{value:.3f}' if isinstance(value, float) else f'"{key}":{value:d}' for key, value in values.items()
    )
    return ("{" + ",".join(fields) + "}").encode("ascii")
