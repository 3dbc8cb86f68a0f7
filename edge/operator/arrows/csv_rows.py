"""The lines of a CSV file with arrows, checked one by one. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from edge.common.config.errors import UsageError
from edge.common.text import clean
from edge.operator.arrows.sizes import SIZES, Sizes, label_fault, normal_label, size_faults

COLUMNS: Final = ("label", "id", *(size.name for size in SIZES), "is_programmed")
"""The columns of the file; all but the label may be left out."""
LARGEST_BYTES: Final = 1 << 20
MOST_ARROWS: Final = 5000
FORM: Final = "The first line names the columns, such as label,length,diameter; see docs/arrows.md."
MOST_SHOWN: Final = 20
"""Most wrong lines that a message shows."""
YES: Final = frozenset(("true", "yes", "1"))
NO: Final = frozenset(("false", "no", "0", ""))
NUMBER: Final = re.compile(r"[0-9]+([.,][0-9]+)?")


@dataclass(frozen=True, slots=True)
class CsvArrow:
    """One line of the file."""

    line: int
    label: str
    id: UUID | None
    sizes: Sizes
    """The values that the line gives."""
    is_programmed: bool


@dataclass(frozen=True, slots=True)
class CsvArrows:
    """The lines of a file."""

    arrows: Sequence[CsvArrow]
    """Lines that can be imported as far as the file shows."""
    faults: Sequence[LineFault]


@dataclass(frozen=True, slots=True)
class LineFault:
    """The reason why a line cannot be imported."""

    line: int
    message: str
    """One sentence."""


class WrongLines(UsageError):
    """A file of which some lines cannot be imported; ``faults`` has all of them."""

    def __init__(self, faults: Sequence[LineFault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        shown = [f"  line {fault.line}: {fault.message}" for fault in self.faults[:MOST_SHOWN]]
        if len(self.faults) > MOST_SHOWN:
            shown.append(f"  and {len(self.faults) - MOST_SHOWN} more.")
        super().__init__("the file has wrong lines, so nothing was imported", hint="\n".join(["Correct them:", *shown]))


def parse_arrows(data: bytes) -> CsvArrows:
    """The arrows of a file in UTF-8, separated by commas, semicolons or tabs.

    Numbers may have a decimal comma, between quotation marks where commas separate. Raises UsageError for a file that is no such
    list.
    """
    if len(data) > LARGEST_BYTES:
        raise UsageError(f"the file is larger than {LARGEST_BYTES >> 20} MiB", hint="Import the arrows in parts.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UsageError("the file is no text in UTF-8", hint="Save it as CSV in UTF-8.") from fault
    header = next(iter(text.splitlines()), "")
    separator = max(",;\t", key=header.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, skipinitialspace=True, strict=True)
    try:
        columns = _columns(next(reader, []))
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as fault:
        raise UsageError(f"line {reader.line_num} is no CSV ({fault})", hint=FORM) from fault
    if not 0 < len(lines) <= MOST_ARROWS:
        raise UsageError(f"the file has {len(lines)} arrows", hint=f"Give between 1 and {MOST_ARROWS} arrows.")
    return _checked([_parse(line, columns, cells) for line, cells in lines])


def _columns(header: Sequence[str]) -> Sequence[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    if "label" not in names:
        raise UsageError("the file has no column 'label'", hint=FORM)
    for name in names:
        if name not in COLUMNS:
            raise UsageError(f"there is no column '{clean(name, 40)}'", hint=f"The columns are {', '.join(COLUMNS)}.")
        if names.count(name) > 1:
            raise UsageError(f"the file has two columns '{name}'", hint=FORM)
    return names


def _parse(line: int, columns: Sequence[str], cells: Sequence[str]) -> CsvArrow | LineFault:
    if len(cells) > len(columns):
        return LineFault(line, f"It has {len(cells)} values for {len(columns)} columns.")
    values = dict(zip(columns, map(str.strip, cells), strict=False))
    sizes: dict[str, float] = {}
    for size in SIZES:
        text = values.get(size.name, "")
        if text and NUMBER.fullmatch(text) is None:
            return LineFault(line, f"The {size.words} is '{clean(text, 40)}', which is no number such as 72 or 72.5.")
        if text:
            sizes[size.name] = float(text.replace(",", "."))
    return _arrow(line, values, sizes)


def _arrow(line: int, values: Mapping[str, str], sizes: Sizes) -> CsvArrow | LineFault:
    label = normal_label(values.get("label", ""))
    fault = label_fault(label) or next(iter(size_faults(sizes)), None)
    if fault:
        return LineFault(line, fault)
    identity: UUID | None = None
    if values.get("id"):
        try:
            identity = UUID(values["id"])
        except ValueError:
            return LineFault(line, f"The id is '{clean(values['id'], 40)}', which is no UUID.")
        if not identity.int:
            return LineFault(line, "The id is the empty UUID, which no arrow has.")
    programmed = values.get("is_programmed", "").lower()
    if programmed not in YES | NO:
        return LineFault(line, f"is_programmed is '{clean(programmed, 40)}', and must be true or false.")
    if programmed in YES and identity is None:
        return LineFault(line, "is_programmed is true without an id: the UUID that the tag holds must be given.")
    return CsvArrow(line, label, identity, sizes, programmed in YES)


def _checked(parsed: Sequence[CsvArrow | LineFault]) -> CsvArrows:
    """The arrows, each once."""
    faults = [one for one in parsed if isinstance(one, LineFault)]
    arrows = [one for one in parsed if isinstance(one, CsvArrow)]
    labels: dict[str, int] = {}
    ids: dict[UUID, int] = {}
    for one in arrows:
        if labels.setdefault(one.label, one.line) != one.line:
            faults.append(LineFault(one.line, f"The label {one.label} is on line {labels[one.label]} already."))
        elif one.id is not None and ids.setdefault(one.id, one.line) != one.line:
            faults.append(LineFault(one.line, f"The id is on line {ids[one.id]} already."))
    return CsvArrows(arrows, faults)
