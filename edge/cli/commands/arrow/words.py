"""Options and lines that the commands of arrows share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from edge.cli.commands.options import storable
from edge.common.console import local
from edge.operator.arrows.records import Arrow
from edge.operator.arrows.sizes import DIAMETER, LABEL_POSITION, LENGTH, SIZES, SPINE, WEIGHT, Size

HEADERS = ("LABEL", "UUID", "STATE", "SHOTS", "SIZES")


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


def arrow_table(arrows: Sequence[Arrow]) -> list[str]:
    """The arrows as lines for people, with headers."""
    cells = [HEADERS, *map(_cells, arrows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADERS))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cells(arrow: Arrow) -> tuple[str, ...]:
    state = str(arrow.state)
    if arrow.voided_date is not None:
        by = "" if arrow.voided_by is None else f" by {arrow.voided_by}"
        state += f" {local(arrow.voided_date, '%Y-%m-%d')}{by}: {arrow.void_reason or 'no reason'}"
    return arrow.human_identifier, str(arrow.id), state, str(arrow.shots), sizes_text(arrow.sizes)
