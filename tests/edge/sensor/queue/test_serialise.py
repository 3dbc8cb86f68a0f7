"""Reports survive JSON unchanged; anything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.serialise import from_json, to_fields, to_json
from tests.edge.sensor.reports import any_report, reading


@given(report=any_report)
def test_every_report_round_trips_exactly(report: Storable) -> None:
    assert from_json(to_json(report)) == report


@pytest.mark.parametrize(
    "change",
    [
        {"stream_id": "x"}, {"seq_no": 1}, {"seq": "1"}, {"stamp": "now"}, {"stamp": []}, {"kind": "bang"},
        {"source": None}, {"received_at": 12},
    ],
)  # fmt: skip
def test_wrong_field_is_refused(change: dict[str, object]) -> None:
    row = json.loads(to_json(reading(1)))
    row["report"].update(change)
    with pytest.raises(ValueError, match=r"reading\.report"):
        from_json(json.dumps(row))


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"kind":"reading"}', '{"kind":"rumour","report":{}}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_json(text)


def test_incomplete_report_is_refused() -> None:
    row = json.loads(to_json(reading(1)))
    for name in row:
        with pytest.raises(ValueError):
            from_json(json.dumps({key: value for key, value in row.items() if key != name}))
    for name in ("stream_id", "seq", "stamp", "device_id"):
        fields = {key: value for key, value in row["report"].items() if key != name}
        with pytest.raises(ValueError, match=rf"reading\.report\.{name}"):
            from_json(json.dumps({**row, "report": fields}))


def test_lone_surrogate_is_replaced() -> None:
    """It has no UTF-8 form: neither the disk nor a database could hold it."""
    bad = replace(reading(1), reason="a\ud800b", tags=("e2\udfff",))
    good = replace(reading(1), reason="a\N{REPLACEMENT CHARACTER}b", tags=("e2\N{REPLACEMENT CHARACTER}",))
    assert from_json(to_json(bad)) == good
    assert to_fields(bad)["device_id"] == "bow-1"


@pytest.mark.parametrize(
    "values",
    [{"rssi_dbm": -60.5}, {"quality": 55.0}, {"tag": 7}, {"cause": "fell"}, {"tags": ("e2", 5), "x_mm": "wide"}],
)
def test_mistyped_measurement_is_kept_for_the_quarantine(values: dict[str, Any]) -> None:
    """A driver of another package may break the contract; the reading was acknowledged and must not be lost."""
    mistyped = replace(reading(1), **values)
    assert from_json(to_json(mistyped)) == mistyped
