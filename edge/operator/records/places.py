"""Faces on a butt: their rings in order, and their edges on it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge.common.config.errors import UsageError


@dataclass(frozen=True, slots=True)
class FaceOnButt:
    """The place of a face, millimetres from the lower left of its butt."""

    name: str
    x: float
    y: float
    outer: float
    """Radius of its outermost ring."""


def refuse_off_butt(face: FaceOnButt, size: tuple[float, float]) -> None:
    """Raise UsageError unless the face lies wholly on a butt of this width and height; its edge may touch the butt's."""
    width, height = size
    if face.outer <= face.x <= width - face.outer and face.outer <= face.y <= height - face.outer:
        return
    raise UsageError(
        f"face {face.name} would not lie wholly on the butt of {width:g} by {height:g} mm",
        hint=f"Its centre has room from {face.outer:g} to {width - face.outer:g} mm across, from {face.outer:g} to "
        f"{height - face.outer:g} mm up.",
    )


def check_rings(radii: Sequence[float], points: Sequence[int], x_radius: float | None) -> None:
    """Raise UsageError unless every ring has its points, and rings grow while their points fall."""
    if not radii or len(radii) != len(points):
        raise UsageError(
            f"{len(radii)} radii and {len(points)} points",
            hint="Give as many points as radii, at least one.",
            field="points",
        )
    if radii[0] <= 0 or not all(math.isfinite(radius) for radius in radii) or any(a >= b for a, b in pairwise(radii)):
        raise UsageError(
            "the radii do not ascend from above 0", hint="Give the innermost ring first, each wider than the one before.",
            field="radii",
        )  # fmt: skip
    if points[-1] < 0 or any(a <= b for a, b in pairwise(points)):
        raise UsageError(
            "the points do not descend to 0 or more", hint="Give the innermost ring first, each worth less than the one before.",
            field="points",
        )  # fmt: skip
    if x_radius is not None and not 0 < x_radius <= radii[0]:
        raise UsageError(
            "the X ring is not within the innermost ring", hint="Give an x_radius up to the first radius, or null.",
            field="x_radius",
        )  # fmt: skip
