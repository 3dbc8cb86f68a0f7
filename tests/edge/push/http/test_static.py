"""The live page's files: every file below ``static`` is served by its version and path, and nothing else is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import edge.push
from edge.push.http.content import accepts_gzip
from edge.push.http.static import StaticFiles
from tests.edge.push.serving import Service, http

STATIC = Path(edge.push.__file__).parent / "static"
VERSION = StaticFiles().version


def test_every_file_below_the_folder_is_served() -> None:
    every = {str(p.relative_to(STATIC)) for p in STATIC.rglob("*") if p.is_file()}
    assert StaticFiles().paths == every - {"index.html"}
    assert {"model/ends.js", "view/ends.js", "texts/en.js"} <= StaticFiles().paths


async def test_files_have_their_media_type_and_security_headers(service: Service) -> None:
    async with http(service) as client:
        for path in ("start.js", "view/lane.js", "model/group.js", "texts/en.js"):
            response = await client.get(f"/static/{VERSION}/{path}")
            assert response.headers["content-type"] == "text/javascript; charset=utf-8"
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["content-security-policy"].startswith("default-src 'self'")
            assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert response.content == (STATIC / path).read_bytes()


async def test_the_page_is_checked_each_time(service: Service) -> None:
    async with http(service) as client:
        page = await client.get("/")
        assert page.headers["cache-control"] == "no-cache"
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
        addresses = re.findall(r'(?:href|src)="(static/[^"]+)"', page.text)
        assert addresses
        for address in addresses:
            assert address.startswith(f"static/{VERSION}/")
            assert (await client.get(f"/{address}")).status_code == 200


async def test_unchanged_content_is_not_sent_again(service: Service) -> None:
    async with http(service) as client:
        for path in ("/", "/?lane=all", f"/static/{VERSION}/model/group.js"):
            for encoding in ("gzip", "identity"):
                first = await client.get(path, headers={"accept-encoding": encoding})
                tag = first.headers["etag"]
                for known in (tag, f"W/{tag}", f'"another", {tag}'):
                    asked = {"if-none-match": known, "accept-encoding": encoding}
                    again = await client.get(path, headers=asked)
                    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
                    assert again.headers["vary"] == "accept-encoding"
            assert (await client.get(path, headers={"if-none-match": '"another"'})).status_code == 200


async def test_content_is_compressed_for_those_who_accept_it(service: Service) -> None:
    async with http(service) as client:
        for path in ("/", f"/static/{VERSION}/texts/en.js", f"/static/{VERSION}/base.css"):
            plain = await client.get(path, headers={"accept-encoding": "identity"})
            packed = await client.get(path, headers={"accept-encoding": "br, gzip;q=0.8"})
            assert "content-encoding" not in plain.headers
            assert packed.headers["content-encoding"] == "gzip"
            assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
            assert packed.content == plain.content
            assert plain.headers["etag"] != packed.headers["etag"], "other bytes need another tag"
            assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False), ("gzip", True), ("GZIP", True), ("deflate, gzip", True), ("gzip;q=0", False), ("gzip; q=0.0", False),
        ("gzip;q=0.1", True), ("*", True), ("*;q=0", False), ("*;q=0, gzip", True), ("*, gzip;q=0", False),
        ("br", False), ("identity", False), ("gzip;q=x", False), ("xgzip", False),
    ],
)  # fmt: skip
def test_accept_encoding_is_read_by_its_weights(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_any_change_is_another_version(tmp_path: Path) -> None:
    folder = tmp_path / "static"
    shutil.copytree(STATIC, folder)
    assert StaticFiles(folder).version == VERSION
    changed = folder / "model" / "ends.js"
    changed.write_text(changed.read_text() + "\n// changed\n")
    assert StaticFiles(folder).version != VERSION
    changed.write_bytes((STATIC / "model" / "ends.js").read_bytes())
    (folder / "view" / "ends.js").rename(folder / "view" / "ends2.js")
    with pytest.raises(KeyError, match=re.escape("view/ends.js")):
        StaticFiles(folder)  # an import without a file


async def test_files_of_another_version_do_not_exist(service: Service) -> None:
    async with http(service) as client:
        for version in ("0123456789abcdef", VERSION.upper(), "x"):
            response = await client.get(f"/static/{version}/start.js")
            assert (response.status_code, response.headers["cache-control"]) == (404, "no-cache")
        assert (await client.get("/static/start.js")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "none.js", "index.html", "start.js/x", "model", "model/", "model/none.js", "..%2f__init__.py",
        "model/..%2f..%2f__init__.py", "model/../../__init__.py", "%2e%2e/__init__.py", "model/%2e%2e/start.js", "/etc/passwd",
        "%2fetc%2fpasswd", "model//ends.js", "model\\ends.js", "model/ends.js%00",
    ],
)  # fmt: skip
async def test_no_path_leads_out_of_the_folder(service: Service, path: str) -> None:
    head = f"GET /static/{VERSION}/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    status = await service.raw_status(head.encode())  # a client library would normalise the path
    assert status == 404
