"""The live page's files, read once at start: requests need no disk and no thread, and no path leads out of the folder.

Files have a version in their address, made from the content of all of them. So a browser keeps them for a year, an upgrade
takes effect with the next load of the page, and files of two versions never mix.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

from edge.push.http.content import Content, digest
from edge.push.http.envelope import reject
from edge.push.http.page import View, page_html

FOREVER = "public, max-age=31536000, immutable"
CHECKED = "no-cache"
"""The browser asks each time whether its copy is current."""
PAGE = "index.html"

_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFiles:
    """Serves the page, and every other file below the folder ``static`` by its version and relative path."""

    def __init__(self, folder: Traversable | None = None) -> None:
        found = {
            path: file.read_bytes()
            for path, file in _files_below(folder or files("edge.push").joinpath("static"))
            if _suffix(path) in _MEDIA_TYPES
        }
        self.version = digest(b"".join(path.encode() + b"\0" + digest(found[path]).encode() for path in sorted(found)))
        self._pages = {view: Content(page_html(found, self.version, view), _MEDIA_TYPES["html"]) for view in View}
        self._files = {path: Content(body, _MEDIA_TYPES[_suffix(path)]) for path, body in found.items() if path != PAGE}

    @property
    def paths(self) -> frozenset[str]:
        """The paths that are served, relative to ``/static/{version}/``."""
        return frozenset(self._files)

    async def page(self, request: Request) -> Response:
        """``GET /``."""
        return self._pages[View.requested(request.query_params)].respond(request, CHECKED)

    async def file(self, request: Request) -> Response:
        """``GET /static/{version}/{path}``."""
        version, path = request.path_params["version"], request.path_params["path"]
        if version != self.version or path not in self._files:
            raise reject(404, "not_found", f"the page has no file {path!r} in version {version!r}", "path", "path")
        return self._files[path].respond(request, FOREVER)


def _suffix(path: str) -> str:
    return path.rpartition(".")[2]


def _files_below(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files_below(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry
