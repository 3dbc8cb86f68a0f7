"""Import arrows from a CSV file, all or none. A second import of the same file does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.common.postgres.connection import Connection
from edge.operator.arrows.csv_rows import CsvArrow, LineFault, WrongLines, parse_arrows
from edge.operator.arrows.records import Arrow, list_arrows
from edge.operator.arrows.register import NewArrow, register_arrows


@dataclass(frozen=True, slots=True)
class ImportedArrows:
    """The outcome of an import."""

    registered: Sequence[Arrow]
    unchanged: int
    """Lines whose arrow was registered already."""


async def import_arrows(connection: Connection, data: bytes, who: str) -> ImportedArrows:
    """Register the arrows of a CSV file that are not registered yet.

    A line without an id is the active arrow with its label, if there is one. Raises UsageError for a file that is no such list,
    WrongLines for wrong lines and for those that say otherwise than a registered arrow.
    """
    lines = parse_arrows(data)
    async with connection.transaction():
        present = await list_arrows(connection, with_voided=True)
        by_id = {arrow.id: arrow for arrow in present}
        by_label = {arrow.human_identifier: arrow for arrow in present if arrow.is_active}
        faults, new = [], []
        for line in lines:
            holder = by_label.get(line.label)
            known = holder if line.id is None else by_id.get(line.id)
            if known is not None:
                faults += [LineFault(line.line, text) for text in _differences(line, known)]
            elif holder is not None:
                faults.append(LineFault(line.line, f"The label {line.label} is on arrow {holder.id} already."))
            else:
                new.append(NewArrow(line.label, line.sizes, line.id, line.is_programmed))
        if faults:
            raise WrongLines(faults)
        return ImportedArrows(await register_arrows(connection, new, who), len(lines) - len(new))


def _differences(line: CsvArrow, known: Arrow) -> Sequence[str]:
    """A sentence if the line gives other values than a registered arrow has; a value that it does not give is no difference."""
    differing = [name for name, value in line.sizes.items() if value != known.sizes[name]]
    if line.label != known.human_identifier:
        differing.insert(0, "label")
    if line.is_programmed and not known.is_programmed:
        differing.append("is_programmed")
    if not differing:
        return ()
    names = ", ".join(differing)
    return (f"Arrow {known.human_identifier} ({str(known.id)[:8]}) is registered with another {names}.",)
