"""The OpenAPI document is made from what validates: it names every route, and none that does not exist."""

from __future__ import annotations

import re

from edge.push.api.operation import PREFIX
from tests.edge.push.serving import Service, http


async def test_the_document_lists_every_path_that_answers(service: Service) -> None:
    async with http(service) as client:
        document = (await client.get("/api/openapi.json")).json()
        assert document["openapi"] == "3.1.0"
        for path, item in document["paths"].items():
            assert path.startswith(PREFIX)
            answer = await client.options(re.sub(r"{\w+}", "1", path))
            assert answer.status_code == 204
            allowed = set(answer.headers["allow"].split(", ")) - {"OPTIONS", "HEAD"}
            assert allowed == {method.upper() for method in item}, path


async def test_each_reference_of_the_document_resolves(service: Service) -> None:
    async with http(service) as client:
        answer = await client.get("/api/openapi.json")
    names = set(answer.json()["components"]["schemas"])
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', answer.text)) <= names
    assert '"#/$defs' not in answer.text


async def test_the_documentation_is_a_page_without_scripts(service: Service) -> None:
    async with http(service) as client:
        for path in ("/api/docs", "/api/swagger"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "<script" not in answer.text
            assert "/api/v0/session_performance" in answer.text
            stylesheet = re.search(r'href="\.\./(static/[^"]+\.css)"', answer.text)
            assert stylesheet
            assert (await client.get(f"/{stylesheet[1]}")).status_code == 200
            assert not re.findall(r"https?://", answer.text)


async def test_head_answers_like_get_without_a_body(service: Service) -> None:
    async with http(service) as client:
        for path in ("/api/v0/session", "/api/v0/lanes", "/api/openapi.json"):
            head, whole = await client.head(path), await client.get(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == whole.headers["content-length"]
