"""A reader that restarts at any request touches no other tag than the approved one, and a success stays true."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest

from drivers.r200.codec import LockTag, WriteBank
from drivers.r200.programming import Look, Reply, Request
from drivers.r200.refusals import Refused
from drivers.r200.writing import Programming
from simulators.devices.gen2_tag import Gen2Tag, Lock, LockField
from tests.drivers.r200.field import FACTORY, UUID, Field, approval, new_tag

OTHER = bytes.fromhex("aaaaaaaaaaaa4aaa8aaaaaaaaaaaaaaa")
Restart = Callable[[Field, Request], Reply]


def instead(field: Field, _: Request) -> Reply:
    """It restarts instead of obeying."""
    field.restart()
    return None


def after(field: Field, request: Request) -> Reply:
    """It obeys, and restarts instead of answering."""
    field.work(request)
    return instead(field, request)


def before(field: Field, request: Request) -> Reply:
    """It restarts unseen, and obeys. It boots for longer than a command follows on a selection that was read back."""
    if not isinstance(request, WriteBank | LockTag):
        field.restart()
    return field.work(request)


class Restarting(Field):
    """A field into which another tag comes at the same instant at which the reader restarts."""

    def __init__(
        self, tag: Gen2Tag, other: Gen2Tag, restart: Restart, seed: int, is_due: Callable[[int], bool]
    ) -> None:
        super().__init__([tag], draws=Random(seed))
        self.is_away = False
        self._other, self._restart, self._is_due = other, restart, is_due

    def reply(self, request: Request) -> Reply:
        if self._is_due(len(self.sent)):
            if self._other not in self.tags:
                self.tags.append(self._other)
            self.sent.append(request)
            return self._restart(self, request)
        if isinstance(request, Look) and self.is_away:
            self.tags = [tag for tag in self.tags if tag is not self._other]
        return super().reply(request)


def proved(field: Field, tag: Gen2Tag, other: Gen2Tag, epc: bytes) -> bool:
    """Whether the tag was programmed and locked; nothing else may change."""
    work, is_done = Programming(approval(tag, lock=True)), False
    with suppress(Refused):
        field.run(work, work.program())
        is_done = True
    assert (other.epc, other.locks[LockField.EPC]) == (epc, Lock.OPEN), field.sent[-8:]
    if is_done:
        assert (tag.epc, tag.locks[LockField.EPC]) == (UUID, Lock.FOREVER)
    return is_done


def requests() -> int:
    field = Field([new_tag()])
    work = Programming(approval(field.tags[0], lock=True))
    field.run(work, work.program())
    return len(field.sent)


@pytest.mark.parametrize("restart", [instead, after, before])
@pytest.mark.parametrize("epc", [OTHER, FACTORY], ids=["other epc", "equal epc"])
def test_a_restart_at_any_request_touches_no_other_tag(restart: Restart, epc: bytes) -> None:
    for at in range(requests()):
        for seed in range(4):
            tag, other = new_tag(1), new_tag(2, epc)
            field = Restarting(tag, other, restart, seed, lambda number, at=at: number == at)  # type: ignore[misc]
            field.is_away = seed > 1
            proved(field, tag, other, epc)


@pytest.mark.parametrize("restart", [instead, after, before])
def test_many_restarts_touch_no_other_tag(restart: Restart) -> None:
    finished = 0
    for seed in range(150):
        chance = Random(seed)
        tag, other = new_tag(1), new_tag(2, OTHER)
        field = Restarting(tag, other, restart, seed, lambda _, chance=chance: chance.random() < 0.04)  # type: ignore[misc]
        field.is_away = True
        finished += proved(field, tag, other, OTHER)
    assert finished > 30
