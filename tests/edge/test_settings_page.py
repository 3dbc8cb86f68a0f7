"""The page of settings is what the models say."""

from __future__ import annotations

from tests.edge.settings_page import PATH, page


def test_the_page_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == page()
