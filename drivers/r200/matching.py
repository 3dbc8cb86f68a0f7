"""Which answers can be those to a command, and how long they may take. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drivers.r200.codec import (
    Answer,
    BankData,
    Code,
    Done,
    Failure,
    FailureCode,
    GetInfo,
    HostCommand,
    Info,
    KillTag,
    LockTag,
    Notice,
    ReadBank,
    SetSelectMode,
    TagOperation,
    WriteBank,
)

ANSWER_S: Final = 0.5
"""Deadline for an answer that takes no tag."""
READ_S: Final = 1.0
"""Deadline for words that are read of a tag."""
WRITE_S: Final = 2.0
"""Deadline for a write or a lock, which the reader repeats itself."""
ACCESS: Final = (ReadBank, WriteBank, LockTag, KillTag)
"""Commands to one tag."""


def is_bad_command(answer: Answer) -> bool:
    """Whether the reader did not understand the command, which noise on the line may have changed."""
    return isinstance(answer, Failure) and answer.cause is FailureCode.BAD_COMMAND


def deadline_s(command: HostCommand) -> float:
    """Deadline for the answer to a command."""
    if isinstance(command, WriteBank | LockTag):
        return WRITE_S
    return READ_S if isinstance(command, ReadBank) else ANSWER_S


def fits(command: HostCommand, answer: Answer) -> bool:
    """Whether the answer can be that to the command."""
    match answer:
        case Notice():
            return False
        case Failure():
            return _fits_failure(command, answer)
        case Info():
            return isinstance(command, GetInfo) and answer.kind is command.kind
        case BankData():
            return isinstance(command, ReadBank) and len(answer.data) == 2 * command.words
        case Done(Code.SET_SELECT) if isinstance(command, SetSelectMode):
            return True
        case _:
            return answer.code == command.code


def _fits_failure(command: HostCommand, failure: Failure) -> bool:
    """Whether the failure can be that of the command: most name the kind of command."""
    if failure.operation is not None:
        return failure.operation is _OPERATIONS.get(type(command))
    match failure.cause:
        case FailureCode.NO_TAG:
            return False  # of an inventory
        case FailureCode.CHANNELS_BUSY | FailureCode.ACCESS_DENIED:
            return isinstance(command, ACCESS)
        case None | FailureCode.BAD_COMMAND:
            return True
        case cause:
            return cause is _FAILURES.get(type(command))


_OPERATIONS: Final[Mapping[type, TagOperation]] = {
    ReadBank: TagOperation.READ,
    WriteBank: TagOperation.WRITE,
    LockTag: TagOperation.LOCK,
    KillTag: TagOperation.KILL,
}
_FAILURES: Final[Mapping[type, FailureCode]] = {
    ReadBank: FailureCode.READ_FAILED,
    WriteBank: FailureCode.WRITE_FAILED,
    LockTag: FailureCode.LOCK_FAILED,
    KillTag: FailureCode.KILL_FAILED,
}
