"""A sheet as CSV and JSON. Pure.

CSV follows RFC 4180: a header, CRLF, quotes where needed, UTF-8. A spreadsheet computes a cell that begins with ``=``, ``+``, ``-``,
``@``, a tab or a line break. So such a text gets an apostrophe before it, and so does one that already begins with apostrophes and
such a character: to read it back, remove one apostrophe before them. Numbers are written as they are stored.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from edge.common.console import iso
from edge.operator.export.sheet import (
    ArcherSheet,
    EndRow,
    LastCorrection,
    SheetHead,
    SheetSource,
    ShotRow,
    archer_sheets,
    end_rows,
    shot_rows,
)

Cell = str | int | float | bool | datetime | None
"""A value of a file; None is an empty cell."""
FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""Beginning of a text that a spreadsheet might compute; the last four are the wide forms of the first ones."""

SHOT_COLUMNS: Final[Mapping[str, Callable[[ShotRow], Cell]]] = {
    "number": lambda row: row.number,
    "slot": lambda row: row.slot,
    "archer": lambda row: row.archer,
    "end": lambda row: row.end,
    "end_number": lambda row: row.end_number,
    "value": lambda row: row.value,
    "points": lambda row: row.points,
    "is_x": lambda row: row.is_x,
    "counts": lambda row: row.counts,
    "is_sighter": lambda row: row.is_sighter,
    "is_surplus": lambda row: row.is_surplus,
    "result": lambda row: row.result.value,
    "arrow": lambda row: row.arrow,
    "arrow_tag": lambda row: row.arrow_tag,
    "engaged_at": lambda row: row.details.engaged_at,
    "released_at": lambda row: row.details.released_at,
    "landed_at": lambda row: row.details.landed_at,
    "flight_s": lambda row: row.details.flight_s,
    "speed_mps": lambda row: row.details.speed_mps,
    "launch_mps": lambda row: row.details.launch_mps,
    "x_mm": lambda row: row.shot.x_mm,
    "y_mm": lambda row: row.shot.y_mm,
    "face": lambda row: row.details.face,
    "face_x_mm": lambda row: None if row.at_face is None else row.at_face.x,
    "face_y_mm": lambda row: None if row.at_face is None else row.at_face.y,
    "line_margin_mm": lambda row: row.details.line_margin_mm,
    "line_call": lambda row: row.details.line_call,
    "shaft_mm": lambda row: row.details.shaft_mm,
    "shaft_assumed": lambda row: row.details.shaft_assumed,
    "flags": lambda row: " ".join(row.details.flags),
    "corrected_at": lambda row: _of(row.details.correction, lambda one: one.at),
    "corrected_by": lambda row: _of(row.details.correction, lambda one: one.who),
    "correction_reason": lambda row: _of(row.details.correction, lambda one: one.reason),
    "corrected_from": lambda row: _of(row.details.correction, lambda one: score_words(one.old)),
    "corrected_to": lambda row: _of(row.details.correction, lambda one: score_words(one.new)),
    "void_reason": lambda row: row.details.void_reason,
    "id": lambda row: str(row.id),
}
"""The columns of a shot, in their order."""


def shots_csv(source: SheetSource) -> str:
    """Every shot of the session, one a line."""
    columns = SHOT_COLUMNS.values()
    return _csv(SHOT_COLUMNS, ([column(row) for column in columns] for row in shot_rows(source)))


def ends_csv(source: SheetSource) -> str:
    """The ends of the session, one a line for each archer; each value in a column of its own."""
    ends = end_rows(source)
    most = max([source.head.arrows_per_end, *(len(end.values) for end in ends)])
    arrows = [f"arrow_{number}" for number in range(1, most + 1)]
    header = [
        "slot",
        "archer",
        "end",
        "end_number",
        "is_sighter",
        *arrows,
        "surplus",
        "sum",
        "running",
        "tens",
        "xs",
        "undecided",
    ]
    return _csv(header, (_end_cells(end, most) for end in ends))


def sheet_facts(source: SheetSource) -> dict[str, object]:
    """The whole sheet for programs."""
    return {
        "session": head_facts(source.head),
        "archers": [_archer_facts(sheet) for sheet in archer_sheets(source)],
        "shots": [
            {name: column(row) for name, column in SHOT_COLUMNS.items()} | {"flags": list(row.details.flags)}
            for row in shot_rows(source)
        ],
    }


def head_facts(head: SheetHead) -> dict[str, object]:
    """The session for programs."""
    facts = asdict(head)
    return {"id": facts.pop("session_id"), **facts}


def json_text(facts: object) -> str:
    """Facts as JSON: instants in UTC with Z, floats as stored."""
    return json.dumps(facts, default=_plain, ensure_ascii=False, allow_nan=False)


def guarded(text: str) -> str:
    """A text that no spreadsheet computes; see above."""
    return f"'{text}" if FORMULA.match(text) else text


def score_words(score: Mapping[str, object]) -> str:
    """A score before or after a correction: its result with the points, such as ``hit 10 X``."""
    points = score.get("points")
    words = [score.get("result", "measured"), *([] if points is None else [points]), *["X"] * bool(score.get("is_x"))]
    return " ".join(map(str, words))


def _csv(header: Iterable[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(map(_text, row) for row in rows)
    return text.getvalue()


def _text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    return guarded(value) if isinstance(value, str) else repr(value)


def _end_cells(end: EndRow, most: int) -> list[Cell]:
    values: list[Cell] = [*end.values, *[None] * (most - len(end.values))]
    before: list[Cell] = [end.slot, end.archer, end.end, end.end_number, end.is_sighter]
    return [*before, *values, " ".join(end.surplus), end.sum, end.running, end.tens, end.xs, end.undecided]


def _archer_facts(sheet: ArcherSheet) -> dict[str, object]:
    place = {"slot": sheet.place.letter, "archer": sheet.place.archer, "face": sheet.place.face}
    ends = [
        {name: value for name, value in asdict(end).items() if name not in ("slot", "archer")} for end in sheet.ends
    ]
    return {**place, **asdict(sheet.totals), "tens": sheet.tens, "ends": ends}


def _of(one: LastCorrection | None, value: Callable[[LastCorrection], Cell]) -> Cell:
    return None if one is None else value(one)


def _plain(value: object) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)
