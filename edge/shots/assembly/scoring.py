"""What a landing is worth. Pure.

The value is that of the highest zone which the shaft touches (World Archery Book 3, edition 2026, 12.2): a table radius is
the outer edge of its line, so a zone is touched when the shaft's inner edge lies within it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from uuid import UUID

from edge.shots.assembly.model import Face, Target
from edge.shots.assembly.parameters import Parameters

EDGE_TOLERANCE_MM = 1e-6
"""What floating point may add to a shaft that exactly touches a line."""
DIAMETER_OUTDOORS_MM = 5.5
DIAMETER_INDOORS_MM = 9.3
"""Assumed shafts; 9.3 mm is the largest allowed (Book 3, 11.1.7.1 by way of FFTA B.3.1.7.1)."""


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on one landing."""

    result: str
    """``hit``, ``off_face`` or ``off_view``."""
    points: int | None
    """None when there is no face to score on."""
    is_x: bool = False
    face_id: UUID | None = None
    face_version: int | None = None
    line_margin_mm: float | None = None
    """Distance of the shaft's edge to the nearest line; positive inside it."""
    line_call: bool = False
    """Too close to a line for the sensor: a person decides."""


def score_landing(x: float, y: float, diameter_mm: float, target: Target, parameters: Parameters) -> Score:
    """Score a shaft of ``diameter_mm`` centred at (x, y) in the butt's frame."""
    if not (0.0 <= x <= target.width and 0.0 <= y <= target.height):
        return Score("off_view", 0)
    if not target.faces:
        return Score("hit", None)
    verdicts = [
        (_on_face(x, y, diameter_mm, face, parameters), math.hypot(x - face.x, y - face.y)) for face in target.faces
    ]
    # Several spots: the highest value counts, and of equals the nearer centre.
    best, _ = max(verdicts, key=lambda verdict: (verdict[0].points or 0, verdict[0].is_x, -verdict[1]))
    return best


def _on_face(x: float, y: float, diameter_mm: float, face: Face, parameters: Parameters) -> Score:
    edge = math.hypot(x - face.x, y - face.y) - diameter_mm / 2
    lines = face.radii if face.x_radius is None else (*face.radii, face.x_radius)
    margin = min((radius - edge for radius in lines), key=abs)
    call = abs(margin) < parameters.line_call_sigmas * parameters.sigma_mm
    for radius, points in zip(face.radii, face.points, strict=True):
        if edge <= radius + EDGE_TOLERANCE_MM:
            is_x = face.x_radius is not None and edge <= face.x_radius + EDGE_TOLERANCE_MM
            return Score("hit", points, is_x, face.id, face.version, margin, call)
    return Score("off_face", 0, face_id=None, line_margin_mm=margin, line_call=call)
