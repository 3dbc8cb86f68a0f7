"""Reasons why a command on a tag fails, and the texts for the person who holds the arrow. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from drivers.r200.codec import Answer, Failure, FailureCode, TagError

HOLD_STILL: Final = "Hold the arrow still on the pad, and run the command again."
OTHER_TAG: Final = "Use another tag for this arrow."
CHECK_LINE: Final = "Check its cable and power supply, and run the command again."


class Refusal(StrEnum):
    """Reason why a command on a tag failed."""

    NO_TAG = "no_tag"
    SEVERAL_TAGS = "several_tags"
    TOO_SMALL = "too_small"
    NO_SERIAL = "no_serial"
    TAG_LEFT = "tag_left"
    LOCKED_FOREVER = "locked_forever"
    PASSWORD_LOCKED = "password_locked"  # noqa: S105 - no password
    OTHER_TAG = "other_tag"
    OTHER_MEMORY = "other_memory"
    TORN = "torn"
    NOT_VERIFIED = "not_verified"
    LOCK_FAILED = "lock_failed"
    LOCK_NOT_PROVED = "lock_not_proved"
    READER_REFUSED = "reader_refused"
    NO_ANSWER = "no_answer"


Value = int | float | str | bool


class Refused(Exception):
    """The work ends without success. The text is for the person who holds the arrow."""

    def __init__(self, refusal: Refusal, text: str, **values: Value) -> None:
        super().__init__(text)
        self.refusal = refusal
        self.values: Mapping[str, Value] = values


def remedy_of(answer: object) -> str:
    """The sentence on what to do after an answer that is no success, or after none, by its cause."""
    if answer is None:
        return f"The reader did not answer. {CHECK_LINE}"
    if not isinstance(answer, Failure):
        return HOLD_STILL
    if answer.tag_error is not None:
        return _OF_TAG[answer.tag_error]
    return HOLD_STILL if answer.cause is None else _OF_READER.get(answer.cause, HOLD_STILL)


def no_answer(failure: Failure | None = None) -> Refused:
    """The refusal where the reader answers nothing, or every inventory with a failure."""
    text = "The reader does not answer" if failure is None else f"The reader makes no inventory: {failure}"
    return Refused(Refusal.NO_ANSWER, f"{text}. {CHECK_LINE if failure is None else remedy_of(failure)}")


def reader_refused(action: str, answer: Answer) -> Refused:
    """The refusal where the reader answers a step with a failure, or with something else."""
    reason = str(answer) if isinstance(answer, Failure) else "it answered something else"
    return Refused(Refusal.READER_REFUSED, f"The reader refused {action}: {reason}. {remedy_of(answer)}")


def no_serial() -> Refused:
    """The refusal of a tag that looks like others of its kind."""
    return Refused(
        Refusal.NO_SERIAL,
        "The tag has no serial number, so that nothing distinguishes it from others. Use a tag whose TID has 96 bits.",
    )


def too_small() -> Refused:
    """The refusal of a tag for shorter EPCs."""
    return Refused(
        Refusal.TOO_SMALL,
        "The tag's EPC memory is smaller than 128 bits. Use a tag with at least 128 bits of EPC memory.",
    )


def several(epcs: Sequence[bytes], text: str = "The scanner reads several tags") -> Refused:
    """The refusal where it is not known which tag is meant."""
    listed = sorted(epc.hex() for epc in epcs)
    return Refused(
        Refusal.SEVERAL_TAGS,
        f"{text}: {', '.join(listed)}. Take all arrows but one away from the pad, and run the command again.",
        tags=" ".join(listed),
    )


_OF_READER: Final[Mapping[FailureCode, str]] = {
    FailureCode.BAD_COMMAND: "Check the reader's cable and its ground, and that the board has the power that is set.",
    FailureCode.CHANNELS_BUSY: "Switch other readers nearby off, or wait, and run the command again.",
    FailureCode.ACCESS_DENIED: OTHER_TAG,
}
_OF_TAG: Final[Mapping[TagError, str]] = {
    TagError.OTHER: f"Run the command again. {OTHER_TAG[:-1]} if it fails again.",
    TagError.OVERRUN: "Use a tag with at least 128 bits of EPC memory.",
    TagError.LOCKED: OTHER_TAG,
    TagError.LOW_POWER: "Hold the tag closer to the pad, or raise the power within the law, and run the command again.",
    TagError.NON_SPECIFIC: f"Run the command again. {OTHER_TAG[:-1]} if it fails again.",
}
