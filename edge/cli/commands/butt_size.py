"""How large a butt is, for the face that goes into its middle."""

from __future__ import annotations

from edge.common.config.errors import CommandError
from edge.shots.faces import FaceSpec

USUAL_MM = 1240.0
MARGIN_MM = 30.0
"""Left around a face that is larger than the usual butt."""


def butt_for(face: FaceSpec, width_mm: float | None, height_mm: float | None) -> tuple[float, float]:
    """Width and height in millimetres: as asked for, else room enough. Raises Refused when the face does not fit on it."""
    across = 2 * face.radii_mm[-1] + 2 * max(abs(x) for x, _ in face.spots)
    along = 2 * face.radii_mm[-1] + 2 * max(abs(y) for _, y in face.spots)
    for option, asked, least in (("--butt-width", width_mm, across), ("--butt-height", height_mm, along)):
        if asked is not None and asked < least:
            raise CommandError(
                f"{option} {asked:g} is too small: a {face.code} needs at least {least:g} mm",
                hint="Give the butt's real size, or leave the option out",
            )
    roomy = max(USUAL_MM, 2 * (face.outer_mm + MARGIN_MM))
    return width_mm or roomy, height_mm or roomy
