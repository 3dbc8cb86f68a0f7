"""Faces on a butt: where ``session open`` puts them, wholly on it and apart from one another. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from edge.common.advice import USUAL_BUTT_MM
from edge.common.config.errors import CommandError, UsageError
from edge.common.text import nearest
from edge.shots.faces import FaceSpec, load_catalogue

FACE_MARGIN_MM = 30.0
"""Room left around a face that is larger than the usual butt."""
GAP_MM = 20.0
"""Least gap between the zones of two faces that are laid out: 2 cm, as for the special layouts (FFTA B.2.2)."""
MOST_SPOTS = 9
"""Most faces that share a name."""
SYNTAX = "[NAME=]CODE[@X,Y]"
_REQUEST = re.compile(r"(?:(?P<name>[^=@]*)=)?(?P<code>[^=@]*)(?:@(?P<x>[^,@]*),(?P<y>[^,@]*))?")
_NAME = re.compile(r"\w[\w-]{0,19}")


@dataclass(frozen=True, slots=True)
class FacePlace:
    """One face (or one spot of a multiple face) on the butt."""

    human_identifier: str
    code: str
    version: int
    x_mm: float
    y_mm: float
    radii_mm: tuple[float, ...]
    points: tuple[int, ...]
    x_radius_mm: float | None
    name: str = "1"
    """Name of the whole face."""


@dataclass(frozen=True, slots=True)
class FaceRequest:
    """One face as it was asked for."""

    code: str
    name: str | None = None
    centre: tuple[float, float] | None = None
    """Millimetres from the lower left of the butt; None for a computed place."""


def parse_face(text: str) -> FaceRequest:
    """The face that a text like ``left=wa_40@320,620`` asks for. Raises UsageError."""
    found = _REQUEST.fullmatch(text)
    if found is None or (found["name"] is not None and not _NAME.fullmatch(found["name"])):
        raise UsageError(
            f"'{text}' is not a face",
            hint=f"Write it like {SYNTAX}: wa_40, left=wa_40 or left=wa_40@320,620; a name has letters, digits, _ and -.",
        )
    face_spec(found["code"])
    if found["x"] is None:
        return FaceRequest(found["code"], found["name"])
    try:
        centre = float(found["x"]), float(found["y"])
    except ValueError:
        centre = math.nan, math.nan
    if not all(map(math.isfinite, centre)):
        raise UsageError(
            f"'{text}' has no place on the butt",
            hint="Write the centre in millimetres from the lower left, like wa_40@320,620.",
        )
    return FaceRequest(found["code"], found["name"], centre)


def faces_on_butt(
    requests: Sequence[FaceRequest], width_mm: float | None = None, height_mm: float | None = None
) -> tuple[float, float, list[FacePlace]]:
    """Width and height of the butt, and every spot of the faces on it, millimetres.

    One face without a place is in the middle; several are spread evenly. Faces of one name are the spots of one. A side that is
    None has the usual size, or a single face's with a margin where that is more. Raises UsageError for an unknown face, a name given twice or places for some
    faces only, CommandError for a butt that is too small and for faces that overlap.
    """
    specs = [face_spec(request.code) for request in requests]
    names = _names(requests, specs)
    width, height = _butt_for(specs, width_mm, height_mm)
    if any(request.centre is not None for request in requests):
        centres = _given(requests, specs, names, width, height)
    else:
        centres = _spread([spec.reach_mm for spec in specs], width, height)
    is_plain = len(requests) == 1 and requests[0].name is None
    wanted = Counter(names)
    numbers: Counter[str] = Counter()
    places: list[FacePlace] = []
    for spec, name, centre in zip(specs, names, centres, strict=True):
        numbers[name] += 1
        for spot in spec.placed(*centre):
            if is_plain:
                called = spot.human_identifier
            elif wanted[name] > 1:
                called = f"{name} {numbers[name]}"
            else:
                called = f"{name} {spot.human_identifier}" if len(spec.spots) > 1 else name
            place = spot.x_mm, spot.y_mm, spot.radii_mm, spot.points, spot.x_radius_mm
            places.append(FacePlace(called, spec.code, spec.version, *place, name))
    return width, height, places


def face_spec(code: str) -> FaceSpec:
    """The newest version of a face of the catalogue. Raises UsageError when there is no such code."""
    catalogue = load_catalogue()
    if code not in catalogue:
        near = nearest(code, catalogue)
        raise UsageError(
            f"there is no face '{code}'",
            hint=(f"Did you mean {near}? " if near else "") + "See all of them with `archstats-sensor faces list`.",
        )
    return catalogue[code]


def _names(requests: Sequence[FaceRequest], specs: Sequence[FaceSpec]) -> list[str]:
    """The names of the faces: their numbers where none is given.

    Faces of one code and one spot may share a name: together they are one multiple face.
    """
    names = [request.name or str(number) for number, request in enumerate(requests, start=1)]
    for name, count in Counter(names).items():
        alike = [one for one, called in zip(zip(requests, specs, strict=True), names, strict=True) if called == name]
        codes, spots = {request.code for request, _ in alike}, max(len(spec.spots) for _, spec in alike)
        if count > 1 and (len(codes) > 1 or spots > 1 or any(request.name is None for request, _ in alike)):
            raise UsageError(
                f"two faces are named {name}",
                hint="Give each face another name. Only faces of one spot and one code may share it: they are one face then.",
            )
        if count > MOST_SPOTS:
            raise UsageError(
                f"{count} faces are named {name}",
                hint=f"A face has {MOST_SPOTS} spots at most; give others another name.",
            )
    return names


def _butt_for(specs: Sequence[FaceSpec], width_mm: float | None, height_mm: float | None) -> tuple[float, float]:
    for spec in specs:
        across, along = spec.reach_mm
        for side, given, least in (("width", width_mm, 2 * across), ("height", height_mm, 2 * along)):
            if given is not None and given < least:
                raise CommandError(
                    f"a butt {side} of {given:g} mm is too small: a {spec.code} needs at least {least:g} mm",
                    hint="Give the butt's real size, or leave it out.",
                )
    roomy = max([USUAL_BUTT_MM, *(2 * (spec.outer_mm + FACE_MARGIN_MM) for spec in specs)])
    return width_mm or roomy, height_mm or roomy


def _given(
    requests: Sequence[FaceRequest], specs: Sequence[FaceSpec], names: Sequence[str], width: float, height: float
) -> list[tuple[float, float]]:
    """The places that were given, if every face has one that is wholly on the butt and overlaps no other."""
    centres = [request.centre for request in requests if request.centre is not None]
    if len(centres) < len(requests):
        without = next(name for name, request in zip(names, requests, strict=True) if request.centre is None)
        raise UsageError(f"face {without} has no place", hint="Give @X,Y to every face, or to none.")
    for name, spec, (x, y) in zip(names, specs, centres, strict=True):
        across, along = spec.reach_mm
        if not (across <= x <= width - across and along <= y <= height - along):
            raise CommandError(
                f"face {name} does not lie wholly on the butt of {width:g} by {height:g} mm",
                hint=f"Its centre has room from {across:g} to {width - across:g} mm across, from {along:g} to "
                f"{height - along:g} mm up.",
            )
    placed = [(name, spec.placed(*centre)) for name, spec, centre in zip(names, specs, centres, strict=True)]
    for (one, spots), (other, others) in combinations(placed, 2):
        if any(
            math.dist((a.x_mm, a.y_mm), (b.x_mm, b.y_mm)) < a.radii_mm[-1] + b.radii_mm[-1]
            for a in spots
            for b in others
        ):
            raise CommandError(f"faces {one} and {other} overlap", hint="Give them other places.")
    return centres


def _spread(reaches: Sequence[tuple[float, float]], width: float, height: float) -> list[tuple[float, float]]:
    """The centres of faces in rows from the top, with the widest gaps that the butt allows; of equals with fewer rows."""
    layouts = [_rows_of(reaches, columns, width, height) for columns in range(len(reaches), 0, -1)]
    fitting = [layout for layout in layouts if layout is not None]
    if not fitting:
        raise CommandError(
            f"these {len(reaches)} faces do not fit on a butt of {width:g} by {height:g} mm with gaps of {GAP_MM:g} mm",
            hint="Give the butt's real width and height, or open the session with fewer faces.",
        )
    _, centres = max(fitting, key=lambda layout: layout[0])
    return centres


def _rows_of(
    reaches: Sequence[tuple[float, float]], columns: int, width: float, height: float
) -> tuple[float, list[tuple[float, float]]] | None:
    """The least gap and the centres of faces in rows of so many; None when they do not fit."""
    rows = [reaches[i : i + columns] for i in range(0, len(reaches), columns)]
    heights = [2 * max(along for _, along in row) for row in rows]
    gap_y = _gap(heights, height)
    gaps_x = [_gap([2 * across for across, _ in row], width) for row in rows]
    if gap_y is None or None in gaps_x:
        return None
    centres: list[tuple[float, float]] = []
    upwards = _middles(heights, gap_y, height)
    for row, gap_x, y in zip(rows, gaps_x, upwards, strict=True):
        lengths = [2 * across for across, _ in row]
        centres += [(x, height - y) for x in _middles(lengths, gap_x or 0.0, width)]
    used = [gap for gap, row in zip(gaps_x, rows, strict=True) if gap is not None and len(row) > 1]
    return min([*used, *([gap_y] if len(rows) > 1 else []), math.inf]), centres


def _gap(lengths: Sequence[float], room: float) -> float | None:
    """The gap between lengths in a row: as wide as the margins, but not less than the least; None when they do not fit."""
    even = max(GAP_MM, (room - sum(lengths)) / (len(lengths) + 1))
    return None if sum(lengths) + GAP_MM * (len(lengths) - 1) > room else even


def _middles(lengths: Iterable[float], gap: float, room: float) -> list[float]:
    """The middles of lengths in a row, the row in the middle of the room."""
    sizes = list(lengths)
    at = (room - sum(sizes) - gap * (len(sizes) - 1)) / 2
    middles: list[float] = []
    for size in sizes:
        middles.append(at + size / 2)
        at += size + gap
    return middles
