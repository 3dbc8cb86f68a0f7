"""Codec of the Gong target: bytes to messages and back. Pure: no asyncio, no clock, no logging."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LINE = 80
"""Longest line in bytes, without its line feed."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Request of the hub for the identity."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Answer to a request for the identity."""

    serial: str
    boot: int
    uptime_ms: int
    """Time since the boot, in milliseconds."""
    previous_last_seq: int
    """Number of the last hit of the boot before; 0 for no hit."""
    firmware: str
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """An impact, in millimetres of the sensor's own frame; None for an unknown value."""

    boot: int
    seq: int
    age_ms: int | None
    """Time since the impact, in milliseconds."""
    x_mm: float | None
    y_mm: float | None


@dataclass(frozen=True, slots=True)
class Stored:
    """Acknowledgement of a hit."""

    boot: int
    seq: int


@dataclass(frozen=True, slots=True)
class Beat:
    """Heartbeat, with the number of the last hit of the boot."""

    boot: int
    last_seq: int
    pending: int
    """Number of hits without an acknowledgement."""


Message = Ask | Identity | Hit | Stored | Beat


@dataclass(slots=True)
class Counters:
    """Counts of one decoder. Each line that is not delivered is counted under its cause."""

    lines: int = 0
    """Lines delivered."""
    bad_lines: int = 0
    """Lines with invalid content."""
    overlong: int = 0
    """Lines longer than ``MAX_LINE``."""


def encode(message: Message) -> bytes:
    """Encode a message as a line."""
    match message:
        case Ask():
            text = "ID?"
        case Identity(serial, boot, uptime_ms, previous, firmware, is_simulated):
            text = f"ID {serial} {boot} {uptime_ms} {previous} {firmware} {'simulated' if is_simulated else 'real'}"
        case Hit(boot, seq, age_ms, x_mm, y_mm):
            age = "-" if age_ms is None else str(age_ms)
            text = f"HIT {boot} {seq} {age} {_length_text(x_mm)} {_length_text(y_mm)}"
        case Stored(boot, seq):
            text = f"OK {boot} {seq}"
        case Beat(boot, last_seq, pending):
            text = f"UP {boot} {last_seq} {pending}"
    return text.encode("ascii") + b"\n"


def split_lines(data: bytes) -> tuple[list[bytes], bytes]:
    """Divide bytes into complete lines, each with its line feed, and the rest."""
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines], rest


class Decoder:
    """Decodes a stream of bytes, in pieces of any size. Never raises, and holds at most one line."""

    def __init__(self) -> None:
        self.counters = Counters()
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that ``data`` completes, in order."""
        lines, self._rest = split_lines(self._rest + data)
        if len(self._rest) > MAX_LINE:
            # Keep one byte too many, so that the end of this line is counted as overlong and not as a line.
            self._rest = self._rest[: MAX_LINE + 1]
        return [message for line in lines if (message := self._decode(line[:-1])) is not None]

    def _decode(self, line: bytes) -> Message | None:
        if len(line) > MAX_LINE:
            self.counters.overlong += 1
            return None
        try:
            message = _parse(line.decode("ascii").split(" "))
        except ValueError:
            self.counters.bad_lines += 1
            return None
        self.counters.lines += 1
        return message


def _parse(fields: list[str]) -> Message:
    match fields:
        case ["ID?"]:
            return Ask()
        case ["ID", serial, boot, uptime, previous, firmware, ("real" | "simulated") as origin]:
            return Identity(serial, _count(boot), _count(uptime), _count(previous), firmware, origin == "simulated")
        case ["HIT", boot, seq, age, x, y]:
            return Hit(_count(boot), _count(seq), None if age == "-" else _count(age), _length(x), _length(y))
        case ["OK", boot, seq]:
            return Stored(_count(boot), _count(seq))
        case ["UP", boot, last_seq, pending]:
            return Beat(_count(boot), _count(last_seq), _count(pending))
        case _:
            raise ValueError("the line is not a message")


def _count(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**32:
        raise ValueError(f"{text} is not a count")
    return int(text)


def _length(text: str) -> float | None:
    value = None if text == "-" else float(text)
    if value is not None and not abs(value) < 1e6:
        raise ValueError(f"{text} is not a length")
    return value


def _length_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
