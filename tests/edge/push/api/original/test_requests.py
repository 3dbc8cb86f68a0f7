"""Cases C01 to C08 of the original: requests that no operation takes, with the answers of this API."""

from __future__ import annotations

import httpx
import pytest

from tests.edge.push.api.original.answers import UNKNOWN, data_of, open_session, refused
from tests.edge.push.serving import Service, http

JSON = {"content-type": "application/json"}
ORIGINAL_PATHS = {
    "/arrow", "/arrow/new_arrow_uuid", "/arrow/{id}", "/session", "/session/open", "/session/{id}", "/session_performance",
    "/shot", "/shot/{id}", "/target", "/target/calibrate", "/target/session-id/{id}", "/target/{id}",
}  # fmt: skip
"""The 13 paths of the original."""


async def test_c01_c02_unknown_paths_and_methods(client: httpx.AsyncClient) -> None:
    refused(await client.get("/nothing"), 404, "not_found")  # C01
    answer = await client.put(f"/session/{UNKNOWN}", json={})
    refused(answer, 405, "method_not_allowed")  # C02
    assert answer.headers["allow"] == "GET, HEAD, DELETE, PATCH, OPTIONS"


async def test_c03_c04_bodies_that_are_no_object(client: httpx.AsyncClient) -> None:
    refused(await client.post("/session", content=b"{bad", headers=JSON), 422, "json_invalid")  # C03
    for content in (b"", b"[]", b"null", b'"text"', b"\xff\xfe"):
        refused(await client.post("/session", content=content, headers=JSON), 422)  # C04
    refused(await client.post("/session", content=b"{}"), 415, "unsupported_media_type")
    refused(await client.post("/session", content=b" " * 70_000, headers=JSON), 413, "body_too_large")


async def test_c05_a_slash_at_the_end_is_another_path(client: httpx.AsyncClient) -> None:
    refused(await client.get("/session/"), 404, "not_found")


async def test_c06_c07_instants_and_types_are_strict(client: httpx.AsyncClient) -> None:
    whole: dict[str, object] = {"is_opened": True, "start_time": "2026-01-01T10:00:00Z", "location": "Hall 1"}
    for case, field, value in (
        ("C06 naive", "start_time", "2026-01-01T10:00:00"),
        ("C06 date", "start_time", "2026-01-01"),
        ("C07 number", "start_time", 1735725600),
        ("C07 digits", "start_time", "1735725600"),
        ("C07 word", "is_opened", "yes"),
        ("C07 one", "is_opened", 1),
        ("C07 digits as lane", "lane", "1"),
        ("C07 fraction", "arrows_per_end", 3.5),
        ("NUL", "location", "Hall\0"),
    ):
        answer = await client.post("/session", json=whole | {field: value})
        assert answer.status_code == 422, case
        refused(answer, 422, field=field)
    offset = await open_session(client, start_time="2026-01-01T12:00:00+02:00")
    assert data_of(await client.get(f"/session/{offset}"))["start_time"] == "2026-01-01T10:00:00+00:00"


async def test_c08_the_document_keeps_the_originals_paths(service: Service) -> None:
    async with http(service) as client:
        document = (await client.get("/api/openapi.json")).json()
    paths = {path.removeprefix("/api/v0") for path in document["paths"]}
    assert paths >= ORIGINAL_PATHS
    answers = document["paths"]["/api/v0/session"]["post"]["responses"]
    assert answers["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorEnvelope")


@pytest.mark.parametrize(
    "path", ["/session", "/target", "/face", "/slot", "/archer", "/session/open", "/session/prefill"]
)
async def test_head_and_options(client: httpx.AsyncClient, path: str) -> None:
    head = await client.head(path)
    whole = await client.get(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(whole.content)))
    options = await client.options(path)
    assert (options.status_code, options.content) == (204, b"")
    assert {"GET", "HEAD", "OPTIONS"} <= set(options.headers["allow"].split(", "))
