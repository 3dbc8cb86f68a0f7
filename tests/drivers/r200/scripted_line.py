"""A line whose far end is scripted: what each command is answered. It waits for nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from drivers.r200.codec import (
    GET_POWER,
    GET_REGION,
    Answer,
    Code,
    Decoder,
    Dialect,
    Done,
    Failure,
    FailureCode,
    GetInfo,
    HostCommand,
    Info,
    PlainCommand,
    PowerIs,
    Region,
    RegionIs,
    SetIdleSleep,
    SetPower,
    SetQuery,
    SetRegion,
    SetSelectMode,
    command_of,
    encode_answer,
)
from drivers.r200.reader import Reader
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import Chunk, SerialCounters

Answers = Iterable[Answer | bytes]
Script = Callable[[HostCommand], Answers]
NO_TAG = Failure(FailureCode.NO_TAG)


class ScriptedLine:
    """Implements :class:`drivers.r200.reader.Line`. A read without bytes returns at once, as after its time-out."""

    def __init__(self, dialect: Dialect = Dialect.M100) -> None:
        self.counters = SerialCounters()
        self.sent: list[HostCommand] = []
        self.scripts: deque[Script] = deque()
        """Answers to the next commands; after them those of ``usual``."""
        self.region = Region.CN900
        self.centi_dbm = 2_000
        self.maker = "Maker"
        self._dialect = dialect
        self._chunks: deque[Chunk] = deque()
        self._decoder = Decoder(dialect)

    def answer_next(self, *answers: Answer | bytes) -> None:
        """Answer the next command that has no script yet."""
        self.scripts.append(lambda _: answers)

    def usual(self, command: HostCommand) -> Answers:
        """The answers of a reader without tags."""
        match command:
            case GetInfo(kind):
                return [Info(kind, self.maker)]
            case SetRegion(region):
                self.region = region
            case SetPower(centi_dbm):
                self.centi_dbm = centi_dbm
            case SetSelectMode():
                return [Done(Code.SET_SELECT)]
            case SetIdleSleep() | SetQuery() | PlainCommand(Code.STOP):
                pass
            case PlainCommand(Code.INVENTORY):
                return [NO_TAG]
            case _ if command == GET_REGION:
                return [RegionIs(self.region)]
            case _ if command == GET_POWER:
                return [PowerIs(self.centi_dbm)]
            case _:
                return [Failure(FailureCode.BAD_COMMAND)]
        return [Done(command.code)]

    async def read(self, timeout_s: float) -> Chunk | None:
        """The next bytes; None without any."""
        del timeout_s
        return self._chunks.popleft() if self._chunks else None

    def write(self, data: bytes) -> bool:
        """Take a command, and answer it at once."""
        for frame in self._decoder.feed(data):
            command = command_of(frame)
            assert command is not None
            self.sent.append(command)
            self.arrive(*(self.scripts.popleft() if self.scripts else self.usual)(command))
        return True

    def restart(self) -> None:
        """The reader forgets its settings."""
        self.region, self.centi_dbm = Region.CN900, 2_000

    def arrive(self, *answers: Answer | bytes) -> None:
        """Let answers arrive now."""
        for answer in answers:
            data = answer if isinstance(answer, bytes) else encode_answer(answer, self._dialect)
            self.counters.received += len(data)
            self._chunks.append(Chunk(data, time.monotonic_ns()))


def settled_reader(line: ScriptedLine) -> Reader:
    """A reader on the line."""
    return Reader(line, Dialect.M100, FlightRecorder(lambda data: [data]))
