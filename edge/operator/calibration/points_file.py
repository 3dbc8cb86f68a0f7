"""Read a file of known places for ``calibrate target --points``: CSV or JSON, optionally with the sensed values."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge.common.config.errors import CommandError, UsageError
from edge.common.frames import ButtPoint, SensorPoint
from edge.common.text import printable
from edge.operator.calibration.plan import LONGEST_MM, PlannedPoint

COLUMNS: Final = ("name", "x_mm", "y_mm", "sensed_x_mm", "sensed_y_mm")
"""The columns of a CSV file and the keys of JSON objects; the name and the sensed values may be left out."""
MOST_POINTS: Final = 100
LARGEST_BYTES: Final = 1 << 20
CSV_FORM: Final = "A CSV file begins with the line name,x_mm,y_mm; see docs/calibration.md."
JSON_FORM: Final = "A JSON file is a list of objects with the numbers x_mm and y_mm; see docs/calibration.md."


def read_points(path: Path) -> tuple[PlannedPoint, ...]:
    """The points of a file, in its order.

    Raises CommandError for a file that cannot be read, UsageError for one that holds something else.
    """
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST_BYTES + 1)
    except OSError as fault:
        raise CommandError(
            f"{path} cannot be read ({fault.strerror})", hint="Give the path of a file with the known places."
        ) from fault
    if len(data) > LARGEST_BYTES:
        raise UsageError(f"{path} is too large for a list of points", hint=CSV_FORM)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UsageError(f"{path} is no text in UTF-8", hint=CSV_FORM) from fault
    is_json = text.lstrip()[:1] in ("[", "{")
    rows, form = (_json_rows(path, text), JSON_FORM) if is_json else (_csv_rows(path, text), CSV_FORM)
    points = tuple(_point(path, number, row, form) for number, row in enumerate(rows, 1))
    if not 0 < len(points) <= MOST_POINTS:
        raise UsageError(f"{path} has {len(points)} points", hint=f"Give between 1 and {MOST_POINTS} points.")
    names = [point.name for point in points]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise UsageError(f"{path} has two points named '{double}'", hint="Give each point a name of its own.")
    return points


def _csv_rows(path: Path, text: str) -> Sequence[Mapping[str, object]]:
    try:
        rows = list(csv.DictReader(text.splitlines(), skipinitialspace=True, strict=True))
    except csv.Error as fault:
        raise UsageError(f"{path} is no CSV file ({fault})", hint=CSV_FORM) from fault
    return [{str(key): value for key, value in row.items()} for row in rows]


def _json_rows(path: Path, text: str) -> Sequence[Mapping[str, object]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise UsageError(f"{path} is no JSON ({fault})", hint=JSON_FORM) from fault
    if isinstance(found, dict):
        found = found.get("points")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise UsageError(f"{path} is no list of points", hint=JSON_FORM)
    return found


def _point(path: Path, number: int, row: Mapping[str, object], form: str) -> PlannedPoint:
    where = f"{path}, point {number}"
    unknown = [key for key in row if key not in COLUMNS]
    if unknown:
        raise UsageError(
            f"{where}: there is no column '{printable(unknown[0])}'", hint=f"The columns are {', '.join(COLUMNS)}."
        )
    name = printable(str(row.get("name") or "").strip()) or f"point {number}"
    place = ButtPoint(_number(where, row, "x_mm", form), _number(where, row, "y_mm", form))
    given = [row.get(key) not in (None, "") for key in COLUMNS[3:]]
    if any(given) and not all(given):
        raise UsageError(f"{where} has one sensed value of two", hint="Give sensed_x_mm and sensed_y_mm, or neither.")
    sensed = SensorPoint(*(_number(where, row, key, form) for key in COLUMNS[3:])) if all(given) else None
    return PlannedPoint(name[:100], place, "", sensed)


def _number(where: str, row: Mapping[str, object], key: str, form: str) -> float:
    value = row.get(key)
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= LONGEST_MM:
        shown = "missing" if value in (None, "") else f"'{printable(str(value))[:40]}', which is no length"
        raise UsageError(f"{where}: {key} is {shown}", hint=form)
    return number
