"""The live page's files, read once at start: requests need no disk and no thread, and no path leads out of the folder."""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

from edge.push.http.envelope import headers, reject

_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFiles:
    """Serves every file below the folder ``static`` by its relative path; ``index.html`` is the page itself."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        for path, file in _files_below(files("edge.push").joinpath("static")):
            media_type = _MEDIA_TYPES.get(file.name.rpartition(".")[2])
            if media_type is not None:
                content = file.read_bytes()
                self._files[path] = (content, media_type, f'"{hashlib.sha256(content).hexdigest()[:16]}"')

    @property
    def paths(self) -> frozenset[str]:
        """The paths that are served, relative to ``/static/``."""
        return frozenset(self._files)

    async def page(self, request: Request) -> Response:
        """``GET /``."""
        return self._serve(request, "index.html")

    async def file(self, request: Request) -> Response:
        """``GET /static/{path}``."""
        return self._serve(request, request.path_params["path"])

    def _serve(self, request: Request, path: str) -> Response:
        if path not in self._files:
            raise reject(404, "not_found", f"the page has no file {path!r}", "path", "path")
        content, media_type, etag = self._files[path]
        # A browser asks each time whether its copy is current, so that an upgrade never mixes old and new files.
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers({"etag": etag}))
        return Response(content, headers=headers({"etag": etag}), media_type=media_type)


def _files_below(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files_below(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry
