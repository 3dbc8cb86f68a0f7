"""Locking the EPC of a verified tag for ever, and proving it. Pure."""

from __future__ import annotations

from typing import Final

from drivers.r200.codec import (
    EPC_PERMALOCK,
    OK,
    Bank,
    BankData,
    Failure,
    FailureCode,
    LockTag,
    ReadBank,
    TagDone,
    TagError,
    TagOperation,
    WriteBank,
)
from drivers.r200.programming import Phase, Reply, Steps, TagWork
from drivers.r200.refusals import Refusal, Refused, remedy_of

WRITES: Final = 3
"""Attempts of a write, of a lock, and of its proof."""
READ_ACCESS_PASSWORD: Final = ReadBank(Bank.RESERVED, 2, 2)
LOCK_PHASES: Final = frozenset((Phase.LOCKING, Phase.PROVING))
_VERIFIED: Final = "The tag was programmed and verified"


class Locking(TagWork):
    """The work on a tag that may be locked.

    A refused write alone does not prove a permanent lock: the EPC may be locked with a password. It proves one after a
    lock that the tag confirmed, and where the tag has no password.
    """

    def lock(self, words: bytes) -> Steps[None]:
        """Make PC and EPC, which hold these words, unwritable for ever."""
        self.enter(Phase.LOCKING)
        reply: Reply = None
        is_silent = False
        for attempt in range(1, WRITES + 1):
            self.evidence["lock_attempts"] = attempt
            reply = yield from self.access(LockTag(EPC_PERMALOCK))
            self.evidence[f"lock_{attempt}"] = shown(reply)
            is_silent = is_silent or reply is None
            if is_done(reply) or (isinstance(reply, Failure) and is_locked(reply)):
                break
        else:
            if not is_silent:
                raise Refused(Refusal.LOCK_FAILED, f"{_VERIFIED}, but not locked: {reply}. {remedy_of(reply)}")
        is_proof = is_done(reply) or (yield from self.has_no_password())
        proof = yield from self._write_again(words)
        self.evidence["lock_proof"] = shown(proof)
        is_refused = isinstance(proof, Failure) and proof.operation is TagOperation.WRITE and is_locked(proof)
        if is_refused and is_proof:
            self.evidence["is_locked"] = True
            return
        if isinstance(reply, Failure) and is_locked(reply):
            raise _not_lockable(is_refused, is_proof, proof)
        text = "only a password may lock it" if is_refused else shown(proof)
        remedy = "Run the command with --lock again." if is_refused else remedy_of(proof)
        raise Refused(Refusal.LOCK_NOT_PROVED, f"{_VERIFIED}, but its lock is not proved ({text}). {remedy}")

    def has_no_password(self) -> Steps[bool]:
        """Whether the tag has no access password: then only a permanent lock refuses a write."""
        answer = yield from self.read(READ_ACCESS_PASSWORD)
        return isinstance(answer, BankData) and not any(answer.data)

    def _write_again(self, words: bytes) -> Steps[Reply]:
        """Write the same content again, until an answer shows whether the tag refuses it."""
        self.enter(Phase.PROVING)
        reply: Reply = None
        for _ in range(WRITES):
            reply = yield from self.access(WriteBank(Bank.EPC, 1, words))
            if is_done(reply) or (isinstance(reply, Failure) and is_locked(reply)):
                break
        return reply


def _not_lockable(is_refused: bool, has_no_password: bool, proof: Reply) -> Refused:
    """The refusal of a tag that refused the lock itself, which no further attempt changes."""
    if is_refused:
        text = "its EPC is locked with a password that is not known here, or for ever, which cannot be distinguished"
    elif not is_done(proof):
        return Refused(
            Refusal.LOCK_NOT_PROVED,
            f"{_VERIFIED}, but it refused the lock, and its EPC was not tested ({shown(proof)}). {remedy_of(proof)}",
        )
    elif has_no_password:
        text = "it refuses every lock of its EPC, which stays open for ever"
    else:
        text = "a password that is not known here guards its locks"
    return Refused(
        Refusal.PASSWORD_LOCKED if is_refused or not has_no_password else Refusal.LOCK_FAILED,
        f"{_VERIFIED}, but cannot be locked: {text}. Run the command without --lock, or use another tag.",
    )


def shown(reply: object) -> str:
    """A reply for the evidence."""
    if isinstance(reply, TagDone):
        return f"{'done' if reply.status == OK else f'status {reply.status}'} by {reply.tag.epc.hex()}"
    return "no answer" if reply is None else str(reply) if isinstance(reply, Failure) else "another answer"


def is_done(reply: object) -> bool:
    """Whether a tag obeyed."""
    return isinstance(reply, TagDone) and reply.status == OK


def is_locked(failure: Failure) -> bool:
    """Whether a tag refused because of a lock."""
    return failure.tag_error is TagError.LOCKED


def is_denied(failure: Failure) -> bool:
    """Whether a tag refused the password."""
    return failure.cause is FailureCode.ACCESS_DENIED
