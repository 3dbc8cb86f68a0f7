"""The transmit power of an arrow scanner: reads of the tag on the pad and of others at each power, and the choice. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge.operator.commands import Value

PAD_SHARE: Final = 0.95
"""Least share of the rounds in which the tag on the pad must answer."""
NAMED: Final = 3
"""Most tags that a message names."""
_EPC: Final = re.compile(r"(?:[0-9a-f]{4}){1,31}")
"""An EPC in hexadecimal: 1 to 31 words, the most that the length in a tag's PC can state (GS1 TDS 1.9, section 9)."""


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """The rounds at one power in which each tag answered."""

    power_dbm: float
    rounds: int
    reads: Mapping[str, int]
    """By EPC."""

    @classmethod
    def from_result(cls, result: Mapping[str, Value]) -> LevelCounts:
        """The counts of a result of the command ``measure_reads``. Raises ValueError for one without power or rounds."""
        power, rounds = result.get("power_dbm"), result.get("rounds")
        if not isinstance(power, int | float) or not isinstance(rounds, int) or rounds < 1:
            raise ValueError("no power or no rounds")
        reads = {
            name: count
            for name, count in result.items()
            if _EPC.fullmatch(name) and isinstance(count, int) and count > 0
        }
        return cls(float(power), rounds, reads)

    def beside(self, pad: str | None) -> LevelReads:
        """The reads of the tag on the pad and of all others."""
        others = {epc: count for epc, count in self.reads.items() if epc != pad}
        return LevelReads(self.power_dbm, self.rounds, self.reads.get(pad or "", 0), others)


@dataclass(frozen=True, slots=True)
class LevelReads:
    """The rounds at one power in which the tag on the pad answered, and those in which each other tag did."""

    power_dbm: float
    rounds: int
    pad: int
    others: Mapping[str, int]

    @property
    def is_read(self) -> bool:
        """Whether the tag on the pad answers reliably."""
        return self.pad >= PAD_SHARE * self.rounds

    @property
    def is_right(self) -> bool:
        """Whether the tag on the pad answers reliably, and no other one."""
        return self.is_read and not self.others

    def to_json(self) -> dict[str, object]:
        """The reads as the calibration stores them."""
        return {"power_dbm": self.power_dbm, "rounds": self.rounds, "pad": self.pad, "others": dict(self.others)}


def lone_tag(levels: Sequence[LevelCounts]) -> str | None:
    """The tag that answers alone at the lowest power at which any does: the one on the pad. None for several, and for none."""
    first = next((level.reads for level in levels if level.reads), {})
    return next(iter(first)) if len(first) == 1 else None


def choose(levels: Sequence[LevelReads]) -> LevelReads | None:
    """The highest power at which the tag on the pad answers reliably and no other one; None without one."""
    return max((level for level in levels if level.is_right), key=lambda level: level.power_dbm, default=None)


def others_from(levels: Sequence[LevelReads]) -> float | None:
    """The lowest power at which another tag answered; None where none did."""
    return min((level.power_dbm for level in levels if level.others), default=None)


def why_none(levels: Sequence[LevelReads], pad: str) -> tuple[str, str]:
    """Why no power is right for tag ``pad``, and what to do: both for people. ``levels`` has one or more, and none is right."""
    if not any(level.pad for level in levels):
        return _never_answered(levels, pad)
    best = max(levels, key=lambda level: level.pad / level.rounds)
    if not any(level.is_read for level in levels):
        reason = (
            f"the tag on the pad was read in at most {best.pad} of {best.rounds} rounds, at {best.power_dbm:g} dBm; "
            f"{PAD_SHARE:.0%} are needed"
        )
        hint = (
            "Move it closer to the antenna and turn the arrow until the tag lies flat above it. If that does not help, try "
            "another tag, a higher --to, or another antenna."
        )
        return reason, hint
    heard, read = others_from(levels), min(level.power_dbm for level in levels if level.is_read)
    hint = (
        "Put all other tags farther away, and the one on the pad closer to the antenna. Arrows in a quiver beside the "
        "scanner count too."
    )
    return (
        f"another tag was read from {heard:g} dBm on, and the tag on the pad reliably only from {read:g} dBm on",
        hint,
    )


def _never_answered(levels: Sequence[LevelReads], pad: str) -> tuple[str, str]:
    reads = Counter[str]()
    for level in levels:
        reads.update(level.others)
    if not reads:
        hint = "Lay that tag on the pad, flat above the antenna, and check the antenna and its cable."
        return f"tag {pad} never answered, and no other did", hint
    others = ", ".join(sorted(reads, key=lambda epc: (-reads[epc], epc))[:NAMED])
    more = f" and {len(reads) - NAMED} more" if len(reads) > NAMED else ""
    return (
        f"tag {pad} never answered; these did: {others}{more}",
        "Correct --tag, or leave it out to be asked; or lay that tag on the pad in place of the other.",
    )
