"""The relation of a tag to the arrow that is to be programmed, and the findings of a comparison."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from edge.common.config.errors import CommandError
from edge.common.vocabulary import CommandState
from edge.operator.arrows.program import ProgrammedArrow
from edge.operator.arrows.records import Arrow
from edge.operator.arrows.scanner import cause_and_remedy
from edge.operator.arrows.tags import WRITABLE, InspectedTag, TagRelation, approve_tag, relation_error
from edge.operator.arrows.verify import TagFinding, judge_tag
from edge.operator.commands import DeviceCommand
from edge.sensor.command_rows import INTERRUPTED_HINT
from tests.edge.operator.arrows.command_rows import OTHER_TID, TID

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARROW = Arrow(
    uuid4(), "A07", length=None, weight=None, diameter=None, spine=None, label_position=None, is_programmed=False,
    is_locked=False, is_write_unfinished=False, is_tag_unknown=False, tag_tid=None, programmed_at=None, registration_date=NOW, registered_by=None,
    is_active=True, voided_date=None, void_reason=None, voided_by=None, shots=0,
)  # fmt: skip
CLAIMED = replace(ARROW, tag_tid=TID, is_write_unfinished=True)
PROGRAMMED = replace(ARROW, tag_tid=TID, is_programmed=True)
ELSEWHERE = replace(ARROW, is_programmed=True, is_tag_unknown=True)
IMPORTED = replace(ARROW, is_tag_unknown=True)
OTHER = replace(PROGRAMMED, id=uuid4(), human_identifier="A08")
VOIDED = replace(OTHER, is_active=False, voided_date=NOW)
FACTORY = "e28011700000020f0000000000000000"
TAG = InspectedTag(FACTORY[:24], "3000", FACTORY, TID, -50)
FOREIGN = replace(TAG, pc="4000", memory=uuid4().hex)


def holding(arrow: Arrow, words: int = 8, tid: str = TID) -> InspectedTag:
    """A tag with the first words of an arrow's UUID."""
    return replace(TAG, pc="4000", memory=arrow.epc[: 4 * words] + FACTORY[4 * words :], tid=tid)


@pytest.mark.parametrize(
    ("arrow", "tag", "holder", "claimant", "relation"),
    [
        (ARROW, TAG, None, None, TagRelation.BLANK),
        (CLAIMED, TAG, None, CLAIMED, TagRelation.BLANK),
        (ARROW, holding(ARROW), ARROW, None, TagRelation.SAME),
        (PROGRAMMED, holding(ARROW), PROGRAMMED, PROGRAMMED, TagRelation.SAME),
        (ELSEWHERE, holding(ARROW), ELSEWHERE, None, TagRelation.SAME),
        (ARROW, holding(ARROW, 1), None, None, TagRelation.BLANK),
        (CLAIMED, holding(ARROW, 1), None, CLAIMED, TagRelation.TORN),
        (ARROW, holding(ARROW, 2), None, None, TagRelation.TORN),
        (PROGRAMMED, holding(ARROW, 7), None, PROGRAMMED, TagRelation.TORN),
        (CLAIMED, replace(TAG, tid=OTHER_TID), None, None, TagRelation.OTHER_TAG),
        (PROGRAMMED, holding(ARROW, tid=OTHER_TID), PROGRAMMED, None, TagRelation.OTHER_TAG),
        (ELSEWHERE, TAG, None, None, TagRelation.UNKNOWN_TAG),
        (IMPORTED, TAG, None, None, TagRelation.UNKNOWN_TAG),
        (IMPORTED, holding(ARROW, 7), None, None, TagRelation.UNKNOWN_TAG),
        (IMPORTED, holding(ARROW), IMPORTED, None, TagRelation.SAME),
        (IMPORTED, holding(OTHER), OTHER, OTHER, TagRelation.OTHER_ARROW),
        (ARROW, holding(OTHER), OTHER, OTHER, TagRelation.OTHER_ARROW),
        (ARROW, TAG, None, OTHER, TagRelation.OTHER_ARROW),
        (ARROW, holding(ARROW), ARROW, OTHER, TagRelation.OTHER_ARROW),
        (ARROW, holding(VOIDED), VOIDED, VOIDED, TagRelation.VOIDED_ARROW),
        (ARROW, TAG, None, replace(OTHER, is_programmed=False), TagRelation.CLAIMED),
        (ARROW, TAG, None, replace(VOIDED, is_programmed=False), TagRelation.CLAIMED),
        (ARROW, FOREIGN, None, None, TagRelation.FOREIGN),
        (ARROW, replace(FOREIGN, pc="3000"), None, None, TagRelation.FOREIGN),
        (ARROW, replace(FOREIGN, pc="8000"), None, None, TagRelation.FOREIGN),
        (ARROW, replace(TAG, memory="e28068900000500e88c6a4a700000000"), None, None, TagRelation.BLANK),
        (ARROW, replace(FOREIGN, memory=UUID(int=1 << 76 | 1 << 63).hex), None, None, TagRelation.FOREIGN),
        (ARROW, replace(FOREIGN, memory=UUID(int=9 << 76 | 1 << 63).hex), None, None, TagRelation.BLANK),
        (ARROW, replace(FOREIGN, memory=UUID(int=1 << 76).hex), None, None, TagRelation.BLANK),
    ],
)
def test_a_tag_has_one_relation_to_an_arrow(
    arrow: Arrow, tag: InspectedTag, holder: Arrow | None, claimant: Arrow | None, relation: TagRelation
) -> None:
    assert approve_tag(arrow, tag, holder, claimant) is relation
    if relation not in WRITABLE:
        error = relation_error(relation, arrow, tag, holder, claimant)
        assert "Nothing was written." in error.hint


