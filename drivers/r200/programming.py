"""The state machine that programs an arrow's tag: requests out, answers in, one explicit phase at a time. Pure.

A machine is a generator: it yields a request and is sent the reply. It ends, or raises :class:`Refused`. This module
finds and identifies the tag; :mod:`drivers.r200.writing` writes, verifies and locks it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from drivers.r200.codec import (
    GET_SELECT,
    OK,
    Answer,
    Bank,
    BankData,
    Done,
    Failure,
    FailureCode,
    HostCommand,
    LockTag,
    Notice,
    ReadBank,
    Select,
    SelectIs,
    SelectMode,
    SetSelect,
    SetSelectMode,
    TagError,
    WriteBank,
    has_serial,
    words_of,
)
from drivers.r200.refusals import Refusal, Refused, Value, no_answer, no_serial, reader_refused, several, too_small
from drivers.r200.scans import Round

EPC_WORDS: Final = 8
"""Words of an arrow's UUID."""
TID_WORDS: Final = 6
"""Words of a TID with a serial number: class, maker and model in two, the serial in four (Tag Data Standard, 16)."""
MEMORY_WORDS: Final = 1 + EPC_WORDS
"""Words that a write changes: PC and EPC."""
READ_MEMORY: Final = ReadBank(Bank.EPC, 1, MEMORY_WORDS)
READ_TID: Final = ReadBank(Bank.TID, 0, TID_WORDS)
ROUNDS: Final = 4
"""Inventories that together decide how many tags are in the field."""
SEEN: Final = 2
"""Inventories of those in which a tag must answer: one that answers less often is too far away to be written."""
SEARCHES: Final = 2
"""Fewest searches of ``ROUNDS`` inventories: the line may lose some."""
PAUSE_S: Final = 0.1
"""Pause after an inventory without a tag."""
TRIES: Final = 4
"""Attempts of a request that changes nothing."""
TID_READS: Final = 3
"""Readings of the TID, which must agree."""
TID_CHECKS: Final = 8
"""Readings of the TID where an inventory repeated an EPC: the line did that, or two tags have the same."""
SELECTIONS: Final = 8
"""Attempts of a selection, which fails as a whole if one of its requests does."""
_REPEATED: Final = frozenset(
    {FailureCode.READ_FAILED, FailureCode.WRITE_FAILED, FailureCode.BAD_COMMAND, FailureCode.CHANNELS_BUSY}
)
"""Failures that another attempt may not have."""


class Phase(StrEnum):
    """Step of the work on a tag, in the words that its progress shows, and in the order of the work."""

    SEARCHING = "looking for exactly one tag"
    READING = "reading the tag"
    SELECTING = "selecting the tag by its TID"
    CHECKING = "checking the tag"
    WRITING = "writing the tag"
    VERIFYING_BANK = "verifying the tag's memory"
    VERIFYING_INVENTORY = "verifying the tag by inventory"
    LOCKING = "locking the tag for ever"
    PROVING = "proving the lock"
    CLEANING = "leaving the select mode"


INSPECTION: Final = (Phase.SEARCHING, Phase.READING, Phase.SELECTING, Phase.CHECKING, Phase.CLEANING)
"""Phases of the work that only reads a tag."""
_ORDER: Final = tuple(Phase)


@dataclass(frozen=True, slots=True)
class Look:
    """Request for one inventory, after a pause."""

    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """Request to make sure that the reader has its settings: it showed that it restarted. The reply is None."""


Access = ReadBank | WriteBank | LockTag
"""A command to one tag."""
Request = Look | Check | HostCommand
Reply = Round | Answer | None
"""A round or a failure for a look, an answer for a command; None without any, or where it is not known."""
T = TypeVar("T")
Steps = Generator[Request, Reply, T]


