"""The live page's files: every file below ``static`` is served by its path, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

import edge.push
from edge.push.http.static import StaticFiles
from tests.edge.push.serving import Service, http

STATIC = Path(edge.push.__file__).parent / "static"


def test_every_file_below_the_folder_is_served() -> None:
    assert StaticFiles().paths == {str(p.relative_to(STATIC)) for p in STATIC.rglob("*") if p.is_file()}
    assert {"index.html", "model/ends.js", "view/ends.js", "texts/en.js"} <= StaticFiles().paths


async def test_files_have_their_media_type_and_security_headers(service: Service) -> None:
    async with http(service) as client:
        for path in ("start.js", "view/lane.js", "model/group.js", "texts/en.js"):
            response = await client.get(f"/static/{path}")
            assert response.headers["content-type"] == "text/javascript; charset=utf-8"
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["cache-control"] == "no-cache"
            assert response.content == (STATIC / path).read_bytes()


async def test_unchanged_files_are_not_sent_again(service: Service) -> None:
    async with http(service) as client:
        for path in ("/", "/static/start.js", "/static/model/group.js"):
            etag = (await client.get(path)).headers["etag"]
            again = await client.get(path, headers={"if-none-match": etag})
            assert (again.status_code, again.content) == (304, b"")
            assert (await client.get(path, headers={"if-none-match": '"another"'})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "none.js", "index.html/x", "model", "model/", "model/none.js", "..%2f__init__.py", "model/..%2f..%2f__init__.py",
        "model/../../__init__.py", "%2e%2e/__init__.py", "model/%2e%2e/start.js", "/etc/passwd", "%2fetc%2fpasswd",
        "model//ends.js", "model\\ends.js", "model/ends.js%00",
    ],
)  # fmt: skip
async def test_no_path_leads_out_of_the_folder(service: Service, path: str) -> None:
    head = f"GET /static/{path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"
    status = await service.raw_status(head.encode())  # a client library would normalise the path
    assert status == 404
