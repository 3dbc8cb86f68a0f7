"""Entity tags name what changed, and conditions are read as HTTP defines them."""

from __future__ import annotations

import json

import pytest

from edge.push.api.etag import IfMatch, etag_of
from edge.push.http.envelope import RequestRejected

ROW = {"id": "1", "location": "Hall 1", "end_time": None}


def condition(header: str) -> IfMatch:
    parsed = IfMatch.parse(header)
    assert parsed is not None
    return parsed


def test_a_row_matches_its_own_tag() -> None:
    for header in (etag_of(ROW), f'"other", {etag_of(ROW)}', "*"):
        condition(header).require(json.dumps(ROW))
    assert IfMatch.parse(None) is None


def test_a_late_change_learns_what_changed() -> None:
    now = ROW | {"location": "Hall 2", "end_time": "2026-01-01T12:00:00Z"}
    with pytest.raises(RequestRejected) as refused:
        condition(etag_of(ROW)).require(json.dumps(now))
    assert refused.value.status == 412
    assert [error.message for error in refused.value.errors] == [
        'end_time was changed meanwhile: it is now "2026-01-01T12:00:00Z"',
        'location was changed meanwhile: it is now "Hall 2"',
    ]
    assert json.loads(refused.value.data_json or "") == now
    assert refused.value.headers["etag"] == etag_of(now)


@pytest.mark.parametrize("tag", ['"foreign"', 'W/"1"', f"W/{etag_of(ROW)}", '"0.0"'])
def test_a_foreign_or_weak_tag_matches_no_row(tag: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        condition(tag).require(json.dumps(ROW))
    assert refused.value.status == 412


@pytest.mark.parametrize("header", ["", "abc", '"abc', 'abc"', '"a", b', '"', "* , *"])
def test_a_header_that_is_no_list_of_tags_is_refused(header: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        IfMatch.parse(header)
    assert refused.value.status == 400
