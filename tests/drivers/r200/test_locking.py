"""Locked tags are refused, and a lock is proved."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.r200.codec import (
    Code,
    Failure,
    FailureCode,
    LockTag,
    TagDone,
    TagError,
    TagOperation,
    WriteBank,
)
from drivers.r200.programming import Phase, Reply, Request
from drivers.r200.refusals import Refusal, Refused
from drivers.r200.writing import Programming
from simulators.devices.gen2_tag import Gen2Tag, Lock, LockField
from tests.drivers.r200.field import (
    BLANK,
    SEEN,
    UUID,
    Field,
    answered,
    approval,
    each,
    lost,
    new_tag,
    programmed,
    refused,
)


def lock_forever(tag: Gen2Tag) -> None:
    tag.locks[LockField.EPC] = Lock.FOREVER


def lock_by_password(tag: Gen2Tag) -> None:
    tag.locks[LockField.EPC] = Lock.PASSWORD
    tag.access_password = 0xCAFE
    tag._banks = {**tag._banks, next(iter(tag._banks)): [0, 0, 0, 0xCAFE]}


def lock_and_hide(tag: Gen2Tag) -> None:
    lock_by_password(tag)
    tag.locks[LockField.ACCESS] = Lock.PASSWORD


@pytest.mark.parametrize(
    ("lock", "refusal"),
    [
        (lock_forever, Refusal.LOCKED_FOREVER),
        (lock_by_password, Refusal.PASSWORD_LOCKED),
        (lock_and_hide, Refusal.PASSWORD_LOCKED),
    ],
)
def test_a_locked_tag_is_refused_and_unchanged(lock: Callable[[Gen2Tag], None], refusal: Refusal) -> None:
    tag = new_tag()
    lock(tag)
    field = Field([tag])

    assert refused(field, approval(tag))[0] is refusal
    assert (field.writes(), tag.pc, tag.epc_memory) == (1, 0x3000, BLANK)


def test_a_lock_is_proved_by_a_refused_write() -> None:
    tag = new_tag()
    field = Field([tag])
    work = programmed(field, approval(tag, lock=True))

    assert tag.locks[LockField.EPC] is Lock.FOREVER
    assert {place: lock for place, lock in tag.locks.items() if lock is not Lock.OPEN} == {
        LockField.EPC: Lock.FOREVER,
        LockField.TID: Lock.FOREVER,
    }
    assert work.evidence["is_locked"] is True
    assert work.evidence["lock_proof"] == "error B4: the tag refused the write (locked)"
    assert field.phases == [phase for phase in Phase if phase is not Phase.CLEANING], "each once, in this order"


def test_a_lock_whose_answer_is_lost_is_proved() -> None:
    tag = new_tag()
    field = Field([tag])

    def lock_silently(request: Request) -> Reply:
        field.work(request)
        return None

    field.hooks = {(LockTag, 1): lock_silently, (WriteBank, 2): lost}
    assert programmed(field, approval(tag, lock=True)).evidence["is_locked"] is True


def test_a_locked_tag_of_this_arrow_is_locked_again_without_harm() -> None:
    tag = new_tag(epc=UUID)
    lock_forever(tag)
    evidence = programmed(Field([tag]), approval(tag, lock=True, memory=UUID)).evidence
    assert (evidence["is_locked"], evidence["lock_attempts"]) == (True, 1)
    assert (evidence["written"], evidence["write_attempts"]) == (False, 0), "its memory was not written"


def guard_by_password(tag: Gen2Tag) -> None:
    """The EPC is open, and its lock needs a password."""
    lock_by_password(tag)
    tag.locks[LockField.EPC] = Lock.OPEN


def open_forever(tag: Gen2Tag) -> None:
    tag.locks[LockField.EPC] = Lock.OPEN_FOREVER


@pytest.mark.parametrize(
    ("lock", "refusal", "text"),
    [
        (lock_by_password, Refusal.PASSWORD_LOCKED, "with a password that is not known here, or for ever"),
        (lock_and_hide, Refusal.PASSWORD_LOCKED, "with a password that is not known here, or for ever"),
        (guard_by_password, Refusal.PASSWORD_LOCKED, "a password that is not known here guards its locks"),
        (open_forever, Refusal.LOCK_FAILED, "stays open for ever"),
    ],
)
def test_a_tag_that_refuses_the_lock_is_no_locked_one(
    lock: Callable[[Gen2Tag], None], refusal: Refusal, text: str
) -> None:
    tag = new_tag(epc=UUID)
    lock(tag)
    work = Programming(approval(tag, lock=True, memory=UUID))
    with pytest.raises(Refused, match=text) as raised:
        Field([tag]).run(work, work.program())
    assert raised.value.refusal is refusal
    assert "run the command again" not in str(raised.value), "which cannot succeed"
    assert (work.evidence["is_locked"], work.evidence["lock_1"]) == (
        False,
        "error C4: the tag refused the lock (locked)",
    )


def test_a_lock_without_answers_is_proved_only_without_password() -> None:
    for lock, is_proved in ((lock_forever, True), (lock_by_password, False)):
        tag = new_tag(epc=UUID)
        lock(tag)
        field, work = Field([tag], each(LockTag, (1, 2, 3), lost)), Programming(approval(tag, lock=True, memory=UUID))
        if is_proved:
            field.run(work, work.program())
        else:
            with pytest.raises(Refused, match="only a password may lock it"):
                field.run(work, work.program())
        assert work.evidence["is_locked"] is is_proved


@pytest.mark.parametrize(
    ("kind", "answer", "refusal"),
    [
        (LockTag, Failure(FailureCode.LOCK_FAILED), Refusal.LOCK_FAILED),
        (LockTag, Failure.of_tag(TagOperation.LOCK, TagError.OTHER, SEEN), Refusal.LOCK_FAILED),
        (LockTag, None, Refusal.LOCK_NOT_PROVED),
        (LockTag, TagDone(Code.LOCK, SEEN), Refusal.LOCK_NOT_PROVED),
    ],
)
def test_a_lock_without_effect_is_named(kind: type, answer: Reply, refusal: Refusal) -> None:
    tag = new_tag()
    field = Field([tag], each(kind, (1, 2, 3), answered(answer)))
    found, work = refused(field, approval(tag, lock=True))
    assert found is refusal
    assert (work.evidence["is_locked"], work.evidence["lock_attempts"]) == (
        False,
        1 if isinstance(answer, TagDone) else 3,
    )
    assert tag.epc == UUID


@pytest.mark.parametrize(
    "answer", [None, Failure(FailureCode.WRITE_FAILED), Failure(0xB3, SEEN), TagDone(Code.WRITE, SEEN)]
)
def test_only_a_refused_write_proves_a_lock(answer: Reply) -> None:
    tag = new_tag()
    field = Field([tag], each(WriteBank, (2, 3, 4), answered(answer)))
    found, work = refused(field, approval(tag, lock=True))
    assert found is Refusal.LOCK_NOT_PROVED
    assert work.evidence["is_locked"] is False
    assert work.evidence["lock_proof"]


def test_a_tag_that_leaves_after_its_lock_is_named() -> None:
    tag = new_tag(epc=UUID)
    field = Field([tag])

    def leave(request: Request) -> Reply:
        reply = field.work(request)
        field.tags.clear()
        return reply

    field.hooks = {(WriteBank, 1): leave}
    work = Programming(approval(tag, lock=True, memory=UUID))
    with pytest.raises(Refused, match="left the field after it was programmed and its lock began"):
        field.run(work, work.program())
    assert (work.evidence["written"], work.evidence["is_locked"]) == (False, True)
