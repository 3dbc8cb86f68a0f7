"""The live page's files, read once at start: no disk and no thread is needed to answer, and no path can lead elsewhere."""

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from edge.push.http.envelope import headers, refuse

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFiles:
    """Everything in the folder ``static``; ``index.html`` is the page itself."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        for file in files("edge.push").joinpath("static").iterdir():
            media_type = _TYPES.get(file.name.rpartition(".")[2])
            if media_type is not None:
                content = file.read_bytes()
                self._files[file.name] = (content, media_type, f'"{hashlib.sha256(content).hexdigest()[:16]}"')

    async def page(self, request: Request) -> Response:
        """``GET /``."""
        return self._serve(request, "index.html")

    async def file(self, request: Request) -> Response:
        """``GET /static/{name}``."""
        return self._serve(request, request.path_params["name"])

    def _serve(self, request: Request, name: str) -> Response:
        if name not in self._files:
            raise refuse(404, "not_found", f"there is no file {name!r}", "path", "name")
        content, media_type, etag = self._files[name]
        # A browser asks each time whether its copy is still right, so that an upgrade never mixes old and new files.
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers({"etag": etag}))
        return Response(content, headers=headers({"etag": etag}), media_type=media_type)
