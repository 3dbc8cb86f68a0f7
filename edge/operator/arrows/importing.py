"""Import arrows from a CSV file, all or none. A second import of the same file does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.operator.arrows.csv_rows import CsvArrow, LineFault, WrongLines, parse_arrows
from edge.operator.arrows.records import Arrow, arrow_of_id, list_arrows
from edge.operator.arrows.register import NewArrow, register_arrows


@dataclass(frozen=True, slots=True)
class ImportedArrows:
    """The outcome of an import."""

    registered: Sequence[Arrow]
    marked: Sequence[Arrow]
    """Arrows that were registered already, and are noted as programmed elsewhere now."""
    unchanged: int
    """Lines whose arrow was registered already."""
    voided: Sequence[Arrow]
    """Arrows of lines that were registered already, and are voided: they stay so."""


async def import_arrows(connection: Connection, data: bytes, who: str) -> ImportedArrows:
    """Register the arrows of a CSV file that are not registered yet, and note which were programmed elsewhere.

    A line without an id is the active arrow with its label, if there is one. Raises UsageError for a file that is no such list,
    WrongLines with all wrong lines and those that say otherwise than a registered arrow.
    """
    file = parse_arrows(data)
    faults, new, marked, voided = [*file.faults], [], [], []
    async with connection.transaction():
        present = await list_arrows(connection, with_voided=True)
        by_id = {arrow.id: arrow for arrow in present}
        by_label = {arrow.human_identifier: arrow for arrow in present if arrow.is_active}
        for line in file.arrows:
            holder = by_label.get(line.label)
            known = holder if line.id is None else by_id.get(line.id)
            if known is not None:
                faults += [LineFault(line.line, text) for text in _differences(line, known)]
                if not known.is_active:
                    voided.append(known)
                elif line.is_programmed and not known.is_programmed:
                    marked.append(known)
            elif holder is not None:
                faults.append(LineFault(line.line, f"The label {line.label} is on arrow {holder.id} already."))
            else:
                new.append(NewArrow(line.label, line.sizes, line.id, line.id is not None, line.is_programmed))
        if faults:
            raise WrongLines(faults)
        for at, arrow in enumerate(marked):
            if not await connection.fetchval("select mark_programmed_elsewhere($1)", arrow.id):
                raise CommandError(
                    f"arrow {arrow.human_identifier} was changed meanwhile, so nothing was imported", hint="Try again."
                )
            marked[at] = await arrow_of_id(connection, arrow.id) or arrow
        registered = await register_arrows(connection, new, who)
    return ImportedArrows(registered, marked, len(file.arrows) - len(new) - len(marked), voided)


def _differences(line: CsvArrow, known: Arrow) -> Sequence[str]:
    """A sentence for each value that differs from that of the registered arrow; one that the line does not give is no difference."""
    name = f"Arrow {known.human_identifier} ({str(known.id)[:8]})"
    differing = [size for size, value in line.sizes.items() if value != known.sizes[size]]
    if line.label != known.human_identifier:
        differing.insert(0, "label")
    sentences = []
    if differing:
        sentences.append(f"{name} is registered with another {', '.join(differing)}.")
    if line.is_programmed and not known.is_programmed and known.tag_tid is not None:
        sentences.append(f"{name} belongs to tag {known.tag_tid}: program it there.")
    elif line.is_programmed and not known.is_programmed and not known.is_active:
        sentences.append(f"{name} is voided and not programmed.")
    return sentences
