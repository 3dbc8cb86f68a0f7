"""The sizes and the label of an arrow: units, bounds, and the sentence for a value outside them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge.common.bounds import is_storable
from edge.common.text import clean

Sizes = Mapping[str, float | None]
"""Values by the names of SIZES; one that is missing or None is not known."""


@dataclass(frozen=True, slots=True)
class Size:
    """One number that describes an arrow, a column of ``arrows``."""

    name: str
    unit: str
    """Empty for a number without one."""
    lowest: float
    highest: float

    @property
    def bounds(self) -> str:
        """The bounds for people, with the unit: ``10 to 200 cm``."""
        return f"{self.lowest:g} to {self.highest:g} {self.unit}".rstrip()

    def text(self, value: float) -> str:
        """A value for people: ``72 cm``, ``spine 500``."""
        number = f"{value:.10g} {self.unit}".rstrip()
        return number if self.name in ("length", "weight") else f"{self.words} {number}"

    @property
    def words(self) -> str:
        """The name for people."""
        return self.name.replace("_", " ")


# The bounds of the constraint arrows_bounds; they refuse values in another unit, such as a length in millimetres,
# and a number with a separator of thousands: a spine of 1.234.
LENGTH: Final = Size("length", "cm", 10, 200)
WEIGHT: Final = Size("weight", "g", 1, 500)
DIAMETER: Final = Size("diameter", "mm", 1, 30)
SPINE: Final = Size("spine", "", 10, 5000)
LABEL_POSITION: Final = Size("label_position", "cm", 0, 200)
SIZES: Final = (LENGTH, WEIGHT, DIAMETER, SPINE, LABEL_POSITION)
SHOWN_OF_UUID: Final = 8
"""Digits by which messages name an arrow beside its label."""
LONGEST_LABEL: Final = 10
"""Longest name of an arrow in characters: it stands on the shaft."""


def size_faults(sizes: Sizes) -> Sequence[str]:
    """A sentence for each value that no arrow has; none when all are possible."""
    faults = []
    for size in SIZES:
        value = sizes.get(size.name)
        if value is not None and not size.lowest <= value <= size.highest:
            faults.append(f"The {size.words} is {value:g}, and must be {size.bounds}.")
    length, position = sizes.get(LENGTH.name), sizes.get(LABEL_POSITION.name)
    if not faults and length is not None and position is not None and position > length:
        faults.append(f"The label position {position:g} cm is beyond the length {length:g} cm.")
    return faults


def normal_label(label: str) -> str:
    """A label with each character in its composed form (NFC), so that labels that look alike are equal."""
    return unicodedata.normalize("NFC", label)


def label_fault(label: str) -> str | None:
    """The sentence for a label that no arrow can have; None for a possible one."""
    if not label or label != label.strip():
        return "A label needs at least one character, and no blank at either end."
    if len(label) > LONGEST_LABEL:
        return f"The label '{clean(label, 40)}' has {len(label)} characters, and may have {LONGEST_LABEL}."
    if re.fullmatch(rf"[0-9a-fA-F]{{{SHOWN_OF_UUID},}}", label.replace("-", "")):
        return f"The label '{label}' may be the beginning of a UUID: a label of hexadecimal digits has at most {SHOWN_OF_UUID - 1}."
    if not label.isprintable() or not is_storable(label):
        return f"The label '{clean(label, 40)}' has a character that does not print."
    return None
