"""Codec of the Tally target: bytes to messages and back. Pure: no asyncio, no clock, no logging."""

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
    firmware: str
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """An impact, in millimetres of the sensor's own frame; None for an unknown value."""

    x_mm: float | None
    y_mm: float | None


@dataclass(frozen=True, slots=True)
class Beat:
    """Heartbeat."""


Message = Ask | Identity | Hit | Beat


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
            text = "?"
        case Identity(serial, firmware, is_simulated):
            text = f"I,{serial},{firmware},{'simulated' if is_simulated else 'real'}"
        case Hit(x_mm, y_mm):
            text = f"H,{_number_text(x_mm)},{_number_text(y_mm)}"
        case Beat():
            text = "B"
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
            message = _parse(line.decode("ascii").split(","))
        except ValueError:
            self.counters.bad_lines += 1
            return None
        self.counters.lines += 1
        return message


def _parse(fields: list[str]) -> Message:
    match fields:
        case ["?"]:
            return Ask()
        case ["I", serial, firmware, ("real" | "simulated") as origin]:
            return Identity(serial, firmware, origin == "simulated")
        case ["H", x, y]:
            return Hit(_number(x), _number(y))
        case ["B"]:
            return Beat()
        case _:
            raise ValueError("the line is not a message")


def _number(text: str) -> float | None:
    value = float(text) if text else None
    if value is not None and not abs(value) < 1e6:
        raise ValueError(f"{text} is not a length")
    return value


def _number_text(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
