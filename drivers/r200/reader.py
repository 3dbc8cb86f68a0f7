"""Exchanges with one reader: a command, its answer, and the deadline in which it comes.

A reader answers in order and names only the kind of a command, so that a late answer looks like the one to the next
command. After each exchange without an answer the next one begins with a barrier: a request for a text about the
reader, whose answer repeats the kind of text. Everything before that answer is dropped. So does the second of two equal
kinds of command to a tag: the line may double the first, and its second answer looks like the one to the next.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import MutableSequence
from dataclasses import asdict
from itertools import cycle
from typing import Final, Protocol

from drivers.r200.codec import (
    INVENTORY,
    STOP,
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
    InfoKind,
    MultiInventory,
    Notice,
    answer_of,
    encode_command,
)
from drivers.r200.matching import ACCESS, ANSWER_S, deadline_s, fits, is_bad_command
from drivers.r200.scans import Round, TagRead
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import Chunk, SerialCounters

BARRIER_S: Final = 0.5
BARRIERS: Final = 3
"""Attempts of a barrier, each with its own deadline."""
QUIET_S: Final = 0.06
"""Silence that ends an inventory, which has no other end: twice a notice at 9,600 baud."""
ROUND_S: Final = 0.1
"""Longest time of one round among several."""
TRIES: Final = 3
"""Attempts of a command that may be repeated."""
MOST_LATE: Final = 64
"""Most late notices that are kept; the oldest are dropped."""
_NS: Final = 1_000_000_000


class Line(Protocol):
    """The part of an open port that a reader needs."""

    counters: SerialCounters

    async def read(self, timeout_s: float) -> Chunk | None:
        """Read the next bytes; None if none arrive in time."""
        ...

    def write(self, data: bytes) -> bool:
        """Send without waiting."""
        ...


class Reader:
    """One reader behind an open port. One exchange at a time.

    Every method raises DeviceLost when the line fails. A cancelled exchange counts as one without an answer.
    """

    def __init__(self, port: Line, dialect: Dialect, record: FlightRecorder) -> None:
        self.counters: Counter[str] = Counter()
        self.dialect = dialect
        self.answered_ns = time.monotonic_ns()
        """CLOCK_MONOTONIC at the last frame of the reader."""
        self.is_doubtful = False
        """An exchange had no answer, or was cancelled: the reader may have restarted, without its settings."""
        self._port = port
        self._record = record
        self._decoder = Decoder(dialect)
        self._pending: deque[tuple[Answer, int]] = deque()
        self._taken = port.counters.received
        """Bytes of the port that were read or dropped."""
        self._is_settled = False
        """No answer to an earlier command can follow."""
        self._barrier_kinds = cycle(InfoKind)
        self._latest: type[HostCommand] | None = None
        """Kind of the latest command."""
        self._late: deque[TagRead] = deque(maxlen=MOST_LATE)
        """Notices that arrived after their inventory, for the next one of the plain reader."""
        self._inventory_ns = 0
        """CLOCK_MONOTONIC at the last request of an inventory."""

    async def ask(self, command: HostCommand) -> Answer | None:
        """The answer to a command, which may be a failure; None without one."""
        if isinstance(command, ACCESS) and type(command) is self._latest:
            self._is_settled = False
        if not await self._settle():
            return None
        self._latest = type(command)
        until_ns = self._send(command) + round(deadline_s(command) * _NS)
        while (item := await self._next(until_ns)) is not None:
            if fits(command, item[0]):
                self._is_settled = True
                return item[0]
            self.counters["unexpected"] += 1
        self._on_silence()
        return None

    async def repeat(self, command: HostCommand) -> Answer | None:
        """As :meth:`ask`, with several attempts: the line may lose or change a command, which then is a bad one."""
        answer: Answer | None = None
        for _ in range(TRIES):
            answer = await self.ask(command)
            if answer is not None and not is_bad_command(answer):
                break
        return answer

    async def inventory(self, rounds: int = 1, *, is_exact: bool = False) -> Round | Failure | None:
        """The tags that answer; none for a reader without an answer.

        ``is_exact`` waits until no notice can follow, so that none is taken for one of the next inventory. Otherwise
        the reads have late notices of the inventory before, which arrived before this one was requested.
        """
        if not await self._settle():
            return None
        reads = [] if is_exact else list(self._late)
        self._late.clear()
        sent_ns = self._inventory_ns = self._send(INVENTORY if rounds == 1 else MultiInventory(rounds))
        latest_ns = sent_ns + round((ANSWER_S + rounds * ROUND_S) * _NS)
        until_ns = sent_ns + round(ANSWER_S * _NS)
        has_answer = False
        while (item := await self._next(min(until_ns, latest_ns))) is not None:
            answer, at_ns = item
            if isinstance(answer, Notice):
                self._take(answer, at_ns, reads)
            elif not isinstance(answer, Failure):
                self.counters["unexpected"] += 1
                continue
            elif answer.cause is not FailureCode.NO_TAG:
                self._is_settled = rounds == 1
                return answer
            elif rounds == 1:
                has_answer = self._is_settled = True
                break
            has_answer = True
            until_ns = time.monotonic_ns() + round(QUIET_S * _NS)
        if rounds > 1:
            has_answer = await self._stop(reads) and has_answer
        elif is_exact and has_answer and not self._is_settled:
            has_answer = await self._settle(reads)
        elif has_answer:
            self._is_settled = True
        else:
            self._on_silence()
        return Round(tuple(reads), sent_ns, time.monotonic_ns()) if has_answer else None

    def count(self) -> dict[str, int]:
        """Counters of frames and exchanges."""
        return {**asdict(self._decoder.counters), **self.counters}

    async def _stop(self, reads: list[TagRead]) -> bool:
        """End several rounds, of which notices may still be under way; whether the reader answered."""
        for _ in range(TRIES):
            until_ns = self._send(STOP) + round(ANSWER_S * _NS)
            while (item := await self._next(until_ns)) is not None:
                answer, at_ns = item
                if isinstance(answer, Notice):
                    self._take(answer, at_ns, reads)
                elif answer == Done(Code.STOP):
                    self._is_settled = True
                    return True
            self._on_silence()
        return False

    async def _settle(self, reads: list[TagRead] | None = None) -> bool:
        """Make sure that no earlier answer can follow; whether the reader answered. Late notices go to ``reads``."""
        if self._is_settled:
            if self._pending or self._port.counters.received - self._port.counters.unread > self._taken:
                await self._drop_pending()
            return True
        for attempt in range(BARRIERS):
            if attempt:
                self._send(STOP)  # rounds of another program may run, during which it obeys nothing else
            kind = next(self._barrier_kinds)  # all in turn: the answer to an earlier attempt may follow
            until_ns = self._send(GetInfo(kind)) + round(BARRIER_S * _NS)
            while (item := await self._next(until_ns)) is not None:
                answer, at_ns = item
                if isinstance(answer, Info) and answer.kind is kind:
                    self._is_settled = True
                    return True
                if isinstance(answer, Notice) and reads is not None:
                    self._take(answer, at_ns, reads)
                else:
                    self._drop(answer, at_ns)
            self._on_silence()
        return False

    async def _drop_pending(self) -> None:
        """Drop what arrived since the last answer: it is older than the next command."""
        while (item := await self._next(0)) is not None:
            self._drop(*item)

    def _drop(self, answer: Answer, at_ns: int) -> None:
        """Drop a late answer, but keep what it says about a tag."""
        self.counters["late_replies"] += 1
        if isinstance(answer, Notice):
            self._take(answer, at_ns, self._late)

    def _on_silence(self) -> None:
        self.counters["timeouts"] += 1
        self.is_doubtful = True

    def _take(self, notice: Notice, at_ns: int, reads: MutableSequence[TagRead]) -> None:
        if notice.is_intact:
            reads.append(TagRead(notice, at_ns, at_ns - self._inventory_ns))
        else:
            self.counters["wrong_tag_crc"] += 1

    def _send(self, command: HostCommand) -> int:
        """Send a command; the instant. Until its answer arrives another command is not settled."""
        self._is_settled = False
        data, now_ns = encode_command(command, self.dialect), time.monotonic_ns()
        self._record.sent(data, now_ns)
        self._port.write(data)
        return now_ns

    async def _next(self, until_ns: int) -> tuple[Answer, int] | None:
        """The next answer and its arrival; None if none is complete at ``until_ns``."""
        while not self._pending:
            now_ns = time.monotonic_ns()
            chunk = await self._port.read((until_ns - now_ns) / _NS)
            if chunk is None:
                frames, at_ns = self._decoder.end_silence(), now_ns
            else:
                self._taken += len(chunk.data)
                self._record.received(chunk.data, chunk.at_ns)
                frames, at_ns = self._decoder.feed(chunk.data), chunk.at_ns
            for frame in frames:
                self.answered_ns = max(self.answered_ns, at_ns)
                answer = answer_of(frame)
                if answer is None:
                    self.counters["unreadable"] += 1
                else:
                    self._pending.append((answer, at_ns))
            if not self._pending and (chunk is None or (0 < until_ns < now_ns)):
                return None
        return self._pending.popleft()
