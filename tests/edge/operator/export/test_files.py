"""CSV and JSON of a sheet: read back they hold what was stored, and no spreadsheet computes a name."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge.operator.export.files import SHOT_COLUMNS, ends_csv, guarded, json_text, sheet_facts, shots_csv
from edge.operator.export.sheet import LastCorrection, Place, SheetSource, ShotDetails
from tests.edge.operator.export.sheets import START, any_sheet, of_ends, sheet
from tests.edge.statistics.session_rows import shot

PLAIN = st.characters(exclude_categories=["Cs", "Cc"])


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def unguarded(text: str) -> str:
    """Read a guarded text, by the rule that the docs state."""
    return text[1:] if re.match(r"''*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]", text) else text


@given(st.text(PLAIN | st.sampled_from("'=+-@\t\r\n\",;"), max_size=8))
def test_texts_survive_and_no_cell_is_a_formula(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not re.match(r"[=+\-@\t\r]", guarded(text))
    source = sheet(shot(1, slot="A"), places=(Place("A", text),))
    (row,) = read(shots_csv(source))
    assert unguarded(row["archer"]) == text


@given(any_sheet())
def test_shots_and_ends_read_back_as_they_are_stored(source: SheetSource) -> None:
    rows = read(shots_csv(source))
    assert [row["id"] for row in rows] == [str(one.id) for one in source.facts.shots]
    assert [row["x_mm"] and float(row["x_mm"]) for row in rows] == [
        "" if one.x_mm is None else one.x_mm for one in source.facts.shots
    ]
    ends = read(ends_csv(source))
    found = json.loads(json_text(sheet_facts(source)))
    assert [int(row["sum"]) for row in ends] == [end["sum"] for one in found["archers"] for end in one["ends"]]
    assert [one["id"] for one in found["shots"]] == [row["id"] for row in rows]
    assert [one["x_mm"] for one in found["shots"]] == [one.x_mm for one in source.facts.shots]


def test_a_file_has_one_header_and_lines_that_end_with_crlf() -> None:
    empty = sheet()
    assert shots_csv(empty) == ",".join(SHOT_COLUMNS) + "\r\n"
    assert ends_csv(empty).count("\r\n") == 1
    lines = ends_csv(of_ends(2, 6, "AB")).split("\r\n")
    assert (
        lines[0]
        == "slot,archer,end,end_number,is_sighter,arrow_1,arrow_2,arrow_3,arrow_4,arrow_5,arrow_6,surplus,sum,running,tens,xs,undecided"
    )
    assert lines[1] == "A,Archer A,1,1,false,X,10,9,8,7,6,,50,50,2,1,0"
    assert lines[4:] == ["B,Archer B,2,2,false,X,10,9,8,7,6,,50,100,2,1,0", ""]


def test_times_are_utc_and_a_correction_names_who_and_why() -> None:
    source = sheet(shot(1, 9, dx=75.5))
    correction = LastCorrection(
        START + timedelta(hours=1), "=Ann", "line, seen", {"result": "hit", "points": 10, "is_x": True}, {"result": "hit", "points": 9}
    )  # fmt: skip
    details = ShotDetails(
        released_at=START, landed_at=START + timedelta(seconds=1.3), flight_s=1.3, speed_mps=53.84615384615385,
        flags=("corrected", "late"), correction=correction,
    )  # fmt: skip
    source = replace(source, details={source.facts.shots[0].id: details})
    (row,) = read(shots_csv(source))
    assert (row["released_at"], row["landed_at"]) == ("2026-05-01T09:30:00.000000Z", "2026-05-01T09:30:01.300000Z")
    assert (row["x_mm"], row["face_x_mm"], row["speed_mps"], row["engaged_at"]) == (
        "715.5",
        "75.5",
        "53.84615384615385",
        "",
    )
    assert [row[name] for name in row if name.startswith("correct")] == [
        "2026-05-01T10:30:00.000000Z", "'=Ann", "line, seen", "hit 10 X", "hit 9",
    ]  # fmt: skip
    assert row["flags"] == "corrected late"
    (found,) = json.loads(json_text(sheet_facts(source)))["shots"]
    assert (found["corrected_by"], found["flags"]) == ("=Ann", ["corrected", "late"])
