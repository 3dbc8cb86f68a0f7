"""Options and lines that the commands of arrows share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from edge.cli.commands.options import storable
from edge.common.console import local
from edge.common.text import clean
from edge.operator.arrows.records import Arrow
from edge.operator.arrows.sizes import DIAMETER, LABEL_POSITION, LENGTH, SIZES, SPINE, WEIGHT, Size

HEADERS = ("LABEL", "UUID", "STATE", "SHOTS", "SIZES")
TABLE_WIDTH = 80
"""Longest line of the table in characters; ``arrow list ARROW`` shows all of one arrow."""


def _option(size: Size, flag: str, metavar: str, help_text: str) -> object:
    return typer.Option(flag, metavar=metavar, min=size.lowest, max=size.highest, help=f"{help_text}, {size.bounds}.")


ArrowArgument = Annotated[
    str,
    typer.Argument(
        metavar="ARROW", callback=storable, help="Label of the arrow, or at least 4 characters of its UUID."
    ),
]
Length = Annotated[float | None, _option(LENGTH, "--length", "CM", "Length of the shaft")]
Weight = Annotated[float | None, _option(WEIGHT, "--weight", "G", "Weight of the whole arrow")]
Diameter = Annotated[
    float | None, _option(DIAMETER, "--diameter", "MM", "Diameter of the shaft, by which a line cutter scores")
]
Spine = Annotated[float | None, _option(SPINE, "--spine", "N", "Spine number of the shaft")]
LabelPosition = Annotated[
    float | None, _option(LABEL_POSITION, "--label-position", "CM", "Distance of the tag from the nock end")
]


def given_sizes(
    length: float | None,
    weight: float | None,
    diameter: float | None,
    spine: float | None,
    label_position: float | None,
) -> dict[str, float]:
    """The sizes that were given, by their names."""
    values = dict(zip((size.name for size in SIZES), (length, weight, diameter, spine, label_position), strict=True))
    return {name: value for name, value in values.items() if value is not None}


def sizes_text(sizes: Mapping[str, float | None]) -> str:
    """The known sizes for people; ``-`` for none."""
    known = [size.text(value) for size in SIZES if (value := sizes.get(size.name)) is not None]
    return ", ".join(known) or "-"


def arrow_name(arrow: Arrow) -> str:
    """Label and beginning of the UUID: ``A07 (0c5f1d9e)``."""
    return f"{arrow.human_identifier} ({str(arrow.id)[:8]})"


def arrow_details(arrow: Arrow) -> list[str]:
    """All of one arrow as lines for people."""
    by = "" if arrow.registered_by is None else f" by {arrow.registered_by}"
    lines = [
        f"arrow {arrow.human_identifier}: {arrow.id}",
        f"  state       {arrow.state}",
        f"  sizes       {sizes_text(arrow.sizes)}",
        f"  shots       {arrow.shots}",
        f"  registered  {local(arrow.registration_date)}{by}",
    ]
    if arrow.tag_tid is not None:
        lines.append(f"  tag         {arrow.tag_tid.upper()}")
    if arrow.programmed_at is not None:
        lines.append(f"  programmed  {local(arrow.programmed_at)}")
    if arrow.voided_date is not None:
        lines.append(f"  voided      {local(arrow.voided_date)}{_voiding(arrow)}")
    return lines


def arrow_table(arrows: Sequence[Arrow]) -> list[str]:
    """The arrows as lines for people, with headers."""
    cells = [HEADERS, *map(_cells, arrows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADERS) - 1)]
    return [clean("  ".join([*map(str.ljust, row, widths), row[-1]]), TABLE_WIDTH) for row in cells]


def _cells(arrow: Arrow) -> tuple[str, ...]:
    notes = ", ".join(_short_sizes(arrow.sizes)) or "-"
    if arrow.voided_date is not None:
        notes = f"{local(arrow.voided_date, '%Y-%m-%d')}{_voiding(arrow)}"
    return arrow.human_identifier, str(arrow.id)[:8], str(arrow.state), str(arrow.shots), notes


def _voiding(arrow: Arrow) -> str:
    by = "" if arrow.voided_by is None else f" by {arrow.voided_by}"
    return f"{by}: {arrow.void_reason or 'no reason'}"


def _short_sizes(sizes: Mapping[str, float | None]) -> list[str]:
    units = (LENGTH, " cm"), (WEIGHT, " g"), (DIAMETER, " mm"), (SPINE, "")
    known = [(size, value, unit) for size, unit in units if (value := sizes.get(size.name)) is not None]
    texts = [f"{'spine ' if size is SPINE else ''}{value:.10g}{unit}" for size, value, unit in known]
    position = sizes.get(LABEL_POSITION.name)
    return texts if position is None else [*texts, f"tag {position:.10g} cm"]
