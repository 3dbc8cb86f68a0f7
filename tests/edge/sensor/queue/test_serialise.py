"""What goes through JSON comes back the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.serialise import from_fields, to_fields
from tests.edge.sensor.reports import any_report, reading


@given(report=any_report)
def test_every_report_comes_back_as_it_was(report: Storable) -> None:
    assert from_fields(json.loads(json.dumps(to_fields(report)))) == report


@pytest.mark.parametrize(
    "change",
    [
        {"what": "rumour"}, {"stream_id": "x"}, {"seq_no": 1}, {"stamp": "now"}, {"stamp": []}, {"kind": "bang"},
        {"source": None}, {"received_at": 12},
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        from_fields({**to_fields(reading(1)), **change})


def test_an_incomplete_one_is_refused() -> None:
    for name in ("what", "stream_id", "seq", "stamp", "device_id"):
        fields = dict(to_fields(reading(1)))
        del fields[name]
        with pytest.raises(ValueError, match="not a report"):
            from_fields(fields)