class TagWork:
    """The work on one tag: its phase, its evidence, and the steps that find, identify and select the tag.

    A reader that restarts forgets the selection, and then any tag in its field obeys. So each command to the selected
    tag follows its selection at once, and the reader's own answer proves the condition before the command is sent.
    """

    def __init__(self) -> None:
        self.phase = Phase.SEARCHING
        self._tid = b""
        self.evidence: dict[str, Value] = {}
        """Facts that were found so far, for the result."""

    @property
    def phases(self) -> Sequence[Phase]:
        """The phases of this work, in order."""
        return INSPECTION

    def enter(self, phase: Phase) -> None:
        """Go on to a phase. An earlier one is entered again only as a part of the present one: no phase follows a later one."""
        self.phase = max(self.phase, phase, key=_ORDER.index)

    def inspect(self, wait_s: float) -> Steps[None]:
        """Find exactly one tag, for which the search waits ``wait_s``, and read TID and memory."""
        found = yield from self.search(wait_s)
        tid = yield from self.read_tid(found)
        yield from self.select(tid)
        memory = yield from self.read_memory(found)
        self.evidence.update(
            epc=found.epc.hex(),
            pc=memory[:2].hex(),
            memory=memory[2:].hex(),
            tid=tid.hex(),
            rssi_dbm=found.rssi_dbm,
        )

    def search(self, wait_s: float) -> Steps[Notice]:
        """Find exactly one tag: several inventories show no other, and it answers most of them."""
        self.enter(Phase.SEARCHING)
        began_ns = 0
        searches = 0
        was_seen = False
        while True:
            seen: dict[bytes, list[Notice]] = {}
            repeated = 0
            for number in range(ROUNDS):
                inventory = yield from self.look(PAUSE_S if not number and searches else 0.0)
                began_ns = began_ns or inventory.sent_ns
                found = [read.notice for read in inventory.reads]
                for notice in found:
                    seen.setdefault(notice.epc, []).append(notice)
                repeated += len({notice.epc for notice in found}) < len(found)
                if len(seen) > 1:
                    raise several(list(seen))
                if searches and not seen and number + 1 == SEEN:
                    break  # the search goes on after a pause
            searches += 1
            was_seen = was_seen or bool(seen)
            notices = next(iter(seen.values()), [])
            if repeated >= SEEN:
                raise several([notices[0].epc] * 2)
            if len(notices) >= SEEN:
                self.evidence.update(searches=searches, search_seen=len(notices), search_repeated=repeated)
                return max(notices, key=lambda notice: notice.rssi_dbm)
            if searches >= SEARCHES and inventory.ended_ns - began_ns >= wait_s * 1e9:
                self.evidence.update(searches=searches, search_seen=len(notices))
                raise Refused(
                    Refusal.NO_TAG,
                    "The scanner reads the tag only now and then. Hold the arrow's tag closer to the pad."
                    if was_seen
                    else "The scanner reads no tag. Hold the arrow's tag on the pad, and check that the arrow has one.",
                )

    def read_tid(self, found: Notice) -> Steps[bytes]:
        """Read the TID of the only tag in the field several times: one of several tags answers each."""
        self.enter(Phase.READING)
        tids: set[bytes] = set()
        for _ in range(TID_CHECKS if self.evidence["search_repeated"] else TID_READS):
            answer = yield from self._read(READ_TID, _send)
            if isinstance(answer, Failure):
                if answer.tag_error is TagError.OVERRUN:
                    raise no_serial()
                raise reader_refused("reading the tag's TID", answer)
            if answer.tag.epc != found.epc:
                raise several([found.epc, answer.tag.epc])
            if not has_serial(answer.data):
                raise no_serial()
            tids.add(answer.data)
            if len(tids) > 1:
                raise several([found.epc] * len(tids))
        return tids.pop()

    def select(self, tid: bytes) -> Steps[None]:
        """Let only the tag with this TID answer reads, writes and locks."""
        self.enter(Phase.SELECTING)
        self._tid = tid
        yield from self._select()

    def access(self, command: Access) -> Steps[Reply]:
        """The reply to a command to the selected tag, which is selected again just before."""
        yield from self._select()
        return (yield command)

    def on_restart(self) -> None:
        """The reader restarted."""
        restarts = self.evidence.get("restarts", 0)
        self.evidence["restarts"] = int(restarts) + 1

    def _select(self) -> Steps[None]:
        """Set mode and condition, and read the condition back. SetSelect comes last, as it sets the mode, too.

        So a restart between two requests leaves no mode without its condition. Without one of the answers all begins anew.
        """
        wanted = Select.by_tid(self._tid)
        failure: Failure | None = None
        for _ in range(SELECTIONS):
            for command in (SetSelectMode(SelectMode.EXCEPT_INVENTORY), SetSelect(wanted), GET_SELECT):
                reply = yield command
                if reply == SelectIs(wanted):
                    return
                if isinstance(reply, SelectIs):
                    self.on_restart()
                    yield Check()
                elif isinstance(reply, Failure) and reply.cause in _REPEATED:
                    failure = reply
                elif isinstance(reply, Done) and reply.status == OK and command != GET_SELECT:
                    continue
                elif reply is not None and not isinstance(reply, Round):
                    raise reader_refused("selecting the tag", reply)
                break
        raise no_answer() if failure is None else reader_refused("selecting the tag", failure)

    def read_memory(self, found: Notice | None = None) -> Steps[bytes]:
        """PC and eight words of EPC of the selected tag; they agree with the inventory in which it was ``found``."""
        self.enter(Phase.CHECKING)
        for _ in range(TRIES):
            answer = yield from self.read(READ_MEMORY)
            if isinstance(answer, Failure):
                if answer.tag_error is TagError.OVERRUN:
                    raise too_small()
                raise reader_refused("reading the tag's memory", answer)
            if found is None or (answer.tag.epc == found.epc and _agrees(answer.data, found)):
                return answer.data
        raise Refused(
            Refusal.OTHER_MEMORY,
            "The tag's memory differs from its inventory. Take all other arrows away from the pad, and try again.",
        )

    def look(self, pause_s: float = 0.0) -> Steps[Round]:
        """One inventory that the reader answered."""
        failure: Failure | None = None
        for _ in range(TRIES):
            reply = yield Look(pause_s)
            if isinstance(reply, Round):
                return reply
            failure = reply if isinstance(reply, Failure) else failure
        if failure is None:
            raise no_answer()
        raise reader_refused("the inventory", failure)

    def read(self, command: ReadBank) -> Steps[BankData | Failure]:
        """Words of the selected tag, or the failure if the tag or the reader refused it."""
        return (yield from self._read(command, self.access))

    def _read(self, command: ReadBank, send: Callable[[ReadBank], Steps[Reply]]) -> Steps[BankData | Failure]:
        failure: Failure | None = None
        for _ in range(TRIES):
            reply = yield from send(command)
            if isinstance(reply, BankData):
                return reply
            if isinstance(reply, Failure) and reply.cause in _REPEATED:
                failure = reply
            elif isinstance(reply, Failure):
                return reply
        if failure is None:
            raise no_answer()
        if failure.cause is FailureCode.READ_FAILED:
            raise self.tag_left()
        return failure

    def tag_left(self) -> Refused:
        """The refusal of a tag that no longer answers."""
        if self.evidence.get("lock_attempts"):
            text = "The tag left the field after it was programmed and its lock began. "
        elif self.evidence.get("written"):
            text = "The tag left the field after the write began, so its memory may be incomplete. "
        else:
            text = "The tag left the field. "
        return Refused(Refusal.TAG_LEFT, f"{text}Hold the arrow still on the pad, and run the command again.")


def _send(command: HostCommand) -> Steps[Reply]:
    return (yield command)


def _agrees(memory: bytes, found: Notice) -> bool:
    shown = found.epc[: 2 * EPC_WORDS]
    return words_of(int.from_bytes(memory[:2], "big")) == words_of(found.pc) and memory[2:].startswith(shown)
