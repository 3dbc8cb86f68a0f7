"""The points of a target's calibration: from a face of the catalogue, or from a list of known places. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from edge.common.config.errors import UsageError
from edge.common.frames import ButtPoint, SensorPoint
from edge.common.text import clean, nearest
from edge.common.vocabulary import ReadingKind
from edge.shots.faces import FaceSpec, load_catalogue
from edge.statistics.alignment import largest_sigma_mm

CLOCK = (("12 o'clock", 0.0, 1.0), ("3 o'clock", 1.0, 0.0), ("6 o'clock", 0.0, -1.0), ("9 o'clock", -1.0, 0.0))
"""The points of a ring, with their directions."""
LONGEST_MM = 100_000.0
"""Bound of all places: a hundred metres."""


@dataclass(frozen=True, slots=True)
class PlannedPoint:
    """A place where a pin is pressed, or an arrow is put in."""

    name: str
    """Names the point in commands and reports."""
    place: ButtPoint
    text: str
    """The place in words; empty for a place of a file."""
    sensed: SensorPoint | None = None
    """The position that the sensor reported, where the operator gives it: no reading is awaited then."""


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """The points to take, in their order."""

    points: tuple[PlannedPoint, ...]
    kind: ReadingKind
    """PIN, or LANDING for arrows."""
    face_code: str | None = None
    at: ButtPoint | None = None
    """Centre of the face on the butt."""
    butt_mm: tuple[float, float] | None = None
    """Width and height of the butt whose lower left corner the places count from; None where they are not known."""

    @property
    def largest_sigma_mm(self) -> float:
        """The largest sigma that is accepted."""
        face = load_catalogue().get(self.face_code or "")
        return largest_sigma_mm(face.radii_mm if face else ())

    @property
    def closest_mm(self) -> float:
        """The distance of the two points that lie closest together."""
        places = [point.place for point in self.points]
        return min((one.distance_to(other) for one, other in combinations(places, 2)), default=math.inf)

    def point(self, name: str) -> PlannedPoint:
        """The point of a name. Raises UsageError when there is none."""
        for point in self.points:
            if point.name == name:
                return point
        raise UsageError(
            f"there is no point '{name}'", hint=f"The points are: {', '.join(point.name for point in self.points)}."
        )

    def to_json(self) -> dict[str, object]:
        """The plan as it is stored with the run."""
        return {
            "kind": self.kind.value,
            "face_code": self.face_code,
            "at": None if self.at is None else [self.at.x, self.at.y],
            "butt_mm": None if self.butt_mm is None else list(self.butt_mm),
            "points": [
                {
                    "name": point.name,
                    "x_mm": point.place.x,
                    "y_mm": point.place.y,
                    "text": point.text,
                    "sensed_x_mm": None if point.sensed is None else point.sensed.x,
                    "sensed_y_mm": None if point.sensed is None else point.sensed.y,
                }
                for point in self.points
            ],
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, object]) -> TargetPlan:
        """The plan of a stored run. Raises KeyError, TypeError or ValueError for one that is not from here."""
        points, at, butt = stored["points"], stored["at"], stored.get("butt_mm")
        if not isinstance(points, Sequence):
            raise TypeError("points are no list")
        return cls(
            tuple(
                PlannedPoint(
                    str(point["name"]),
                    ButtPoint(float(point["x_mm"]), float(point["y_mm"])),
                    str(point["text"]),
                    None
                    if point["sensed_x_mm"] is None
                    else SensorPoint(float(point["sensed_x_mm"]), float(point["sensed_y_mm"])),
                )
                for point in points
            ),
            ReadingKind(str(stored["kind"])),
            None if stored["face_code"] is None else str(stored["face_code"]),
            ButtPoint(float(at[0]), float(at[1])) if isinstance(at, Sequence) else None,
            (float(butt[0]), float(butt[1])) if isinstance(butt, Sequence) else None,
        )


def face_of(code: str) -> FaceSpec:
    """The face of a code. Raises UsageError for an unknown one."""
    catalogue = load_catalogue()
    if code not in catalogue:
        near = nearest(code, catalogue)
        meant = f"Did you mean {near}? " if near else ""
        raise UsageError(
            f"there is no face '{clean(code, 40)}'", hint=f"{meant}See all of them with `archstats-sensor faces list`."
        )
    return catalogue[code]


def points_of_face(face: FaceSpec, at: ButtPoint, ring: int | None = None) -> tuple[PlannedPoint, ...]:
    """The centre of a face and four points of a ring; of a face with several spots their centres, and two points beside them.

    ``ring`` is the value of the ring, the outermost one by default. Raises UsageError when the face has no such ring.
    """
    value = face.points[-1] if ring is None else ring
    if value not in face.points:
        raise UsageError(
            f"face {face.code} has no ring {value}",
            hint=f"Its rings are {', '.join(str(points) for points in face.points)}.",
        )
    radius = face.radii_mm[face.points.index(value)]
    spots = face.placed(at.x, at.y)
    if len(spots) == 1:
        centres = [PlannedPoint("centre", at, "centre of the face, where the lines of its cross meet")]
        return tuple(centres + _ring_points(at, radius, value, CLOCK))
    centres = [
        PlannedPoint(
            f"centre {spot.human_identifier}",
            ButtPoint(spot.x_mm, spot.y_mm),
            f"centre of spot {spot.human_identifier}",
        )
        for spot in spots
    ]
    middle = min(centres, key=lambda point: point.place.distance_to(at))
    width = max(point.place.x for point in centres) - min(point.place.x for point in centres)
    height = max(point.place.y for point in centres) - min(point.place.y for point in centres)
    if width and height:
        return tuple(
            centres + _ring_points(middle.place, radius, value, CLOCK, f" of {middle.text.removeprefix('centre of ')}")
        )
    beside = (CLOCK[1], CLOCK[3]) if height else (CLOCK[0], CLOCK[2])
    return tuple(
        centres + _ring_points(middle.place, radius, value, beside, f" of {middle.text.removeprefix('centre of ')}")
    )


def _ring_points(
    centre: ButtPoint, radius: float, value: int, directions: Sequence[tuple[str, float, float]], of: str = ""
) -> list[PlannedPoint]:
    return [
        PlannedPoint(
            name,
            ButtPoint(centre.x + radius * x, centre.y + radius * y),
            f"outer edge of the line of ring {value}{of}, at {name}",
        )
        for name, x, y in directions
    ]
