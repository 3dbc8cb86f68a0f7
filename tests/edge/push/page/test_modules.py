"""The page's modules: model is pure, view draws, texts stand in one file, and its words are the hub's."""

from __future__ import annotations

import re
from enum import StrEnum
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

import edge.push
from drivers.contract import Source
from edge.common import vocabulary
from edge.push.api.live import HARDWARE
from edge.push.stream import FeedState, StreamEvent

STATIC = Path(edge.push.__file__).parent / "static"
PAGE = (STATIC / "index.html").read_text()
IMPORT = re.compile(r'^(?:import|export)\b[^"\n]*\bfrom "([^"]+)"|\bimport\("([^"]+)"\)', re.MULTILINE)
ARITHMETIC = re.compile(r"\bMath\b(?!\.abs\b)|\breduce\b|\*\*| \* | / |\+=|\.length / ")
BROWSER_ONLY = re.compile(
    r"\b(?:document|window|location|history|navigator|localStorage|fetch|EventSource|performance|setTimeout|setInterval)\b"
)
SENTENCE = re.compile(r"[\"`]([A-Z][a-zA-Z ][^\"`]*[a-z][^\"`]*)[\"`]")
"""A string literal that begins like a text on the page."""
KEYS = {"ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home", "End", "WA "}
"""Names of keys, and the abbreviation of World Archery in the names of faces."""

PREFERENCES = "preferences.js"
"""The one module that reads the choices of the reader: language and units."""

in_browser = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def code(path: Path) -> str:
    """Return a module without its comments."""
    without_blocks = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    return re.sub(r"(?<!:)//.*", "", without_blocks)


def modules(folder: str) -> list[Path]:
    return sorted((STATIC / folder).glob("*.js"))


def imports(path: Path) -> set[str]:
    """Return the imported modules, relative to the folder ``static``."""
    found = [first or second for first, second in IMPORT.findall(path.read_text())]
    return {str((path.parent / one).resolve().relative_to(STATIC)) for one in found}


@pytest.mark.parametrize("path", [*modules("model"), *modules("texts")], ids=lambda path: path.name)
def test_model_and_texts_use_nothing_of_the_browser(path: Path) -> None:
    assert {one.split("/")[0] for one in imports(path)} <= {"model", "texts", PREFERENCES}
    assert BROWSER_ONLY.findall(code(path)) == []


@pytest.mark.parametrize("name", ["group", "arrows", "ends", "score"])
def test_the_page_computes_no_statistics(name: str) -> None:
    """They come from the hub, which has one implementation."""
    assert ARITHMETIC.findall(code(STATIC / "model" / f"{name}.js")) == []


def test_texts_import_no_model() -> None:
    assert {one.split("/")[0] for path in modules("texts") for one in imports(path)} == {"texts", PREFERENCES}


def test_every_import_exists() -> None:
    for path in STATIC.rglob("*.js"):
        assert [one for one in imports(path) if not (STATIC / one).is_file()] == [], path.name


@pytest.mark.parametrize(
    "path", [*modules("view"), *modules("model")], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_modules_contain_no_text_of_their_own(path: Path) -> None:
    assert set(SENTENCE.findall(code(path))) <= KEYS


class Texts(HTMLParser):
    """Collects the names of texts in index.html, and the texts that it contains itself."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.literals: list[str] = []

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {value for name, value in attrs if name in ("data-text", "data-label") and value}
        self.literals += [value for name, value in attrs if name in ("aria-label", "title", "alt") and value]

    def handle_data(self, data: str) -> None:
        if re.search(r"[a-zA-Z]", data):
            self.literals.append(data.strip())


async def _texts(modules: Page) -> Any:
    return await modules.evaluate(
        "async () => JSON.parse(JSON.stringify((await import('/static/texts/index.js')).texts.page))"
    )


class TestInTheBrowser:
    """Checks that need the modules themselves."""

    pytestmark = in_browser

    async def test_index_html_names_every_text_of_the_page(self, modules: Page) -> None:
        page = Texts()
        page.feed(PAGE)
        texts = await _texts(modules)
        assert page.names == set(texts) - {"title", "noScript"}
        assert page.literals == [texts["title"], texts["noScript"]]  # shown before or without any module

    async def test_the_pages_words_are_those_of_the_hub(self, modules: Page) -> None:
        found = await modules.evaluate("async () => ({ ...(await import('/static/model/vocabulary.js')) })")
        enums: tuple[type[StrEnum], ...] = (
            vocabulary.Result, vocabulary.Flag, vocabulary.Assignment, vocabulary.OrphanStatus, vocabulary.DeviceState,
            vocabulary.EventType, StreamEvent, FeedState, Source,
        )  # fmt: skip
        assert set(found) == {one.__name__ for one in enums} | {"NOT_COUNTED", "NO_SHOT"}
        for enum in enums:
            assert found[enum.__name__] == {one.name: one.value for one in enum}
        assert set(found["NOT_COUNTED"]) == vocabulary.NOT_COUNTED
        assert set(found["NO_SHOT"]) == vocabulary.NO_SHOT
        assert Source.HARDWARE == HARDWARE

    async def test_every_state_and_flag_has_a_text(self, modules: Page) -> None:
        texts = await modules.evaluate(
            "async () => JSON.parse(JSON.stringify((await import('/static/texts/index.js')).texts))"
        )
        assert set(texts["flags"]) == set(vocabulary.Flag)
        assert set(texts["devices"]["states"]) == set(vocabulary.DeviceState)
        assert set(texts["why"]["assignment"]) == set(vocabulary.Assignment)
        assert set(texts["why"]["results"]) == set(vocabulary.Result) - {
            vocabulary.Result.HIT,
            vocabulary.Result.OFF_FACE,
        }
