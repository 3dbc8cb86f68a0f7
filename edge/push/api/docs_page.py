"""The documentation of the API as a page without scripts, made from the OpenAPI document: it works without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

Json = Mapping[str, Any]

_SCHEMAS: Final = "#/components/schemas/"


def docs_page(document: Json, stylesheet: str) -> bytes:
    """Return the page as HTML; ``stylesheet`` is the address of its style sheet."""
    info = document["info"]
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            by_tag[operation["tags"][0]].append(_operation(method, path, operation))
    sections = [
        f'<section id="{escape(tag["name"])}"><h2>{escape(tag["name"])}</h2><p>{escape(tag["description"])}</p>'
        f"{''.join(by_tag[tag['name']])}</section>"
        for tag in document["tags"]
        if by_tag[tag["name"]]
    ]
    contents = "".join(
        f'<li><a href="#{escape(tag["name"])}">{escape(tag["name"])}</a></li>'
        for tag in document["tags"]
        if by_tag[tag["name"]]
    )
    models = "".join(
        f'<section class="model" id="model-{escape(name)}"><h3>{escape(name)}</h3>{_schema(schema)}</section>'
        for name, schema in document["components"]["schemas"].items()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(info["title"])} API</title><link rel="stylesheet" href="{escape(stylesheet)}"></head><body>'
        f"<header><h1>{escape(info['title'])} API {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
        '<p>The same as data: <a href="openapi.json">openapi.json</a></p></header>'
        f'<nav aria-label="Resources"><ul>{contents}<li><a href="#models">models</a></li></ul></nav>'
        f'<main>{"".join(sections)}<section id="models"><h2>models</h2>{models}</section></main></body></html>\n'
    ).encode()


def _operation(method: str, path: str, operation: Json) -> str:
    parts = [
        (
            f'<article><h3><code class="method {escape(method)}">{escape(method.upper())}</code> <code>{escape(path)}</code></h3>'
            f"<p>{escape(operation['summary'])}</p>"
        )
    ]
    if operation["parameters"]:
        parts.append(
            _table(
                "Parameters",
                ("name", "in", "value", "meaning"),
                [
                    (
                        f"<code>{escape(one['name'])}</code>",
                        escape(one["in"]) + (", required" if one.get("required") else ""),
                        _type(one["schema"]),
                        escape(one.get("description") or one["schema"].get("description", "")),
                    )
                    for one in operation["parameters"]
                ],
            )
        )
    if "requestBody" in operation:
        parts.append(f"<h4>Body</h4>{_schema(next(iter(operation['requestBody']['content'].values()))['schema'])}")
    rows = []
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        data = next((one["schema"].get("properties", {}).get("data") for one in content.values()), None)
        shown = (
            _type(data)
            if data is not None and int(status) < 400
            else escape(", ".join(content))
            if int(status) < 400
            else ""
        )
        rows.append((f"<code>{escape(status)}</code>", escape(response["description"]), shown))
    parts.append(_table("Answers", ("status", "meaning", "data"), rows))
    return "".join(parts) + "</article>"


def _schema(schema: Json) -> str:
    """Return the members of an object as a table, and every other type by its name."""
    if not schema.get("properties"):
        return f"<p>{_type(schema)}</p>"
    required = schema.get("required", ())
    rows = [
        (
            f"<code>{escape(name)}</code>",
            ("required" if name in required else ""),
            _type(one),
            escape(one.get("description", "")),
        )
        for name, one in schema["properties"].items()
    ]
    described = f"<p>{escape(schema['description'])}</p>" if schema.get("description") else ""
    return described + _table("Members", ("name", "", "value", "meaning"), rows)


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{one}</td>' for one in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _type(schema: Json) -> str:
    """Return a type in words as HTML, with links to the models."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMAS)
        return f'<a href="#model-{escape(name)}">{escape(name)}</a>'
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = [str(schema.get("format") or schema.get("type") or "any value")]
    for key, text in (
        ("minimum", "from"),
        ("exclusiveMinimum", "above"),
        ("maximum", "to"),
        ("exclusiveMaximum", "below"),
    ):
        if key in schema:
            words.append(f"{text} {schema[key]}")
    if "maxLength" in schema:
        words.append(f"up to {schema['maxLength']} characters")
    if schema.get("default") is not None:
        words.append(f"(default {json.dumps(schema['default'])})")
    return escape(" ".join(words))
