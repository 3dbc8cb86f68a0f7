"""``archstats-sensor arrow register``, ``list``, ``change``, ``void``, ``restore`` and ``import``: no scanner is needed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.commands.arrow.words import (
    ArrowArgument,
    Diameter,
    LabelPosition,
    Length,
    Spine,
    Weight,
    arrow_details,
    arrow_name,
    arrow_table,
    given_sizes,
    sizes_text,
)
from edge.cli.commands.options import DatabaseDir, Json, Who, operator_name, storable
from edge.cli.operator_connection import on_database
from edge.common.config.errors import CommandError
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.connection import Connection
from edge.operator.arrows.change import change_arrow, restore_arrow, void_arrow
from edge.operator.arrows.csv_rows import LARGEST_BYTES
from edge.operator.arrows.importing import import_arrows
from edge.operator.arrows.records import Arrow, arrow_facts, find_arrow, list_arrows
from edge.operator.arrows.register import MOST_AT_ONCE, NewArrow, labels_from, register_arrows

Label = Annotated[
    str, typer.Argument(metavar="LABEL", callback=storable, help="Name on the shaft, at most 10 characters.")
]


MOST_NAMED = 20
"""Most arrows that the line after an import names."""


class Clearable(StrEnum):
    """A size that ``arrow change --clear`` removes."""

    LENGTH = "length"
    WEIGHT = "weight"
    DIAMETER = "diameter"
    SPINE = "spine"
    LABEL_POSITION = "label-position"


def register_command(
    label: Label,
    length: Length = None,
    weight: Weight = None,
    diameter: Diameter = None,
    spine: Spine = None,
    label_position: LabelPosition = None,
    count: Annotated[
        int, typer.Option(min=1, max=MOST_AT_ONCE, help="Number of arrows: A01 with 12 gives A01 to A12.")
    ] = 1,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Register an arrow, or several alike. Each gets a UUID of its own, for good."""
    sizes = given_sizes(length, weight, diameter, spine, label_position)
    arrows = [NewArrow(one, sizes) for one in labels_from(label, count)]

    async def run(connection: Connection) -> None:
        for arrow in await register_arrows(connection, arrows, operator_name(who)):
            _say(arrow, f"Arrow {arrow.human_identifier} is registered: UUID {arrow.id}.", as_json=as_json)

    on_database(run, database_dir)


def list_command(
    arrow: Annotated[
        str | None,
        typer.Argument(metavar="[ARROW]", callback=storable, help="All of this one: label or beginning of its UUID."),
    ] = None,
    with_voided: Annotated[bool, typer.Option("--all", help="Voided arrows too.")] = False,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List the arrows, or show all of one."""

    async def run(connection: Connection) -> None:
        if arrow is None:
            arrows = await list_arrows(connection, with_voided=with_voided)
        else:
            arrows = [await find_arrow(connection, arrow)]
        if as_json:
            for one in arrows:
                say(json_object(arrow_facts(one)))
        elif arrow is not None:
            say("\n".join(arrow_details(arrows[0])))
        elif arrows:
            say("\n".join(arrow_table(arrows)))
        else:
            say("No arrow yet. Register one: `archstats-sensor arrow register A01`.")

    on_database(run, database_dir)


def change_command(
    arrow: ArrowArgument,
    label: Annotated[str | None, typer.Option("--label", callback=storable, help="Another name on the shaft.")] = None,
    length: Length = None,
    weight: Weight = None,
    diameter: Diameter = None,
    spine: Spine = None,
    label_position: LabelPosition = None,
    clear: Annotated[
        list[Clearable] | None, typer.Option(metavar="SIZE", help="Forget this size; repeat it for several.")
    ] = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Correct the label or the sizes of an arrow. Its UUID stays."""
    given = given_sizes(length, weight, diameter, spine, label_position)
    cleared = {one.value.replace("-", "_"): None for one in clear or []}
    if both := sorted(given.keys() & cleared.keys()):
        raise typer.BadParameter(f"{both[0].replace('_', ' ')} is both given and cleared")

    async def run(connection: Connection) -> None:
        found = await find_arrow(connection, arrow)
        changed = await change_arrow(connection, found, label, {**given, **cleared})
        was = "" if label is None else f", which was {found.human_identifier}"
        _say(
            changed,
            f"Arrow {changed.human_identifier}{was}: {sizes_text(changed.sizes)} (was {sizes_text(found.sizes)}).",
            as_json=as_json,
        )

    on_database(run, database_dir)


def void_command(
    arrow: ArrowArgument,
    reason: Annotated[str, typer.Option(callback=storable, help="Why it is retired, kept with the arrow.")],
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Retire an arrow. Its shots stay its own, and its label is free."""

    async def run(connection: Connection) -> None:
        voided = await void_arrow(connection, await find_arrow(connection, arrow), operator_name(who), reason)
        _say(
            voided,
            f"Arrow {arrow_name(voided)} is voided. Its shots stay its own ({voided.shots}), and its label is free.",
            as_json=as_json,
        )

    on_database(run, database_dir)


def restore_command(arrow: ArrowArgument, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Make a voided arrow active again. Its label must be free."""

    async def run(connection: Connection) -> None:
        restored = await restore_arrow(connection, await find_arrow(connection, arrow, voided_first=True))
        _say(restored, f"Arrow {arrow_name(restored)} is active again.", as_json=as_json)

    on_database(run, database_dir)


def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV in UTF-8; the first line names the columns.")],
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Register the arrows of a CSV file, all or none. Columns: label, and id, length, weight, diameter, spine,
    label_position and is_programmed where they are known. Arrows that are registered already are skipped.
    """
    data = _read(file)

    async def run(connection: Connection) -> None:
        done = await import_arrows(connection, data, operator_name(who))
        for arrow in (*done.registered, *done.marked) if as_json else ():
            say(json_object(arrow_facts(arrow)))
        if not as_json:
            text = f"{len(done.registered)} arrows are registered, {done.unchanged} were registered already."
            if done.marked:
                text += f" {len(done.marked)} are noted as programmed elsewhere: {_labels(done.marked)}."
            if done.voided:
                text += f" Of these {len(done.voided)} are voided, and stay so: {_labels(done.voided)}."
            say(text)

    on_database(run, database_dir)


def _labels(arrows: Sequence[Arrow]) -> str:
    shown = [arrow.human_identifier for arrow in arrows[:MOST_NAMED]]
    return ", ".join(shown) + (f" and {len(arrows) - MOST_NAMED} more" if len(arrows) > MOST_NAMED else "")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_BYTES + 1)
    except OSError as fault:
        raise CommandError(f"{file} cannot be read ({fault.strerror})", hint="Give the path of a CSV file.") from fault


def _say(arrow: Arrow, text: str, *, as_json: bool) -> None:
    say(json_object(arrow_facts(arrow)) if as_json else text)
