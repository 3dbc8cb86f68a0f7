"""The live page as a few requests: the HTML names the version of the files and every module that a view loads.

A browser finds an import only in the module that contains it, so that 20 modules four imports deep take four round trips.
``modulepreload`` links let it request all of them at once. They are made from the imports themselves at start, so that
they cannot be out of date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

ENTRY = "start.js"
HEAD_END = b"</head>"
OFF = "0"
"""Value of a parameter that switches its view off again."""
_REFERENCE = re.compile(rb'"(\.{1,2}/[^"\n]+\.js)"')
"""A module that a module imports, at its start or later: every relative path to one."""


ON_DEMAND = frozenset(("operate/view/bar.js",))
"""Modules that a page loads only when they are wanted, with all that they import: most people who look at it never do."""


class View(StrEnum):
    """The modules that ``start.js`` chooses from; the value is the path of the view's first module."""

    LANE = "view/lane.js"
    OVERVIEW = "view/overview.js"
    WALL = "view/wall.js"
    OVERLAY = "view/overlay.js"

    @classmethod
    def requested(cls, parameters: Mapping[str, str]) -> View:
        """Return the view of an address, by its parameters, as ``model/view.js`` does but for the size of the screen."""
        for name, view in (("overlay", cls.OVERLAY), ("wall", cls.WALL)):
            if parameters.get(name, OFF) != OFF:
                return view
        return cls.OVERVIEW if parameters.get("lane") == "all" else cls.LANE


def loaded_modules(files: Mapping[str, bytes], view: View) -> list[str]:
    """Return every module that the page loads at once for a view, the entry first. Raises KeyError for an import without a file."""
    others = ON_DEMAND | {other.value for other in View if other is not view}
    found = [ENTRY]
    for module in found:  # grows while it is read
        for reference in _REFERENCE.findall(files[module]):
            path = _resolve(module, reference.decode())
            if path not in found and path not in others:
                found.append(path)
    return found


def page_html(files: Mapping[str, bytes], version: str, view: View) -> bytes:
    """Return ``index.html`` for a view: its files by the version, and all of the view's modules announced."""
    prefix = f"static/{version}/"
    links = "".join(f'<link rel="modulepreload" href="{prefix}{path}">\n' for path in loaded_modules(files, view))
    html = files["index.html"].replace(b'="static/', f'="{prefix}'.encode())
    return html.replace(HEAD_END, links.encode() + HEAD_END, 1)


def _resolve(module: str, reference: str) -> str:
    """Return the path of a reference that is relative to a module."""
    folder = module.split("/")[:-1]
    for part in reference.split("/"):
        if part == "..":
            folder.pop()
        elif part != ".":
            folder.append(part)
    return "/".join(folder)
