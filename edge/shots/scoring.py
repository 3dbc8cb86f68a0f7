"""Points for a place on the butt: the shaft's edge decides, and touching a line gives the higher value.

A ring's radius is the outer edge of its line, so an arrow scores it when its inner edge is not beyond:
``hypot(dx, dy) - shaft radius <= R``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

TOUCH_MM = 1e-6
"""Rounding must not take a point away."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face, or one spot of a multiple face, where it hangs on the butt (millimetres in the butt frame)."""

    id: UUID
    version: int
    x_mm: float
    y_mm: float
    radii_mm: tuple[float, ...]
    """Ascending."""
    points: tuple[int, ...]
    """One for each radius, descending."""
    x_radius_mm: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """What a place is worth. Without a face ``points`` is None; beside every face it is 0 and ``face_id`` None."""

    points: int | None
    is_x: bool = False
    face_id: UUID | None = None
    face_version: int | None = None
    line_margin_mm: float | None = None
    """Signed distance of the shaft's edge to the nearest line: positive inside it."""
    line_call: bool = False
    """A line is so near that a person should look."""


def score(
    x_mm: float, y_mm: float, *, shaft_mm: float, faces: Sequence[Face], line_call_mm: float, certain: bool = True
) -> Score:
    """Score a place for a shaft of this diameter. ``certain`` False asks for a person whatever the margin."""
    if not faces:
        return Score(points=None, line_call=not certain)
    # Overlapping spots: the highest value, then the nearest centre. Beside all: the face that was missed by least.
    candidates = []
    for index, face in enumerate(faces):
        centre_mm = math.hypot(x_mm - face.x_mm, y_mm - face.y_mm)
        edge_mm = centre_mm - shaft_mm / 2
        beside_mm = max(0.0, edge_mm - face.radii_mm[-1])
        candidates.append((-_points(face, edge_mm), beside_mm, centre_mm, index, edge_mm))
    minus_points, _, _, index, edge_mm = min(candidates)
    face = faces[index]
    on_face = edge_mm <= face.radii_mm[-1] + TOUCH_MM
    margin_mm = min((radius - edge_mm for radius in face.radii_mm), key=abs)
    near_x = face.x_radius_mm is not None and abs(face.x_radius_mm - edge_mm) < line_call_mm
    return Score(
        points=-minus_points,
        is_x=face.x_radius_mm is not None and edge_mm <= face.x_radius_mm + TOUCH_MM,
        face_id=face.id if on_face else None,
        face_version=face.version if on_face else None,
        line_margin_mm=margin_mm,
        line_call=abs(margin_mm) < line_call_mm or near_x or not certain,
    )


def _points(face: Face, edge_mm: float) -> int:
    for radius, points in zip(face.radii_mm, face.points, strict=True):
        if edge_mm <= radius + TOUCH_MM:
            return points
    return 0
