"""The catalogue of faces: ring tables by code and version. Every version stays in it: sessions have stored its number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class PlacedFace:
    """One spot with its centre on the butt, millimetres."""

    human_identifier: str
    x_mm: float
    y_mm: float
    radii_mm: tuple[float, ...]
    points: tuple[int, ...]
    x_radius_mm: float | None


@dataclass(frozen=True, slots=True)
class FaceSpec:
    """A face of the catalogue. Radii are the outer edges of the lines, millimetres, ascending."""

    code: str
    version: int
    name: str
    spots: tuple[tuple[float, float], ...]
    radii_mm: tuple[float, ...]
    points: tuple[int, ...]
    x_radius_mm: float | None

    @property
    def outer_mm(self) -> float:
        """Largest distance of the face's edge from its own centre, along x or y."""
        return max(self.reach_mm)

    @property
    def reach_mm(self) -> tuple[float, float]:
        """Largest distance of the face's edge from its own centre along x and along y."""
        outer = self.radii_mm[-1]
        return max(abs(x) for x, _ in self.spots) + outer, max(abs(y) for _, y in self.spots) + outer

    def placed(self, x_mm: float, y_mm: float) -> list[PlacedFace]:
        """The spots of the face when its centre is placed at a point of the butt; named A, B, C from the top."""
        return [
            PlacedFace(chr(ord("A") + i), x_mm + dx, y_mm + dy, self.radii_mm, self.points, self.x_radius_mm)
            for i, (dx, dy) in enumerate(self.spots)
        ]

    def centre_of(self, places: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """The centre of the face on a butt, from the places of its spots in their order."""
        offsets = [(x - dx, y - dy) for (x, y), (dx, dy) in zip(places, self.spots, strict=True)]
        return sum(x for x, _ in offsets) / len(offsets), sum(y for _, y in offsets) / len(offsets)


@cache
def load_all_faces() -> Mapping[tuple[str, int], FaceSpec]:
    """Load every version of every face, by code and version."""
    rows = json.loads(resources.files("edge.shots").joinpath("faces.json").read_text(encoding="utf-8"))
    return {
        (row["code"], row["version"]): FaceSpec(
            row["code"], row["version"], row["name"], tuple((x, y) for x, y in row["spots"]), tuple(row["radii_mm"]),
            tuple(row["points"]), row["x_radius_mm"],
        )
        for row in rows
    }  # fmt: skip


@cache
def load_catalogue() -> Mapping[str, FaceSpec]:
    """Load the newest version of every face, by its code."""
    faces = load_all_faces()
    newest: dict[str, int] = {}
    for code, version in faces:
        newest[code] = max(version, newest.get(code, version))
    return {code: faces[code, version] for code, version in newest.items()}
