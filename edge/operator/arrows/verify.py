"""Compare the tag on the scanner with the registered arrows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.common.postgres.connection import Connection
from edge.operator.arrows.program import tag_neighbours
from edge.operator.arrows.records import Arrow
from edge.operator.arrows.scanner import inspect_tag
from edge.operator.arrows.tags import InspectedTag, words_written
from edge.operator.commands import Follow


class TagFinding(StrEnum):
    """The outcome of a comparison."""

    MATCHES = "matches"
    """It is the tag of a programmed arrow, and holds what the database says."""
    NOT_RECORDED = "not_recorded"
    """It holds an arrow's UUID, and the arrow is not programmed in the database."""
    VOIDED = "voided"
    """It is the tag of a voided arrow."""
    COPY = "copy"
    """It holds the UUID of an arrow that has another tag."""
    SHORT = "short"
    """It holds an arrow's UUID, and shows another EPC: its length word is wrong."""
    TORN = "torn"
    """A write of an arrow may have begun and is not finished."""
    OVERWRITTEN = "overwritten"
    """It is the tag of a programmed arrow, and no longer holds its UUID."""
    UNKNOWN = "unknown"
    """No arrow's."""
    OTHER_ARROW = "other_arrow"
    """It is in order, and not that of the arrow that was asked for."""


@dataclass(frozen=True, slots=True)
class VerifiedTag:
    """A tag with the arrow that it belongs to."""

    finding: TagFinding
    arrow: Arrow | None
    tag: InspectedTag
    expected: Arrow | None
    """The arrow that was asked for."""

    @property
    def is_right(self) -> bool:
        """Whether the tag is that of the arrow that was asked for, or of any, and as the database says."""
        return self.finding is TagFinding.MATCHES

    @property
    def sentence(self) -> str:
        """The finding for the person who holds the arrow, and what to do."""
        return _sentence(self)


async def verify_tag(
    connection: Connection, scanner_id: str, who: str, follow: Follow, expected: Arrow | None = None
) -> VerifiedTag:
    """Read the tag on the scanner and compare it. Writes nothing. Raises CommandError when there is no tag, or several."""
    tag = await inspect_tag(connection, scanner_id, who, follow)
    holder, claimant = await tag_neighbours(connection, tag)
    return judge_tag(tag, holder, claimant, expected)


def judge_tag(
    tag: InspectedTag, holder: Arrow | None, claimant: Arrow | None, expected: Arrow | None = None
) -> VerifiedTag:
    """Compare a tag with the arrow whose UUID it holds and the one for which it is claimed. Pure."""
    arrow = holder or claimant
    finding = _finding(tag, holder, claimant)
    is_other = expected is not None and (arrow is None or arrow.id != expected.id)
    if is_other and finding is TagFinding.MATCHES:
        finding = TagFinding.OTHER_ARROW
    return VerifiedTag(finding, arrow, tag, expected)


def _finding(tag: InspectedTag, holder: Arrow | None, claimant: Arrow | None) -> TagFinding:
    if holder is None:
        if claimant is None:
            return TagFinding.UNKNOWN
        return TagFinding.OVERWRITTEN if claimant.is_programmed else TagFinding.TORN
    if holder.tag_tid not in (None, tag.tid) or (claimant is not None and claimant.id != holder.id):
        return TagFinding.COPY
    if not tag.shows_uuid:
        return TagFinding.SHORT
    if not holder.is_active:
        return TagFinding.VOIDED
    return TagFinding.MATCHES if holder.is_programmed else TagFinding.NOT_RECORDED


def _sentence(found: VerifiedTag) -> str:
    label = "" if found.arrow is None else found.arrow.human_identifier
    tag, program = f"tag {found.tag.tid.upper()}", f"`archstats-sensor arrow program {label}`"
    match found.finding:
        case TagFinding.MATCHES:
            locked = ", and the database has it as locked" if found.arrow is not None and found.arrow.is_locked else ""
            sentence = f"It is arrow {label}: {tag} holds its UUID{locked}."
            if found.arrow is not None and found.arrow.is_tag_unknown:
                sentence += (
                    f" It was programmed elsewhere, and the database does not know this tag. To record it: {program}."
                )
        case TagFinding.OTHER_ARROW:
            sentence = f"It is arrow {label}: {tag} holds its UUID."
        case TagFinding.NOT_RECORDED:
            sentence = f"It is arrow {label}: {tag} holds its UUID, which is not recorded. To record it: {program}."
        case TagFinding.VOIDED:
            sentence = f"It is arrow {label}, which was voided: {tag} holds its UUID. Take it out of the quiver."
        case TagFinding.COPY:
            sentence = (
                f"The {tag} holds the UUID of arrow {label}, which has another tag. Remove this tag: it is a copy."
            )
        case TagFinding.SHORT:
            sentence = (
                f"The {tag} holds the UUID of arrow {label}, and shows another EPC. To put that right: {program}."
            )
        case TagFinding.TORN:
            words = 0 if found.arrow is None else words_written(found.tag, found.arrow)
            sentence = f"The {tag} holds {words} of 8 words of arrow {label}: a write may have begun and is not finished. Finish it: {program}."
        case TagFinding.OVERWRITTEN:
            sentence = (
                f"The {tag} is that of arrow {label}, and no longer holds its UUID. To write it again: {program}."
            )
        case _:
            sentence = f"The {tag} is no arrow's: its EPC is {found.tag.epc.upper()}."
    if found.expected is not None and (found.arrow is None or found.arrow.id != found.expected.id):
        sentence += f" It is not arrow {found.expected.human_identifier}."
    return sentence
