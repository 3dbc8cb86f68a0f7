"""Entity tags of single rows: a hash of each field, so that a change which comes too late learns what changed meanwhile. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edge.common.vocabulary import ErrorCode
from edge.push.http.envelope import ApiError, RequestRejected

_WHOLE: Final = 16
"""Hexadecimal digits of the hash of the whole row, which decides."""
_FIELD: Final = 4
"""Hexadecimal digits of the hash of one field, which only names what changed."""


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The condition of a change: it is made only while the row has one of these entity tags."""

    tags: frozenset[str]
    """Without their quotes; ``*`` for any row that exists."""

    @classmethod
    def parse(cls, header: str | None) -> IfMatch | None:
        """Return the condition of a header; None without one. Raises RequestRejected (400) for one that is no list of tags."""
        if header is None:
            return None
        tags = [one.strip() for one in header.split(",")]
        if tags == ["*"]:
            return cls(frozenset("*"))
        # A weak tag never matches (RFC 9110, 13.1.1).
        if not all(len(one) >= 2 and one.removeprefix("W/")[:1] == '"' and one[-1] == '"' for one in tags):
            message = "If-Match takes entity tags in quotes, like the one in the header ETag of the row"
            raise RequestRejected(400, (ApiError("invalid_header", message, ("header", "if-match")),))
        return cls(frozenset(one[1:-1] for one in tags if one.startswith('"')))

    def require(self, row_json: str, tag: str | None = None) -> None:
        """Raise RequestRejected (412) with the row as it is now, and with what changed, unless it has one of the tags.

        ``tag`` is the row's entity tag, where it is another one than that of its fields.
        """
        row = json.loads(row_json)
        current = (tag or etag_of(row)).strip('"')
        if "*" in self.tags or current in self.tags:
            return
        changed = sorted({name for one in self.tags for name in _changed(one, row)})
        loc = ("header", "if-match")
        errors = tuple(
            ApiError(ErrorCode.CHANGED_MEANWHILE, f"{name} was changed meanwhile: it is now {_text(row[name])}", loc)
            for name in changed
        ) or (ApiError(ErrorCode.CHANGED_MEANWHILE, "it was changed meanwhile; data shows it as it is now", loc),)
        raise RequestRejected(412, errors, {"etag": f'"{current}"'}, row_json)


def etag_of(row: Mapping[str, object]) -> str:
    """Return the entity tag of a row, with its quotes."""
    whole = _hash(json.dumps(row, sort_keys=True), _WHOLE)
    return f'"{whole}.{"".join(_of_fields(row))}"'


def _of_fields(row: Mapping[str, object]) -> list[str]:
    return [_hash(json.dumps(value, sort_keys=True), _FIELD) for value in row.values()]


def _changed(tag: str, row: Mapping[str, object]) -> list[str]:
    """Return the names of the fields that have other values than when the row had this tag; none for a foreign tag."""
    fields = tag.partition(".")[2]
    before = [fields[at : at + _FIELD] for at in range(0, len(fields), _FIELD)]
    if len(before) != len(row):
        return []
    return [name for name, old, new in zip(row, before, _of_fields(row), strict=True) if old != new]


def _text(value: object) -> str:
    return "empty" if value is None else json.dumps(value, ensure_ascii=False)


def _hash(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
