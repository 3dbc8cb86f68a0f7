"""The modules of the controls: models are pure, views draw, and both languages have every text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page

from edge.push.http.page import ON_DEMAND
from tests.edge.push.page.test_modules import ARITHMETIC, SENTENCE, STATIC, code, imports

MODELS = sorted((STATIC / "operate" / "model").glob("*.js"))
VIEWS = sorted((STATIC / "operate" / "view").glob("*.js"))
TEXTS = sorted((STATIC / "texts" / "operate").glob("*.js"))
KEYS = {"Escape", "Enter", "Backspace", "WA ", "IFAA "}
"""Names of keys, and the abbreviations of associations in the names of faces."""
BROWSER_ONLY = re.compile(
    r"\b(?:document|window|navigator|localStorage|fetch|performance|setTimeout|setInterval)\b"
    r"|\b(?:location|history)\.(?:search|hash|href|pathname|pushState|replaceState)\b"
)
"""A session has a location, and the texts have those of its history."""
NAMES_OF_TEXTS = """async (language) => {
    const names = (texts, prefix) => Object.entries(texts).flatMap(([name, text]) =>
        typeof text === "object" && !Array.isArray(text) ? names(text, `${prefix}${name}.`) : [`${prefix}${name} ${typeof text === "function" ? text.length : typeof text}`]);
    return names((await import(`/static/texts/operate/${language}.js`)).texts, "");
}"""


@pytest.mark.parametrize("path", [*MODELS, *TEXTS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_models_and_texts_use_nothing_of_the_browser(path: Path) -> None:
    folders = {str(Path(one).parent) for one in imports(path)}
    assert folders <= {"model", "operate/model", "texts", "texts/operate"}
    assert BROWSER_ONLY.findall(code(path)) == []


@pytest.mark.parametrize("path", [*MODELS, *VIEWS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_modules_contain_no_text_of_their_own(path: Path) -> None:
    assert set(SENTENCE.findall(code(path))) <= KEYS


def test_controls_compute_no_statistics() -> None:
    assert ARITHMETIC.findall(code(STATIC / "operate" / "model" / "history.js")) == []


def test_an_audience_loads_no_control() -> None:
    """The entry alone is loaded with the page; everything else follows when an operator wants it."""
    assert "./view/bar.js" in code(STATIC / "operate" / "index.js")
    assert {"operate/view/bar.js"} == ON_DEMAND
    entry = {"preferences.js", "view/dom.js", "operate/access.js", "operate/view/bar.js"}
    assert imports(STATIC / "operate" / "index.js") == entry


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_both_languages_have_every_text(modules: Page) -> None:
    english = await modules.evaluate(NAMES_OF_TEXTS, "en")
    german = await modules.evaluate(NAMES_OF_TEXTS, "de")
    assert sorted(one for one in german if not one.startswith("errors.")) == sorted(english)


def test_every_view_is_reached_from_the_bar() -> None:
    reached, waiting = set(), ["operate/view/bar.js"]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += imports(STATIC / path)
    assert {str(path.relative_to(STATIC)) for path in VIEWS} <= reached


def test_no_dialog_of_the_browser_interrupts() -> None:
    """Errors appear in the page's own dialogs."""
    for path in (STATIC / "operate").rglob("*.js"):
        assert not re.search(r"\b(?:alert|prompt|window\.confirm)\(", code(path)), path.name
