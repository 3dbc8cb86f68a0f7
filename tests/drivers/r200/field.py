"""Tags in the field of a reader without bytes and time, for the machines that work on a tag."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import pytest

from drivers.r200.codec import (
    GET_SELECT,
    Answer,
    Bank,
    BankData,
    Code,
    Done,
    Failure,
    FailureCode,
    LockTag,
    Notice,
    ReadBank,
    Select,
    SelectIs,
    SelectMode,
    SetSelect,
    SetSelectMode,
    TagDone,
    TagId,
    TagOperation,
    WriteBank,
)
from drivers.r200.programming import Check, Look, Phase, Reply, Request, Steps, TagWork
from drivers.r200.refusals import Refusal, Refused
from drivers.r200.scans import Round, TagRead
from drivers.r200.writing import Approval, Programming
from simulators.devices.gen2_tag import Gen2Tag, TagRefused, WrongPassword, bytes_of, words_of
from tests.simulators.devices.tag_work import write

UUID = bytes.fromhex("123456789abc4def8123456789abcdef")
FACTORY = bytes.fromhex("e28011700000020a7d001bc5")
BLANK = FACTORY + bytes(4)
SEEN = TagId(0x3000, FACTORY)
EVERY_TAG = Select(Bank.EPC, 32, 0, b"")
"""Condition of a reader that has none."""
_BASES = {ReadBank: TagOperation.READ, WriteBank: TagOperation.WRITE, LockTag: TagOperation.LOCK}
_LOST = {
    ReadBank: FailureCode.READ_FAILED,
    WriteBank: FailureCode.WRITE_FAILED,
    LockTag: FailureCode.LOCK_FAILED,
}
T = TypeVar("T")
Hook = Callable[[Request], Reply]


def new_tag(number: int = 1, epc: bytes = FACTORY, *, capacity: int = 8, tid: bytes | None = None) -> Gen2Tag:
    """A tag as it comes from the factory."""
    own = bytes.fromhex("e2801170200010") + number.to_bytes(5, "big") if tid is None else tid
    tag = Gen2Tag(own, capacity)
    tag.program(epc)
    return tag


@dataclass
class Field:
    """A reader with tags in its field. Hooks change what happens to the command with a number, counted by its type."""

    tags: list[Gen2Tag]
    hooks: dict[tuple[type, int], Hook] = field(default_factory=dict)
    torn_after: list[int] = field(default_factory=list)
    """Words that the next writes write before the tag is out of reach."""
    sent: list[Request] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    now_ns: int = 1
    select: Select = EVERY_TAG
    mode: SelectMode = SelectMode.NEVER
    draws: Random = field(default_factory=lambda: Random(1))
    """Chooses the tag that obeys, where several may."""

    def run(self, work: TagWork, steps: Steps[T]) -> T:
        """Run a machine to its end, and return what it returns."""
        try:
            request = next(steps)
            while True:
                if not self.phases or self.phases[-1] is not work.phase:
                    self.phases.append(work.phase)
                request = steps.send(self.reply(request))
        except StopIteration as end:
            result: T = end.value
            return result

    def restart(self) -> None:
        """The reader forgets its selection."""
        self.select, self.mode = EVERY_TAG, SelectMode.NEVER

    def writes(self) -> int:
        """Number of writes that were sent."""
        return sum(isinstance(request, WriteBank) for request in self.sent)

    def reply(self, request: Request) -> Reply:
        """The reply to a request."""
        self.sent.append(request)
        self.now_ns += 20_000_000
        number = sum(isinstance(earlier, type(request)) for earlier in self.sent)
        hook = self.hooks.get((type(request), number))
        if hook is not None:
            return hook(request)
        return self.work(request)

    def work(self, request: Request) -> Reply:
        """The reply without hooks."""
        if isinstance(request, Look):
            self.now_ns += round(request.pause_s * 1e9)
            reads = tuple(TagRead(Notice(-50, tag.pc, tag.epc, tag.crc), self.now_ns) for tag in self.tags)
            return Round(reads, self.now_ns - 1, self.now_ns)
        match request:
            case SetSelect(select):
                self.select, self.mode = select, SelectMode.EXCEPT_INVENTORY
                return Done(Code.SET_SELECT)
            case SetSelectMode(mode):
                self.mode = mode
                return Done(Code.SET_SELECT)
            case ReadBank() | WriteBank() | LockTag():
                return self._access(request)
            case Check():
                return None
            case _ if request == GET_SELECT:
                return SelectIs(self.select)
        return Failure(FailureCode.BAD_COMMAND)

    def _access(self, command: ReadBank | WriteBank | LockTag) -> Answer:
        tags = [tag for tag in self.tags if self._is_selected(tag)]
        if not tags:
            return Failure(_LOST[type(command)])
        tag = self.draws.choice(tags)
        seen = TagId(tag.pc, tag.epc)
        try:
            match command:
                case ReadBank(bank, start, count):
                    return BankData(seen, bytes_of(tag.read(bank, start, count)))
                case WriteBank(bank, start, data):
                    torn = self.torn_after.pop(0) if self.torn_after else None
                    write(tag, bank, start, words_of(data)[:torn])
                    return TagDone(Code.WRITE, seen) if torn is None else Failure(FailureCode.WRITE_FAILED)
                case LockTag(payload):
                    tag.lock(payload)
                    return TagDone(Code.LOCK, seen)
        except TagRefused as refused:
            return Failure.of_tag(_BASES[type(command)], refused.code, seen)
        except WrongPassword:
            return Failure(FailureCode.ACCESS_DENIED, seen)

    def _is_selected(self, tag: Gen2Tag) -> bool:
        select = self.select
        if self.mode is SelectMode.NEVER or not select.bits:
            return True
        return tag.matches(select.bank, select.pointer, select.bits, select.mask)


def lost(_: Request) -> Reply:
    """A command without an answer, which had no effect."""
    return None


def answered(answer: Reply) -> Hook:
    """A hook that gives this answer, without an effect."""
    return lambda _: answer


def each(kind: type, numbers: Iterable[int], hook: Hook) -> dict[tuple[type, int], Hook]:
    """The same hook for several requests of a type."""
    return {(kind, number): hook for number in numbers}


def approval(tag: Gen2Tag, *, lock: bool = False, memory: bytes = BLANK) -> Approval:
    """The approval to write the UUID."""
    return Approval(UUID, tag.tid, memory, lock)


def programmed(field: Field, approved: Approval) -> Programming:
    """A machine that programmed the tag."""
    work = Programming(approved)
    field.run(work, work.program())
    return work


def refused(field: Field, approved: Approval) -> tuple[Refusal, Programming]:
    """The refusal of a machine, and the machine."""
    work = Programming(approved)
    with pytest.raises(Refused) as raised:
        field.run(work, work.program())
    assert str(raised.value).count(". ") + 1 >= 2, "what happened, and what to do next"
    return raised.value.refusal, work
