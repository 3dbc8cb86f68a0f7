"""Texts from outside: bounded where they enter, printable wherever they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.common.text import LONGEST_TEXT, clean, printable
from simulators.devices.hurting_texts import HURTING_TEXTS, LONG_TEXT


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("FW 1.0" + 10 * "\0", "FW 1.0"),
        ("FW\x001.0 \r\n\0", "FW\\x001.0"),
        ("\x1b]0;title\x07\x1b[2J", "\\x1b]0;title\\x07\\x1b[2J"),
        ("\x9b2J\x7f", "\\x9b2J\\x7f"),
        ("\u202e\u2066\u200b\ufeff\u2028", "\\u202e\\u2066\\u200b\\ufeff\\u2028"),
        ("\ud800", "\\ud800"),
        ("Bogenplatz Süd 3\u00a0m — 弓道\u3000場", "Bogenplatz Süd 3\u00a0m — 弓道\u3000場"),
    ],
)
def test_texts_are_cleaned(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text() | st.sampled_from([*HURTING_TEXTS, LONG_TEXT]))
def test_clean_text_is_bounded_storable_and_stays_the_same(text: str) -> None:
    shown = clean(text)
    assert len(shown) <= LONGEST_TEXT
    assert "\0" not in shown
    assert shown.encode().decode() == shown
    assert printable(shown) == clean(shown) == shown


def test_long_text_ends_with_an_ellipsis() -> None:
    assert clean("x" * 1000, 10) == "xxxxxxx..."
    assert clean("x" * 10, 10) == "x" * 10
