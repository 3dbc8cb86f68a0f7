"""Printed pages: each key has words in every language, names are text, and Chromium prints them on A4."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge.operator.export as export
from edge.common.vocabulary import SessionState, UnwatchedCause
from edge.operator.export.documents import own_stylesheet
from edge.operator.export.markup import Markup, element, stylesheet_link
from edge.operator.export.score_sheet import score_sheet_html
from edge.operator.export.sheet import SheetSource
from edge.operator.export.words import TEXTS, Language, Words, chosen_language, language_of_environment
from tests.chromium import chromium
from tests.edge.operator.export.sheets import ARCHERS, any_sheet, of_ends, sheet
from tests.edge.statistics.session_rows import shot

NO_STYLE = stylesheet_link("x.css")


def test_every_word_is_used_and_has_both_languages() -> None:
    folder = Path(export.__file__).parent
    code = "".join((folder / name).read_text() for name in ("score_sheet.py", "certificate_page.py", "words.py"))
    families = ("count_", "state_", "cause_", "orphans_", "shaft_", "bow", "arrow", "target")
    unused = [key for key in TEXTS if len(re.findall(f"[\"']{key}[\"']", code)) < 2 and not key.startswith(families)]
    assert unused == []
    assert {f"state_{one}" for one in SessionState} | {f"cause_{one}" for one in UnwatchedCause} <= TEXTS.keys()
    assert all(len(texts) == len(Language) and all(texts) for texts in TEXTS.values())


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"), ("de", "de"), ("de-CH, en;q=0.9", "de"), ("en;q=0.5, de;q=0.7", "de"), ("fr, es", "en"),
        ("de;q=0", "en"), ("de;q=x, en;q=0.1", "en"), ("*", "en"), (";;,,", "en"), ("DE-at", "de"),
    ],
)  # fmt: skip
def test_the_preferred_language_is_chosen(header: str, language: str) -> None:
    assert chosen_language(header) == language


def test_a_terminal_has_its_language() -> None:
    assert language_of_environment({"LANG": "de_DE.UTF-8"}) is Language.DE
    assert language_of_environment({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}) is Language.EN
    assert language_of_environment({}) is Language.EN


def test_numbers_are_written_as_in_the_language() -> None:
    assert [Words(one).number(1234.5, 2) for one in Language] == ["1234.50", "1234,50"]
    assert [Words(one).metres(18.288) for one in Language] == ["18.288 m", "18,288 m"]


@given(st.text(max_size=12))
def test_no_text_is_markup(text: str) -> None:
    made = element("td", text, title=text)
    assert re.fullmatch(r'<td title="[^"<>]*">[^<>]*</td>', made)


def test_arrows_of_no_archer_have_a_sheet_of_their_own() -> None:
    page = score_sheet_html(sheet(shot(1, 10, slot="A"), shot(2, 0), places=ARCHERS), Language.EN, NO_STYLE)
    assert re.findall(r"<strong>(\D[^<]*)</strong>", page) == ["Kim", "Ünal &lt;b&gt;", "Arrows of no archer"]


@given(any_sheet())
def test_any_session_has_a_score_sheet(source: SheetSource) -> None:
    page = score_sheet_html(source, Language.EN, NO_STYLE)
    assert page.count("<article") == len(source.places)
    assert not re.search(r"<script|style=", page)


def test_a_long_end_takes_several_rows_of_a_score_sheet() -> None:
    page = score_sheet_html(of_ends(1, 30, ""), Language.DE, NO_STYLE)
    assert re.findall(r"<tr><td>(\d?)</td>", page) == ["1", "", ""]
    assert "wird geschlossen" not in page
    head = replace(of_ends(1, 3, "A").head, state=SessionState.CLOSING)
    source = sheet(*(shot(i, 9, slot="A") for i in range(3)), places=ARCHERS)
    page = score_sheet_html(replace(source, head=replace(source.head, state=head.state)), Language.DE, NO_STYLE)
    assert "wird geschlossen: nicht endgültig" in page
    assert "Ünal &lt;b&gt;" in page


@pytest.mark.browser
async def test_twelve_ends_of_two_archers_print_on_a_page_each(tmp_path: Path) -> None:
    sheets = {
        "usual": (of_ends(12, 6, "AB"), 2),
        "sighters": (of_ends(14, 6, "A", sighters=2), 1),
        "indoor": (of_ends(22, 3, "A", sighters=2), 1),
        "full": (of_ends(32, 3, "A", sighters=2), 1),
        "long": (of_ends(60, 3, "AB"), 4),
        "six": (of_ends(24, 6, "A"), 1),
    }
    async with chromium() as browser:
        page = await browser.new_page()
        for name, (source, pages) in sheets.items():
            path = tmp_path / f"{name}.html"
            path.write_text(score_sheet_html(source, Language.EN, own_stylesheet()), encoding="utf-8")
            await page.goto(path.as_uri())
            printed = await page.pdf(prefer_css_page_size=True)
            assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == pages, name
            assert re.search(rb"/MediaBox\s*\[0 0 59[45]\.\d+ 84[12]\.\d+\]", printed), "A4"
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.close()


def test_markup_is_not_escaped_twice() -> None:
    assert element("p", element("b", "a & b"), Markup("<i></i>")) == "<p><b>a &amp; b</b><i></i></p>"
