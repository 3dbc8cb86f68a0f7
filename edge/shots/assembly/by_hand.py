"""What persons decided, ready for assembly: corrections win over everything that was sensed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edge.shots.assembly.model import Correction, ReadingKey


@dataclass(slots=True)
class CorrectionSet:
    """The last word on each reading."""

    verdicts: dict[ReadingKey, Correction] = field(default_factory=dict)
    """What a shot is worth, by the key of its release or of its landing without one."""
    owners: dict[ReadingKey, ReadingKey] = field(default_factory=dict)
    """The release that a landing was given, by the landing's key; the landing's own key makes it a shot of its own."""

    def is_void(self, landing: ReadingKey) -> bool:
        """Whether no arrow made this landing."""
        verdict = self.verdicts.get(landing)
        return verdict is not None and verdict.result == "void"


def by_hand(corrections: Iterable[Correction]) -> CorrectionSet:
    """Take corrections in the order in which they were said."""
    said = CorrectionSet()
    for correction in corrections:
        if correction.landing is not None:
            said.owners = {landing: owner for landing, owner in said.owners.items() if owner != correction.key}
            said.owners[correction.landing] = correction.key
        if correction.result is not None:
            said.verdicts[correction.key] = correction
    return said
