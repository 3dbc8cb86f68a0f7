"""HTML from values: every text is escaped, so that no name is markup. Pages have no script and no inline style."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from edge.common.text import printable


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | int | Markup | None
"""A child of an element; None is left out."""


def element(name: str, *children: Content, **attributes: str | int | None) -> Markup:
    """An element. ``class_`` is the attribute ``class``; underscores in a name are hyphens; None is left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}>{joined(children)}</{name}>")


def joined(children: Iterable[Content]) -> Markup:
    """Several pieces in a row."""
    return Markup("".join(_piece(child) for child in children))


def row(cells: Sequence[Content], *, header: bool = False, class_: str | None = None) -> Markup:
    """A row of a table."""
    return element("tr", *(element("th" if header else "td", cell) for cell in cells), class_=class_)


def table(header: Sequence[Content], rows: Iterable[Markup], class_: str | None = None) -> Markup:
    """A table whose header is repeated on each printed page."""
    head = element("thead", row(header, header=True))
    return element("table", head, element("tbody", *rows), class_=class_)


def facts_table(facts: Iterable[tuple[Content, Content]], class_: str = "facts") -> Markup:
    """Facts with their names, those without a value left out."""
    rows = (element("tr", element("th", name, scope="row"), element("td", value)) for name, value in facts if value)
    return element("table", element("tbody", *rows), class_=class_)


def document(title: str, language: str, stylesheet: Markup, *body: Content) -> str:
    """A whole page; ``stylesheet`` is a link to one, or the style itself for a file."""
    head = element("head", Markup('<meta charset="utf-8">'), Markup(_VIEWPORT), element("title", title), stylesheet)
    return f"<!doctype html>\n{element('html', head, element('body', *body), lang=language)}\n"


def stylesheet_link(address: str) -> Markup:
    """The stylesheet by its address."""
    return Markup(f'<link rel="stylesheet" href="{_escaped(address)}">')


def stylesheet_text(css: str) -> Markup:
    """The stylesheet itself, for a file that is opened without a server."""
    return Markup(f"<style>\n{css}</style>")


_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def _piece(child: Content) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Markup) else _escaped(str(child))


def _escaped(text: str) -> str:
    return html.escape(printable(text))