def test_every_refusal_has_a_message_of_its_own() -> None:
    refused = set(TagRelation) - WRITABLE
    assert len({relation_error(one, ARROW, TAG, None, OTHER).message for one in refused}) == len(refused)


@pytest.mark.parametrize(
    ("tag", "holder", "claimant", "finding"),
    [
        (holding(ARROW), PROGRAMMED, PROGRAMMED, TagFinding.MATCHES),
        (holding(ARROW), ELSEWHERE, None, TagFinding.MATCHES),
        (holding(ARROW), CLAIMED, CLAIMED, TagFinding.NOT_RECORDED),
        (holding(ARROW, tid=OTHER_TID), PROGRAMMED, None, TagFinding.COPY),
        (replace(holding(ARROW), pc="3000"), PROGRAMMED, PROGRAMMED, TagFinding.SHORT),
        (holding(VOIDED), VOIDED, VOIDED, TagFinding.VOIDED),
        (holding(ARROW, 3), None, CLAIMED, TagFinding.TORN),
        (TAG, None, PROGRAMMED, TagFinding.OVERWRITTEN),
        (TAG, None, None, TagFinding.UNKNOWN),
    ],
)
def test_a_tag_is_compared_with_the_database(
    tag: InspectedTag, holder: Arrow | None, claimant: Arrow | None, finding: TagFinding
) -> None:
    found = judge_tag(tag, holder, claimant)
    assert (found.finding, found.is_right) == (finding, finding is TagFinding.MATCHES)
    assert found.sentence.endswith(".")
    assert ("the database does not know this tag" in found.sentence) == (holder == ELSEWHERE)
    unexpected = judge_tag(tag, holder, claimant, replace(ARROW, id=uuid4(), human_identifier="Z9"))
    assert not unexpected.is_right
    assert unexpected.sentence.endswith("It is not arrow Z9.")


def test_a_failure_shows_its_cause_and_the_remedy() -> None:
    error = "The tag is locked for ever, and its memory is unchanged. Use another tag for this arrow."
    hint = f"Check the cable. {INTERRUPTED_HINT}"
    assert cause_and_remedy(failed(error, hint)) == (
        "The tag is locked for ever, and its memory is unchanged",
        "Use another tag for this arrow. Check the cable.",
    )
    assert cause_and_remedy(failed("interrupted: the daemon ended", INTERRUPTED_HINT)) == (
        "interrupted: the daemon ended", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "was_written"),
    [
        ({"written": True, "write_attempts": 1}, True),
        ({"written": False, "write_attempts": 0, "lock_attempts": 1}, False),
        ({"written": True, "write_attempts": 0}, False),
        ({"written": False}, False),
        ({}, True),
    ],
)
def test_only_a_write_is_a_write(evidence: dict[str, bool | int], *, was_written: bool) -> None:
    """Not a check of the tag, and not its lock."""
    command = replace(failed("", ""), state=CommandState.DONE, result=evidence)
    assert ProgrammedArrow(PROGRAMMED, command, TAG, TagRelation.SAME).was_written is was_written


def failed(error: str, hint: str) -> DeviceCommand:
    return DeviceCommand(
        1, "arrow-1", "program_arrow", {}, "Robin", CommandState.FAILED, NOW, NOW, 30, cancel_requested=False, claimed_at=NOW,
        phase=None, done=None, total=None, result=None, error=error, hint=hint, finished_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("values", [{}, {"tid": "12"}, {"pc": "3000", "memory": "x" * 32, "tid": TID}], ids=str)
def test_a_result_without_a_tag_is_an_error(values: dict[str, object]) -> None:
    with pytest.raises(CommandError, match="arrow-1 returned no"):
        InspectedTag.parse(values, "arrow-1")
