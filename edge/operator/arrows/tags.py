"""The relation of a tag on the scanner to the registered arrows. Pure.

The database decides by it whether a tag may be written; the driver compares the tag again right before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from edge.common.config.errors import CommandError
from edge.operator.arrows.records import Arrow

WORD: Final = 4
"""Hexadecimal digits of one word of a tag's memory."""
EPC_WORDS: Final = 8
"""Words of an arrow's EPC: a UUID has 128 bits."""
UUID_VERSIONS: Final = range(1, 9)
"""Versions of UUIDs (RFC 9562, section 4.2). Arrows registered here have version 4; another club's software may choose any."""
FACTORY_DIGITS: Final = 24
"""Hexadecimal digits of an EPC as tags come from the factory: 96 bits."""
SURE_WORDS: Final = 2
"""Words at the beginning that show a torn write in a tag that is not claimed: 32 bits are equal by chance in no club."""


class TagRelation(StrEnum):
    """Relation of a tag to the arrow that is to be programmed."""

    BLANK = "blank"
    """No arrow's: it may be written."""
    SAME = "same"
    """It holds the arrow's UUID."""
    TORN = "torn"
    """It holds the beginning of the arrow's UUID: a write ended half-way."""
    OTHER_TAG = "other_tag"
    """The arrow's UUID belongs to another tag."""
    UNKNOWN_TAG = "unknown_tag"
    """The arrow's UUID may be in a tag that is not known, and is not in this one."""
    OTHER_ARROW = "other_arrow"
    """It is another arrow's."""
    VOIDED_ARROW = "voided_arrow"
    """It is that of an arrow that was voided."""
    CLAIMED = "claimed"
    """A write into it for another arrow may have begun, or is under way."""
    FOREIGN = "foreign"
    """It holds a UUID that is not registered here."""


WRITABLE: Final = frozenset((TagRelation.BLANK, TagRelation.SAME, TagRelation.TORN))
"""Relations with which the arrow may be programmed."""


@dataclass(frozen=True, slots=True)
class InspectedTag:
    """The only tag on the scanner, as ``inspect_tag`` returns it."""

    epc: str
    """As the inventory shows it; its length follows from the PC word."""
    pc: str
    """Protocol control word, 4 hexadecimal digits; the first five bits are the words of the EPC (Gen2, 6.3.2.1.2.2)."""
    memory: str
    """The first 8 words of the EPC, 32 hexadecimal digits."""
    tid: str
    """Serial number, 24 hexadecimal digits."""
    rssi_dbm: int | None

    @classmethod
    def parse(cls, values: Mapping[str, object], device_id: str) -> InspectedTag:
        """The tag in a result. Raises CommandError for a result that lacks one."""
        texts = {name: str(values.get(name, "")).lower() for name in ("epc", "pc", "memory", "tid")}
        digits = {"pc": WORD, "memory": EPC_WORDS * WORD, "tid": 24}
        for name, count in digits.items():
            if len(texts[name]) != count or not set(texts[name]) <= set("0123456789abcdef"):
                raise CommandError(
                    f"{device_id} returned no {name} of {count} hexadecimal digits, but '{texts[name][:40]}'",
                    hint="Please report this as a bug, with the driver of the device.",
                )
        rssi = values.get("rssi_dbm")
        return cls(**texts, rssi_dbm=rssi if isinstance(rssi, int) else None)

    @property
    def identity(self) -> UUID:
        """The first 8 words as a UUID, whether they are one or not."""
        return UUID(self.memory)

    @property
    def shows_uuid(self) -> bool:
        """Whether an inventory shows all 8 words."""
        return int(self.pc, 16) >> 11 == EPC_WORDS

    @property
    def looks_like_uuid(self) -> bool:
        """Whether it holds a UUID of any version.

        Some software writes it without the PC, so that an inventory shows a part only. The EPC of a factory has 96 bits
        and nothing behind them, by which it differs from such a UUID: one in eight has its version and variant.
        """
        is_whole = int(self.pc, 16) >> 11 >= EPC_WORDS or int(self.memory[FACTORY_DIGITS:], 16) > 0
        return is_whole and self.identity.version in UUID_VERSIONS


def words_written(tag: InspectedTag, arrow: Arrow) -> int:
    """Words at the beginning of the tag's memory that are those of the arrow's UUID, 0 to 8."""
    words = [tag.memory[at : at + WORD] == arrow.epc[at : at + WORD] for at in range(0, EPC_WORDS * WORD, WORD)]
    return words.index(False) if False in words else EPC_WORDS


