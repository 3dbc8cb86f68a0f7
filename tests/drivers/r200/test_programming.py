"""The work on one tag: found, identified, refused, written, verified and locked."""

from __future__ import annotations

import pytest

from drivers.r200.codec import (
    BankData,
    Code,
    Done,
    Failure,
    FailureCode,
    ReadBank,
    SetSelect,
    TagError,
    TagId,
    TagOperation,
    WriteBank,
)
from drivers.r200.programming import READ_MEMORY, Look, Phase, Reply, Request, TagWork
from drivers.r200.refusals import Refusal, Refused
from drivers.r200.scans import Round
from drivers.r200.writing import Programming
from tests.drivers.r200.field import (
    BLANK,
    FACTORY,
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


def inspected(field: Field, wait_s: float = 0.0) -> TagWork:
    work = TagWork()
    field.run(work, work.inspect(wait_s))
    return work


def inspection_refused(field: Field, wait_s: float = 0.0) -> Refused:
    with pytest.raises(Refused) as raised:
        inspected(field, wait_s)
    return raised.value


def test_an_inspection_reads_tid_and_memory() -> None:
    tag = new_tag()
    assert inspected(Field([tag])).evidence == {
        "epc": FACTORY.hex(),
        "pc": "3000",
        "memory": BLANK.hex(),
        "tid": tag.tid.hex(),
        "rssi_dbm": -50,
        "searches": 1,
        "search_seen": 4,
        "search_repeated": 0,
    }


def test_an_inspection_survives_lost_answers() -> None:
    field = Field([new_tag()])
    for kind in (Look, ReadBank, SetSelect):
        field.hooks |= each(kind, (1, 2, 3), lost)
    assert inspected(field).evidence["memory"] == BLANK.hex()


def test_no_tag_is_refused_once_the_wait_is_over() -> None:
    field = Field([])
    assert inspection_refused(field, 2.0).refusal is Refusal.NO_TAG
    assert 2.0e9 <= field.now_ns <= 2.5e9


def test_a_tag_that_comes_during_the_wait_is_found() -> None:
    field = Field([])

    def arrive(request: Request) -> Reply:
        field.tags.append(new_tag())
        return field.work(request)

    field.hooks[(Look, 10)] = arrive
    assert inspected(field, 60.0).evidence["memory"] == BLANK.hex()


def test_a_tag_that_is_seldom_read_is_refused() -> None:
    empty = Round((), 1, 1)
    hooks = each(Look, (1, 2, 3, 5, 6, 7), answered(empty))
    fault = inspection_refused(Field([new_tag()], hooks))
    assert fault.refusal is Refusal.NO_TAG
    assert "closer" in str(fault)


def test_a_second_tag_is_refused_and_both_are_listed() -> None:
    tags = [new_tag(1), new_tag(2, UUID)]
    fault = inspection_refused(Field(tags), 60.0)
    assert fault.refusal is Refusal.SEVERAL_TAGS
    assert fault.values["tags"] == f"{UUID.hex()} {FACTORY.hex()}"


def test_a_second_tag_with_an_equal_epc_is_refused() -> None:
    fault = inspection_refused(Field([new_tag(1), new_tag(2)]))
    assert fault.refusal is Refusal.SEVERAL_TAGS
    assert fault.values["tags"] == f"{FACTORY.hex()} {FACTORY.hex()}"


def repeats_once(field: Field) -> None:
    """Let one of the four inventories of a search show the EPC twice, and the others once."""
    once, twice = Field(field.tags[:1]).work(Look()), Field([field.tags[0]] * 2).work(Look())
    field.hooks |= {**each(Look, range(1, 5), answered(once)), (Look, 2): answered(twice)}


def test_one_repeated_epc_is_decided_by_the_tids() -> None:
    field = Field([new_tag(1), new_tag(2)])
    repeats_once(field)
    assert inspection_refused(field).values["tags"] == f"{FACTORY.hex()} {FACTORY.hex()}"

    field = Field([new_tag()])
    repeats_once(field)
    assert inspected(field).evidence["search_repeated"] == 1, "the line repeated it"


def test_a_weak_tag_with_an_equal_epc_is_found_by_its_tid() -> None:
    field = Field([new_tag(1), new_tag(2)])
    field.hooks |= each(Look, range(1, 5), answered(Field([new_tag(1)]).work(Look())))
    assert inspection_refused(field).refusal is Refusal.SEVERAL_TAGS


def test_a_tid_of_another_tag_is_refused() -> None:
    other = BankData(TagId(0x4000, UUID), bytes(12))
    hooks = each(ReadBank, range(1, 5), answered(other))
    assert inspection_refused(Field([new_tag()], hooks)).refusal is Refusal.SEVERAL_TAGS


@pytest.mark.parametrize(
    "tid",
    [
        "e2801170",
        "e28011700000000000000000",
        "e28011702000000000000000",
        "e28011702000ffffffffffff",
        "e28011700000000000000001",  # its XTID says that it has none
        "e20034120000000000000000",
    ],
)
def test_a_tag_without_serial_number_is_refused(tid: str) -> None:
    assert inspection_refused(Field([new_tag(tid=bytes.fromhex(tid))])).refusal is Refusal.NO_SERIAL


@pytest.mark.parametrize("tid", ["e28011702000000000000001", "e20034120139170000000001"])
def test_a_tag_with_serial_number_is_taken(tid: str) -> None:
    assert inspected(Field([new_tag(tid=bytes.fromhex(tid))])).evidence["tid"] == tid


def test_a_small_tag_is_refused() -> None:
    small = new_tag(capacity=6)
    assert inspection_refused(Field([small])).refusal is Refusal.TOO_SMALL
    assert refused(Field([small]), approval(small))[0] is Refusal.TOO_SMALL
    assert small.epc_memory == FACTORY


def test_a_reader_that_never_answers_is_refused() -> None:
    hooks = each(Look, range(1, 9), lost)
    assert inspection_refused(Field([new_tag()], hooks)).refusal is Refusal.NO_ANSWER


@pytest.mark.parametrize(
    ("kind", "answer", "remedy"),
    [
        (Look, Failure(FailureCode.CHANNELS_BUSY), "Switch other readers nearby off, or wait"),
        (ReadBank, Failure(FailureCode.CHANNELS_BUSY), "Switch other readers nearby off, or wait"),
        (ReadBank, Failure.of_tag(TagOperation.READ, TagError.OTHER, SEEN), "Use another tag for this arrow if it"),
        (SetSelect, Failure(FailureCode.BAD_COMMAND), "Check the reader's cable and its ground"),
        (SetSelect, Done(Code.SET_SELECT, 1), "Hold the arrow still"),
    ],
)
def test_a_refusal_of_the_reader_has_its_remedy(kind: type, answer: Reply, remedy: str) -> None:
    hooks = each(kind, range(1, 9), answered(answer))
    fault = inspection_refused(Field([new_tag()], hooks))
    assert fault.refusal is Refusal.READER_REFUSED
    assert remedy in str(fault)


def test_a_tag_is_programmed_and_verified() -> None:
    tag = new_tag()
    field = Field([tag])
    work = programmed(field, approval(tag))

    assert (tag.pc, tag.epc) == (0x4000, UUID)
    assert work.evidence == {
        "epc": UUID.hex(),
        "tid": tag.tid.hex(),
        "searches": 1,
        "search_seen": 4,
        "search_repeated": 0,
        "found_rssi_dbm": -50,
        "pc_before": "3000",
        "memory_before": BLANK.hex(),
        "written": True,
        "write_attempts": 1,
        "write_1": f"done by {FACTORY.hex()}",
        "words_written": 9,
        "lock_attempts": 0,
        "bank_pc": "4000",
        "bank_epc": UUID.hex(),
        "inventory_pc": "4000",
        "inventory_epc": UUID.hex(),
        "inventory_rssi_dbm": -50,
        "is_locked": False,
    }
    assert field.phases == [phase for phase in work.phases if phase is not Phase.CLEANING]
    assert Phase.LOCKING not in work.phases


def test_a_tag_that_holds_the_uuid_is_only_verified() -> None:
    tag = new_tag(epc=UUID)
    field = Field([tag])
    work = programmed(field, approval(tag, memory=UUID))

    assert field.writes() == 0
    assert work.evidence["written"] is False
    assert work.evidence["bank_epc"] == UUID.hex()


def test_other_bits_of_the_pc_are_the_tags_own() -> None:
    tag = new_tag()
    tag.user_words = 4
    assert programmed(Field([tag]), approval(tag)).evidence["bank_pc"] == "4400"


def test_another_tag_than_approved_is_not_written() -> None:
    tag, field = new_tag(2), Field([new_tag(1)])
    assert refused(field, approval(tag))[0] is Refusal.OTHER_TAG
    assert field.writes() == 0


def test_other_memory_than_approved_is_not_written() -> None:
    tag = new_tag()
    field = Field([tag])
    assert refused(field, approval(tag, memory=bytes(16)))[0] is Refusal.OTHER_MEMORY
    assert (field.writes(), tag.epc) == (0, FACTORY)


def test_memory_that_another_tag_answered_is_read_again() -> None:
    tag = new_tag()
    other = BankData(TagId(0x3000, FACTORY[:-1] + b"x"), b"\x30\x00" + BLANK)
    field = Field([tag], {(ReadBank, 4): answered(other)})
    programmed(field, approval(tag))
    before_write = field.sent[: next(at for at, sent in enumerate(field.sent) if isinstance(sent, WriteBank))]
    assert [sent for sent in before_write if isinstance(sent, ReadBank)][3:] == [READ_MEMORY, READ_MEMORY]


@pytest.mark.parametrize("words", range(10))
def test_a_torn_write_is_finished_by_the_next_one(words: int) -> None:
    tag = new_tag()
    field = Field([tag], torn_after=[words])
    work = programmed(field, approval(tag))

    assert tag.epc == UUID
    assert work.evidence["write_attempts"] == (1 if words == 9 else 2)
    assert field.phases == [phase for phase in work.phases if phase is not Phase.CLEANING], "no phase twice"


@pytest.mark.parametrize("words", range(10))
def test_a_torn_write_is_reported_and_finished_later(words: int) -> None:
    tag = new_tag()
    if words < 9:
        refusal, work = refused(Field([tag], torn_after=[words] * 3), approval(tag))
        assert refusal is (Refusal.TORN if words else Refusal.NOT_VERIFIED)
        assert work.evidence["write_attempts"] == 3
        assert work.evidence.get("words_written", 0) == words

    programmed(Field([tag]), approval(tag))
    assert tag.epc == UUID


def test_a_write_whose_answer_is_lost_is_read_back() -> None:
    tag = new_tag()
    field = Field([tag])

    def write_silently(request: Request) -> Reply:
        field.work(request)
        return None

    field.hooks[(WriteBank, 1)] = write_silently
    assert programmed(field, approval(tag)).evidence["write_attempts"] == 1
    assert tag.epc == UUID


def test_a_write_that_never_arrives_is_not_verified() -> None:
    tag = new_tag()
    hooks = each(WriteBank, (1, 2, 3), lost)
    refusal, work = refused(Field([tag], hooks), approval(tag))
    assert refusal is Refusal.NOT_VERIFIED
    assert "words_written" not in work.evidence


def test_a_tag_that_leaves_during_the_write_is_reported() -> None:
    tag = new_tag()
    field = Field([tag])

    def leave(request: Request) -> Reply:
        field.torn_after = [3]
        reply = field.work(request)
        field.tags.clear()
        return reply

    field.hooks[(WriteBank, 1)] = leave
    refusal, work = refused(field, approval(tag))
    assert refusal is Refusal.TAG_LEFT
    assert work.evidence["written"] is True

    programmed(Field([tag]), approval(tag))
    assert tag.epc == UUID


def test_evidence_says_written_before_the_write_is_sent() -> None:
    tag = new_tag()
    field = Field([tag])
    work = Programming(approval(tag))
    seen: list[object] = []

    def look(request: Request) -> Reply:
        seen.append((work.evidence["written"], work.evidence["tid"]))
        return field.work(request)

    field.hooks[(WriteBank, 1)] = look
    field.run(work, work.program())
    assert seen == [(True, tag.tid.hex())]


@pytest.mark.parametrize(
    ("answer", "refusal", "shown"),
    [
        (Failure(FailureCode.ACCESS_DENIED), Refusal.PASSWORD_LOCKED, "error 16: access denied"),
        (Failure.of_tag(TagOperation.WRITE, TagError.OVERRUN, SEEN), Refusal.TOO_SMALL, "error B3: "),
        (Failure.of_tag(TagOperation.WRITE, TagError.LOW_POWER, SEEN), Refusal.NOT_VERIFIED, "error BB: "),
        (None, Refusal.NOT_VERIFIED, "no answer"),
    ],
)
def test_a_refused_write_is_named(answer: Reply, refusal: Refusal, shown: str) -> None:
    tag = new_tag()
    hooks = each(WriteBank, (1, 2, 3), answered(answer))
    found, work = refused(Field([tag], hooks), approval(tag))
    assert found is refusal
    assert str(work.evidence["write_1"]).startswith(shown)


def test_another_tag_beside_the_programmed_one_is_refused() -> None:
    tag, other = new_tag(1), new_tag(2, FACTORY[:-1] + b"x")
    field = Field([tag])

    def arrive(request: Request) -> Reply:
        field.tags.append(other)
        return field.work(request)

    field.hooks[(Look, 5)] = arrive
    refusal, work = refused(field, approval(tag))
    assert refusal is Refusal.SEVERAL_TAGS
    assert (work.evidence["other_tags"], work.evidence["inventory_epc"]) == (other.epc.hex(), UUID.hex())


def test_an_inventory_without_the_uuid_is_not_verified() -> None:
    tag, other = new_tag(1), new_tag(2)
    field = Field([tag])
    shown = Field([other]).work(Look())
    field.hooks = each(Look, range(5, 13), answered(shown))
    assert refused(field, approval(tag))[0] is Refusal.NOT_VERIFIED

    field = Field([new_tag(3)])
    field.hooks = each(Look, range(5, 13), answered(Round((), 1, 1)))
    assert refused(field, approval(field.tags[0]))[0] is Refusal.TAG_LEFT
