"""Writing and verifying one tag whose TID and memory were approved. Pure.

The steps before it are in :mod:`drivers.r200.programming`, those after it in :mod:`drivers.r200.locking`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from drivers.r200.codec import Bank, Failure, Notice, TagError, WriteBank, pc_of, words_of
from drivers.r200.locking import LOCK_PHASES, WRITES, Locking, is_denied, is_locked, shown
from drivers.r200.programming import EPC_WORDS, MEMORY_WORDS, ROUNDS, Phase, Steps
from drivers.r200.refusals import HOLD_STILL, OTHER_TAG, Refusal, Refused, remedy_of, several

WAIT_S: Final = 2.0
"""Time for which the search waits: the tag was on the pad when it was approved."""
MOST_OTHERS: Final = 8
"""Most other tags that the evidence lists."""


@dataclass(frozen=True, slots=True)
class Approval:
    """The one write that is approved."""

    epc: bytes
    """The arrow's UUID, 16 bytes."""
    tid: bytes
    """TID of the tag, 12 bytes."""
    memory: bytes
    """The eight words that the tag held when it was approved."""
    lock: bool = False
    """Whether to make the EPC unwritable for ever."""

    @property
    def words(self) -> bytes:
        """PC and EPC as they are written."""
        return pc_of(EPC_WORDS).to_bytes(2, "big") + self.epc

    def covers(self, memory: bytes) -> bool:
        """Whether a memory is the approved one, or the approved one after a part of this write."""
        cuts = range(0, len(self.epc) + 1, 2)
        return any(memory == self.epc[:cut] + self.memory[cut:] for cut in cuts)

    def is_written(self, words: bytes) -> bool:
        """Whether PC and EPC are those of the arrow. Of the PC only the length counts: other bits are the tag's own."""
        return self.words_in(words) == MEMORY_WORDS

    def words_in(self, words: bytes) -> int:
        """Number of words of PC and EPC, counted from the first, that hold what is written."""
        if words_of(int.from_bytes(words[:2], "big")) != EPC_WORDS:
            return 0
        return next((at // 2 for at in range(2, len(words), 2) if words[at : at + 2] != self.words[at : at + 2]), 9)


class Programming(Locking):
    """Programs one tag. ``evidence`` is complete at every instant, also when the work is refused."""

    def __init__(self, approval: Approval) -> None:
        super().__init__()
        self._approval = approval
        self.evidence |= {
            "epc": approval.epc.hex(),
            "tid": approval.tid.hex(),
            "written": False,
            "write_attempts": 0,
            "lock_attempts": 0,
            "is_locked": False,
        }

    @property
    def phases(self) -> Sequence[Phase]:
        """The phases of this work: those of the lock only where it is approved."""
        return [phase for phase in Phase if self._approval.lock or phase not in LOCK_PHASES]

    def program(self) -> Steps[None]:
        """Find, check, write, verify, and lock if that is approved."""
        approval = self._approval
        found = yield from self.search(WAIT_S)
        self.evidence["found_rssi_dbm"] = found.rssi_dbm
        tid = yield from self.read_tid(found)
        self._check(tid == approval.tid, Refusal.OTHER_TAG, "This is another tag than the one that was approved")
        yield from self.select(tid)
        before = yield from self.read_memory(found)
        self.evidence.update(pc_before=before[:2].hex(), memory_before=before[2:].hex())
        self._check(
            approval.covers(before[2:]),
            Refusal.OTHER_MEMORY,
            "The tag's memory is another one than was approved",
        )
        if not approval.is_written(before):
            yield from self._write(before)
        yield from self._verify()
        if approval.lock:
            yield from self.lock(approval.words)
            yield from self._verify()

    def _check(self, is_approved: bool, refusal: Refusal, text: str) -> None:
        if not is_approved:
            raise Refused(refusal, f"{text}. Nothing was written. Run the command again with the arrow that is meant.")

    def _write(self, before: bytes) -> Steps[None]:
        """Write PC and EPC in one command, until a read finds both."""
        approval, now = self._approval, before
        refused: Failure | None = None
        for attempt in range(1, WRITES + 1):
            self.enter(Phase.WRITING)
            self.evidence.update(written=True, write_attempts=attempt)
            reply = yield from self.access(WriteBank(Bank.EPC, 1, approval.words))
            self.evidence[f"write_{attempt}"] = shown(reply)
            refused = reply if isinstance(reply, Failure) else None
            if refused is not None and (is_locked(refused) or is_denied(refused)):
                raise (yield from self._locked(refused, before))
            if refused is not None and refused.tag_error is TagError.OVERRUN:
                kept = yield from self._kept(before)
                raise Refused(
                    Refusal.TOO_SMALL,
                    f"The tag refuses an EPC of 128 bits{kept}. Use a tag with at least 128 bits of EPC memory.",
                )
            now = yield from self.read_memory()
            if now != before:
                self.evidence["words_written"] = approval.words_in(now)
            if approval.is_written(now):
                return
        if now != before:
            raise Refused(
                Refusal.TORN,
                f"Only {approval.words_in(now)} of {MEMORY_WORDS} words are in the tag after {WRITES} attempts. "
                f"{HOLD_STILL}",
            )
        self.evidence["written"] = False
        reason, remedy = ("", HOLD_STILL) if refused is None else (f" ({refused})", remedy_of(refused))
        raise Refused(Refusal.NOT_VERIFIED, f"The tag did not take the write{reason}. {remedy}")

    def _kept(self, before: bytes) -> Steps[str]:
        """Read what a refused write left: an unchanged memory proves that nothing was written, and the text says so."""
        now = yield from self.read_memory()
        if now != before:
            self.evidence["words_written"] = self._approval.words_in(now)
            return ""
        self.evidence["written"] = False
        return ", and its memory is unchanged"

    def _locked(self, refused: Failure, before: bytes) -> Steps[Refused]:
        """The refusal of a tag whose EPC is locked: for ever if no password can open it."""
        kept = yield from self._kept(before)
        if not is_denied(refused) and (yield from self.has_no_password()):
            return Refused(Refusal.LOCKED_FOREVER, f"The tag is locked for ever{kept}. {OTHER_TAG}")
        return Refused(Refusal.PASSWORD_LOCKED, f"The tag is locked with a password, or for ever{kept}. {OTHER_TAG}")

    def _verify(self) -> Steps[None]:
        """Find the UUID in the memory and in an inventory."""
        approval = self._approval
        self.enter(Phase.VERIFYING_BANK)
        now = yield from self.read_memory()
        self.evidence.update(bank_pc=now[:2].hex(), bank_epc=now[2:].hex())
        if not approval.is_written(now):
            raise Refused(Refusal.NOT_VERIFIED, f"The tag's memory holds another UUID. {HOLD_STILL}")
        self.enter(Phase.VERIFYING_INVENTORY)
        others: set[bytes] = set()
        for _ in range(2 * ROUNDS):
            inventory = yield from self.look()
            notices = [read.notice for read in inventory.reads]
            own = next((notice for notice in notices if _shows(notice, approval.epc)), None)
            beside = {notice.epc for notice in notices if notice.epc != approval.epc}
            if beside - others:
                others |= beside
                self.evidence["other_tags"] = " ".join(sorted(epc.hex() for epc in others)[:MOST_OTHERS])
            if own is None:
                continue
            self.evidence.update(
                inventory_pc=f"{own.pc:04x}", inventory_epc=own.epc.hex(), inventory_rssi_dbm=own.rssi_dbm
            )
            if beside:
                raise several([own.epc, *beside], "The tag holds the UUID, but the scanner reads several tags")
            return
        if not others:
            raise self.tag_left()
        raise Refused(
            Refusal.NOT_VERIFIED,
            f"The inventory does not show the UUID, but {', '.join(sorted(epc.hex() for epc in others))}. {HOLD_STILL}",
        )


def _shows(notice: Notice, epc: bytes) -> bool:
    return notice.epc == epc and words_of(notice.pc) == EPC_WORDS
