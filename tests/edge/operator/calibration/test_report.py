"""The printable report of a calibration."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from uuid import uuid4

from edge.common.vocabulary import CalibrationAction, CalibrationKind, CalibrationModel
from edge.operator.calibration.activation import Activation
from edge.operator.calibration.records import Calibration
from edge.operator.calibration.report import WIDTH, report_html

AT = datetime(2026, 5, 2, 9, 0, tzinfo=UTC)


def point(name: str, x: float, y: float, dx: float, dy: float) -> dict[str, object]:
    return {
        "name": name, "x_mm": x, "y_mm": y, "sensed_x_mm": x - dx, "sensed_y_mm": y - dy, "residual_x_mm": dx,
        "residual_y_mm": dy,
    }  # fmt: skip


def calibration(**changes: object) -> Calibration:
    values: dict[str, object] = {
        "id": uuid4(), "device_id": "target-1", "kind": CalibrationKind.TARGET, "version": 3,
        "model": CalibrationModel.SIMILARITY,
        "parameters": {
            "xx": 1.0, "xy": -0.02, "yx": 0.02, "yy": 1.0, "x0_mm": 4.0, "y0_mm": -2.5, "rotation_deg": 1.2,
            "scale": 1.0021, "limit_mm": 0.5,
        },
        "points": [point("centre", 620, 620, 0.1, 0.0), point("3 o'clock", 820, 620, 0.3, -0.4)],
        "sigma_mm": 0.28, "centre_error_mm": 0.13, "face_code": "wa_40", "is_accepted": True, "who": "Ada", "at": AT,
        "note": None, "is_active": True, "activated_at": AT, "fits": True,
    }  # fmt: skip
    return Calibration(**{**values, **changes})  # type: ignore[arg-type]


class Elements(HTMLParser):
    """Counts elements, and fails where they do not close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements(page: str) -> dict[str, int]:
    parser = Elements()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.counts


def test_the_picture_shows_points_rings_and_residuals() -> None:
    stored = calibration()
    activation = Activation(
        1, "target-1", CalibrationKind.TARGET, CalibrationAction.ACTIVATE, stored.id, 3, AT, "Bob", "calibrated"
    )
    page = report_html(stored, [activation])
    counts = elements(page)
    assert (counts["svg"], counts["line"], counts["circle"]) == (1, 2, 10)
    assert "drawn 20 times as long" in page
    assert "0.50 mm" in page
    assert "by Bob" in page
    labels = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" font-size="13" text-anchor="(\w+)">([^<:]+):', page)
    assert [(name, anchor) for _, _, anchor, name in labels] == [("centre", "start"), ("3 o&#x27;clock", "end")]
    assert all(0 < float(place) < WIDTH for x, y, _, _ in labels for place in (x, y)), "within the picture"
    assert "x = 1.000000 u -0.020000 v +4.000" in page


def test_texts_of_operators_are_escaped() -> None:
    page = report_html(
        calibration(note="<script>alert(1)</script>", who="A & B", points=[point("<b>", 0, 0, 0, 0)], face_code=None),
        [],
    )
    assert "script" not in elements(page)
    assert "A &amp; B" in page
    assert "&lt;b&gt;" in page


def test_a_calibration_without_points_has_a_report() -> None:
    assert elements(report_html(calibration(points=[]), []))["svg"] == 1
