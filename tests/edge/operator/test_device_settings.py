"""The values of a device's settings, as an operator writes them."""

from __future__ import annotations

import pytest

from edge.common.config.errors import CommandError, UsageError
from edge.operator.commands import Value
from edge.operator.device_settings import parse_changes, typed_value

PRESENT: dict[str, Value] = {"threshold": 100, "gain": 1.5, "is_loud": False, "name": "oak"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("threshold", "-7", -7),
        ("threshold", "9" * 18, 10**18 - 1),
        ("gain", "2", 2.0),
        ("is_loud", "ON", True),
        ("name", "n" * 300, "n" * 300),
    ],
)
def test_texts_become_values_of_the_present_type(name: str, text: str, value: Value) -> None:
    found = typed_value("bow-1", name, text, PRESENT)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("threshold", "9" * 4_200, "must be a whole number of at most 18 digits, not '9999"),
        ("threshold", "9" * 4_400, "must be a whole number of at most 18 digits"),
        ("threshold", str(10**18), "must be a whole number of at most 18 digits"),
        ("gain", "9" * 4_200, "must be a number, not"),
        ("gain", "nan", "must be a number, not 'nan'"),
        ("is_loud", "x" * 4_200, "must be true or false, not"),
        ("name", "n" * 301, "must be a text of at most 300 characters, not"),
        ("name", "a\udcff", "must be a text of at most 300 characters, not"),
        ("x" * 4_200, "1", "has no setting xxx"),
        ("threshold", "high", "must be a whole number of at most 18 digits, not 'high', so nothing was changed"),
        ("is_loud", "maybe", "must be true or false, not 'maybe'"),
    ],
)
def test_values_that_cannot_be_are_named_in_one_line(name: str, text: str, message: str) -> None:
    with pytest.raises(CommandError) as refused:
        typed_value("bow-1", name, text, PRESENT)
    assert message in refused.value.message
    assert len(refused.value.message) < 200


def test_a_long_word_is_shortened_in_the_error() -> None:
    for words in (["x" * 4_200], [f"{'x' * 4_200}=1"] * 2):
        with pytest.raises(UsageError) as refused:
            parse_changes(words)
        assert len(refused.value.message) < 100


def test_the_nearest_name_is_suggested() -> None:
    for name in ("threshold_mv", "THRESHOLD"):
        with pytest.raises(CommandError, match=f"bow-1 has no setting {name}, so nothing was changed") as refused:
            typed_value("bow-1", name, "300", PRESENT)
        assert refused.value.hint == "Did you mean threshold? It has: threshold, gain, is_loud, name."


def test_words_are_changes() -> None:
    assert parse_changes(["threshold = 3", "name=a=b"]) == {"threshold": "3", "name": "a=b"}
    with pytest.raises(UsageError, match="'threshold' is no setting"):
        parse_changes(["threshold"])
    with pytest.raises(UsageError, match="threshold is given twice"):
        parse_changes(["threshold=1", "threshold=2"])
