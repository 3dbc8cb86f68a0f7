"""A printable report of a target's calibration: one HTML file with a picture of the points and their residuals. Pure."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Final

from edge.common.console import local
from edge.common.text import printable
from edge.operator.calibration.activation import Activation
from edge.operator.calibration.records import Calibration
from edge.shots.faces import load_catalogue

WIDTH: Final = 640
"""Side of the picture in its own units."""
MARGIN: Final = 70
ARROW: Final = 60.0
"""Longest arrow that is wanted, in the same units."""
FACTORS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Factors by which the residuals are drawn larger."""

_STYLE: Final = """
body { font: 11pt/1.4 system-ui, sans-serif; color: #111; background: #fff; margin: 2em auto; max-width: 48em; padding: 0 1em; }
h1 { font-size: 1.5em; margin: 0 0 .2em; } h2 { font-size: 1.1em; margin: 1.4em 0 .4em; }
table { border-collapse: collapse; } th, td { padding: .2em .8em .2em 0; text-align: left; border-bottom: 1px solid #ccc; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; max-width: 34em; height: auto; border: 1px solid #999; }
.good { color: #065f22; } .bad { color: #9b1c1c; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } svg, table { break-inside: avoid; } }
"""


def report_html(calibration: Calibration, activations: Sequence[Activation]) -> str:
    """The report of a calibration of a target; ``activations`` are those of its device."""
    own = [one for one in activations if one.calibration_id == calibration.id]
    points = [_Point(row) for row in calibration.points]
    factor = _factor(points)
    verdict = (
        '<strong class="good">accepted</strong>'
        if calibration.is_accepted
        else '<strong class="bad">not accepted</strong>'
    )
    limit = calibration.parameters.get("limit_mm")
    facts = [
        ("Device", _text(calibration.device_id)),
        ("Version", f"{calibration.version}{' (active)' if calibration.is_active else ''}"),
        ("Face", _text(calibration.face_code or "none")),
        ("Calibrated", f"{_text(local(calibration.at))} by {_text(calibration.who)}"),
        ("Activated", ", ".join(f"{_text(local(a.at))} by {_text(a.who)}" for a in reversed(own)) or "never"),
        ("Model", _text(calibration.model or "-")),
        ("Rotation", f"{_number(calibration.parameters, 'rotation_deg'):+.3f} degrees"),
        ("Scale", f"{_number(calibration.parameters, 'scale'):.5f}"),
        ("Sigma", f"{calibration.sigma_mm or 0.0:.2f} mm in one direction"
            + (f", limit {limit:g} mm: " if isinstance(limit, int | float) else ": ") + verdict),
        ("Centre", f"standard error {calibration.centre_error_mm or 0.0:.2f} mm"),
        ("Note", _text(calibration.note or "-")),
    ]  # fmt: skip
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>Calibration {_text(calibration.name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Calibration {_text(calibration.name)}</h1>\n<table>{rows}</table>\n"
        "<h2>Points and residuals</h2>\n"
        f"<p>Crosses are the known places. The arrows lead to where the calibration puts the sensed positions, "
        f"drawn {factor} times as long.</p>\n"
        f"{_picture(calibration, points, factor)}\n{_table(points)}\n"
        "<h2>The map</h2>\n<p>Sensed positions (u, v) in the sensor's own frame become places on the butt, "
        "in millimetres from its lower left corner as seen from the shooting line:</p>\n"
        f"<p>{_equation(calibration.parameters, 'x')}<br>{_equation(calibration.parameters, 'y')}</p>\n"
        "</body>\n</html>\n"
    )


class _Point:
    """One point of the stored calibration."""

    def __init__(self, row: Mapping[str, object]) -> None:
        self.name = str(row.get("name", ""))
        self.x, self.y = _number(row, "x_mm"), _number(row, "y_mm")
        self.sensed_x, self.sensed_y = _number(row, "sensed_x_mm"), _number(row, "sensed_y_mm")
        self.dx, self.dy = _number(row, "residual_x_mm"), _number(row, "residual_y_mm")

    @property
    def residual(self) -> float:
        return math.hypot(self.dx, self.dy)


def _number(row: Mapping[str, object], key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def _text(text: str) -> str:
    return html.escape(printable(text))


def _equation(parameters: Mapping[str, object], axis: str) -> str:
    along, across, zero = (_number(parameters, key) for key in (f"{axis}x", f"{axis}y", f"{axis}0_mm"))
    return f"{axis} = {along:.6f} u {across:+.6f} v {zero:+.3f}"


def _factor(points: Sequence[_Point]) -> int:
    """The largest factor at which the longest arrow stays short beside the picture."""
    longest = max((point.residual for point in points), default=0.0)
    room = ARROW / max(_scale(points)[0], 1e-9)
    return max((factor for factor in FACTORS if longest * factor <= room), default=FACTORS[0])


def _scale(points: Sequence[_Point]) -> tuple[float, float, float]:
    """Units of the picture for a millimetre, and the place in its middle."""
    xs, ys = [point.x for point in points] or [0.0], [point.y for point in points] or [0.0]
    side = max(max(xs) - min(xs), max(ys) - min(ys), 1.0)
    return (WIDTH - 2 * MARGIN) / side, (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2


def _picture(calibration: Calibration, points: Sequence[_Point], factor: int) -> str:
    scale, middle_x, middle_y = _scale(points)

    def place(x: float, y: float) -> tuple[float, float]:
        return WIDTH / 2 + (x - middle_x) * scale, WIDTH / 2 - (y - middle_y) * scale

    parts: list[str] = []
    face = load_catalogue().get(calibration.face_code or "")
    if face is not None:
        centres = [(p.x, p.y) for p in points if p.name == "centre" or p.name.startswith("centre ")]
        for x, y in centres:
            cx, cy = place(x, y)
            parts += [
                f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{radius * scale:.1f}" fill="none" stroke="#bbb"/>'
                for radius in face.radii_mm
            ]
    for point in points:
        x, y = place(point.x, point.y)
        to_x, to_y = place(point.x + point.dx * factor, point.y + point.dy * factor)
        parts.append(f'<path d="M{x - 6:.1f} {y:.1f}h12M{x:.1f} {y - 6:.1f}v12" stroke="#111" fill="none"/>')
        parts.append(
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="#c0262d" stroke-width="2" '
            'marker-end="url(#tip)"/>'
        )
        # Beside the point, towards the middle of the picture and on the side that the arrow leaves free.
        beside, anchor = (9.0, "start") if x <= WIDTH * 0.6 else (-9.0, "end")
        above = -9.0 if to_y >= y else 19.0
        parts.append(
            f'<text x="{x + beside:.1f}" y="{y + above:.1f}" font-size="13" text-anchor="{anchor}">'
            f"{_text(point.name)}: {point.residual:.2f} mm</text>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {WIDTH}" role="img" '
        f'aria-label="Known places with residual arrows, drawn {factor} times as long">'
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="6" markerHeight="6" '
        'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#c0262d"/></marker></defs>'
        + "".join(parts)
        + f'<text x="12" y="{WIDTH - 12}" font-size="13">residuals drawn x {factor}</text></svg>'
    )


def _table(points: Sequence[_Point]) -> str:
    heads = ("Known x", "y", "Sensed u", "v", "Residual x", "y", "length")
    head = "<th>Point</th>" + "".join(f'<th class="n">{name}</th>' for name in heads)
    rows = "".join(
        f"<tr><td>{_text(p.name)}</td>"
        + "".join(
            f'<td class="n">{value}</td>'
            for value in (
                f"{p.x:.1f}", f"{p.y:.1f}", f"{p.sensed_x:.2f}", f"{p.sensed_y:.2f}", f"{p.dx:+.2f}", f"{p.dy:+.2f}",
                f"{p.residual:.2f}",
            )
        )
        + "</tr>"
        for p in points
    )  # fmt: skip
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>\n<p>All in millimetres.</p>"