def approve_tag(arrow: Arrow, tag: InspectedTag, holder: Arrow | None, claimant: Arrow | None) -> TagRelation:
    """The relation of a tag to the arrow that is to be programmed.

    ``holder`` is the arrow whose UUID the tag holds, ``claimant`` the one for which its TID is claimed.
    """
    for other in (holder, claimant):
        if other is not None and other.id != arrow.id:
            if other.id != tag.identity and not other.is_programmed:
                return TagRelation.CLAIMED
            return TagRelation.OTHER_ARROW if other.is_active else TagRelation.VOIDED_ARROW
    is_own = arrow.tag_tid == tag.tid
    if arrow.tag_tid is not None and not is_own:
        return TagRelation.OTHER_TAG
    written = words_written(tag, arrow)
    if written == EPC_WORDS:
        return TagRelation.SAME
    if arrow.is_tag_unknown:
        return TagRelation.UNKNOWN_TAG
    if written >= SURE_WORDS or (is_own and written >= 1):
        return TagRelation.TORN
    return TagRelation.FOREIGN if tag.looks_like_uuid and not is_own else TagRelation.BLANK


def relation_error(
    relation: TagRelation, arrow: Arrow, tag: InspectedTag, holder: Arrow | None, claimant: Arrow | None
) -> CommandError:
    """The error for a tag that must not be written, for the person who holds the arrow."""
    label, other = arrow.human_identifier, holder if holder is not None and holder.id != arrow.id else claimant
    name = "" if other is None else f"{other.human_identifier} ({str(other.id)[:8]})"
    untouched = "Nothing was written."
    match relation:
        case TagRelation.OTHER_ARROW:
            return CommandError(
                f"the tag on the scanner is that of arrow {name}, not of {label}",
                hint=f"{untouched} Put arrow {label} on the scanner, with a tag of its own.",
            )
        case TagRelation.VOIDED_ARROW:
            return CommandError(
                f"the tag on the scanner is that of arrow {name}, which was voided",
                hint=f"{untouched} Use a new tag, or restore that arrow: `archstats-sensor arrow restore {str(other.id)[:8]}`."
                if other is not None
                else untouched,
            )
        case TagRelation.CLAIMED if other is not None and not other.is_write_unfinished:
            return CommandError(
                f"the tag on the scanner is being programmed for arrow {name}",
                hint=f"{untouched} Wait until that has ended, see `archstats-sensor commands list`, and take that arrow away.",
            )
        case TagRelation.CLAIMED:
            finish = (
                f"`archstats-sensor arrow program {str(other.id)[:8]}`" if other is not None and other.is_active else ""
            )
            return CommandError(
                f"a write of arrow {name} into the tag on the scanner may have begun and is not finished",
                hint=f"{untouched} Use a new tag for {label}"
                + (f", or finish that arrow: {finish}." if finish else "."),
            )
        case TagRelation.OTHER_TAG:
            may = "is" if arrow.is_programmed else "is, or may be,"
            return CommandError(
                f"the UUID of arrow {label} {may} in tag {arrow.tag_tid}, and the tag on the scanner is {tag.tid}",
                hint=f"{untouched} Put the arrow with its own tag on the scanner. If that tag is broken or lost: "
                f"`archstats-sensor arrow void {label} --reason TEXT`, then register a new arrow.",
            )
        case TagRelation.UNKNOWN_TAG:
            may = "was programmed elsewhere: its UUID is" if arrow.is_programmed else "may have a tag: its UUID may be"
            return CommandError(
                f"arrow {label} {may} in a tag that is not known, and the tag on the scanner, {tag.tid}, does not hold it",
                hint=f"{untouched} Put the arrow with its own tag on the scanner. If no tag has its UUID: "
                f"`archstats-sensor arrow void {label} --reason TEXT`, then register a new arrow.",
            )
        case TagRelation.FOREIGN:
            return CommandError(
                f"the tag on the scanner holds {tag.identity}, a UUID that is not registered here",
                hint=f"{untouched} It may be an arrow of another club. Register it with its UUID "
                "(`archstats-sensor arrow import FILE.csv`), or use a new tag.",
            )
    raise ValueError(f"a tag that is {relation} may be written")
