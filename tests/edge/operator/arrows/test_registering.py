"""Labels, sizes and CSV files of arrows."""

from __future__ import annotations

import re

import pytest

from edge.common.config.errors import UsageError
from edge.common.postgres.connection import Connection
from edge.operator.arrows.csv_rows import LARGEST_BYTES, MOST_ARROWS, WrongLines, parse_arrows
from edge.operator.arrows.register import labels_from
from edge.operator.arrows.sizes import SIZES


@pytest.mark.parametrize(
    ("first", "count", "last"),
    [
        ("A01", 12, "A12"),
        ("A9", 2, "A10"),
        ("A", 3, "A3"),
        ("A", 12, "A12"),
        ("L1-08", 3, "L1-10"),
        ("A", 1, "A"),
        ("7", 2, "8"),
    ],
)
def test_labels_count_on_from_the_first(first: str, count: int, last: str) -> None:
    labels = labels_from(first, count)
    assert (len(set(labels)), labels[-1]) == (count, last)
    assert labels[0] == (first if first[-1].isdigit() or count == 1 else f"A{'1' if count < 10 else '01'}")


async def test_bounds_equal_those_of_the_database(connection: Connection) -> None:
    text = await connection.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'arrows_bounds'"
    )
    plain = re.sub(r"[()]|::double precision", "", text)
    for size in SIZES:
        assert f"{size.name} >= {size.lowest:g}" in plain
        assert f"{size.name} <= " in plain
        assert f"{size.highest:g}" in plain.partition(f"{size.name} <= ")[2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no column 'label'"),
        (b"label\n", "the file has 0 arrows"),
        (b"name,length\nA1,70\n", "no column 'label'"),
        (b"label,colour\nA1,red\n", "there is no column 'colour'"),
        (b"label,label\nA1,A1\n", "two columns 'label'"),
        (b"label\n\xff\n", "no text in UTF-8"),
        (b'label\n"A1\n', "is no CSV"),
        (b"x" * (LARGEST_BYTES + 1), "larger than 1 MiB"),
        (b"label\n" + b"A\n" * (MOST_ARROWS + 1), f"the file has {MOST_ARROWS + 1} arrows"),
    ],
    ids=range(9),
)
def test_a_file_that_is_no_list_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_arrows(data)
    assert message in refused.value.message


def test_many_wrong_lines_are_all_kept_and_few_shown() -> None:
    parsed = parse_arrows(b"label\n" + b"ABCDEFGHIJK\n" * 100)
    error = WrongLines(parsed.faults)
    assert len(error.faults) == 100
    assert error.hint.count("line ") == 20
    assert error.hint.endswith("and 80 more.")


def test_columns_may_have_capitals_and_any_order() -> None:
    (arrow,) = parse_arrows(b'Spine\tLabel Position\tLABEL\n500\t10,5\t"A 1"\n').arrows
    assert (arrow.label, dict(arrow.sizes), arrow.line) == ("A 1", {"spine": 500, "label_position": 10.5}, 2)


@pytest.mark.parametrize(
    "text", ["1e3", "inf", "nan", "-5", "+5", "0x10", "1_000", "1.000,5", "1.", ".5", "\u0665", "1.234"]
)
def test_a_size_is_a_plain_number_within_its_bounds(text: str) -> None:
    parsed = parse_arrows(f"label;spine\nA1;{text}\n".encode())
    assert (len(parsed.arrows), len(parsed.faults)) == (0, 1)


def test_labels_are_unlike_uuids_and_in_one_form() -> None:
    for label in ("0c5f1d9e", "DEADBEEF01", "1234-56789", "12345678"):
        with pytest.raises(UsageError, match="may be the beginning of a UUID"):
            labels_from(label, 1)
    for label in ("0c5f1d9", "DEADBEEFS"):
        assert labels_from(label, 1) == [label]
    assert labels_from("Bo\u0308", 1) == ["B\u00f6"]
    assert parse_arrows("label\nBo\u0308\n".encode()).arrows[0].label == "B\u00f6"
