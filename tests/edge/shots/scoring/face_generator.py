"""Generates the face catalogue from archeryutils' ring tables: ``python -m tests.edge.shots.scoring.face_generator``.

It writes ``edge/shots/faces.json`` and the table in ``docs/faces.md``. A definition that changes gets a row with the next
version, and the old row stays: sessions have stored its code and version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from archeryutils import Target  # type: ignore[import-untyped]

import edge.shots

PATH = Path(edge.shots.__file__).with_name("faces.json")
DOCS = Path(edge.shots.__file__).parents[2] / "docs" / "faces.md"
BEGIN, END = "<!-- begin of the generated table -->\n", "<!-- end of the generated table -->\n"
X_POINTS = 11
"""Value of the X in archeryutils' tables that have one."""

Spots = tuple[tuple[float, float], ...]
SINGLE: Spots = ((0.0, 0.0),)
# Spot centres of triple faces: 220 mm apart on 40 cm, 320 mm on 60 cm (FFTA II.2.B.2.1.1, after WA Book 2).
VERTICAL_40: Spots = ((0.0, 220.0), (0.0, 0.0), (0.0, -220.0))
VERTICAL_60: Spots = ((0.0, 320.0), (0.0, 0.0), (0.0, -320.0))
TRIANGLE_40: Spots = ((0.0, 127.0), (-110.0, -63.5), (110.0, -63.5))
TRIANGLE_60: Spots = ((0.0, 184.8), (-160.0, -92.4), (160.0, -92.4))


class Definition(NamedTuple):
    """A face in archeryutils' words; spots are ours."""

    code: str
    name: str
    system: str
    diameter: float
    with_x: str | None = None
    """The system with the same rings whose innermost zone is the X."""
    spots: Spots = SINGLE
    unit: str = "cm"
    version: int = 1


def _sizes(code: str, name: str, system: str, *diameters: int) -> list[Definition]:
    return [Definition(f"{code}_{d}", f"{name} {d} cm", system, d) for d in diameters]


FACES = [
    Definition("wa_122", "WA 122 cm", "10_zone", 122, "11_zone"),
    Definition("wa_122_6", "WA 122 cm, zones 5 to 10", "10_zone_6_ring", 122, "11_zone_6_ring"),
    Definition("wa_80", "WA 80 cm", "10_zone", 80, "11_zone"),
    Definition("wa_80_compound", "WA 80 cm, compound", "10_zone_compound", 80),
    Definition("wa_80_6", "WA 80 cm, zones 5 to 10", "10_zone_6_ring", 80, "11_zone_6_ring"),
    Definition("wa_80_5", "WA 80 cm, zones 6 to 10", "10_zone_5_ring", 80, "11_zone_5_ring"),
    Definition("wa_60", "WA 60 cm", "10_zone", 60, "11_zone"),
    Definition("wa_60_compound", "WA 60 cm, compound", "10_zone_compound", 60),
    Definition("wa_60_triple", "WA 60 cm triple, vertical", "10_zone_5_ring", 60, "11_zone_5_ring", VERTICAL_60),
    Definition("wa_60_triple_compound", "WA 60 cm triple, compound", "10_zone_5_ring_compound", 60, spots=VERTICAL_60),
    Definition("wa_40", "WA 40 cm", "10_zone", 40, "11_zone"),
    Definition("wa_40_compound", "WA 40 cm, compound", "10_zone_compound", 40),
    Definition("wa_40_triple", "WA 40 cm triple, vertical", "10_zone_5_ring", 40, "11_zone_5_ring", VERTICAL_40),
    Definition("wa_40_triple_compound", "WA 40 cm triple, compound", "10_zone_5_ring_compound", 40, spots=VERTICAL_40),
    Definition("wa_60_triangle", "WA 60 cm triple, triangle", "10_zone_5_ring", 60, "11_zone_5_ring", TRIANGLE_60),
    Definition(
        "wa_60_triangle_compound", "WA 60 cm triangle, compound", "10_zone_5_ring_compound", 60, spots=TRIANGLE_60
    ),
    Definition("wa_40_triangle", "WA 40 cm triple, triangle", "10_zone_5_ring", 40, "11_zone_5_ring", TRIANGLE_40),
    Definition(
        "wa_40_triangle_compound", "WA 40 cm triangle, compound", "10_zone_5_ring_compound", 40, spots=TRIANGLE_40
    ),
    *_sizes("wa_field", "WA field", "WA_field", 80, 60, 40, 20),
    *_sizes("imperial", "Imperial, 5 zones,", "5_zone", 122, 80, 60, 40),
    *_sizes("ifaa_field", "IFAA and NFAA field and hunter", "IFAA_field", 65, 50, 35, 20),
    *_sizes("ifaa_expert", "IFAA and NFAA expert field", "IFAA_field_expert", 65, 50, 35, 20),
    # The rings of the indoor face are those of the Worcester face in another size.
    Definition("ifaa_indoor_40", "IFAA and NFAA indoor 40 cm", "Worcester", 40),
    Definition("ifaa_indoor_spot", "IFAA and NFAA indoor, one of five spots", "Worcester_2_ring", 40),
    *_sizes("aa_field", "Archery Australia national field", "AA_national_field", 80, 60, 40, 20),
    Definition("worcester", "Worcester 16 inch", "Worcester", 16, unit="inch"),
    Definition("worcester_spot", "Worcester, one of five centres", "Worcester_2_ring", 16, unit="inch"),
]


def rings(system: str, diameter: float, unit: str) -> dict[float, int]:
    """Radius in millimetres to points."""
    spec = Target(system, (diameter, unit), (18, "m")).face_spec
    return {round(diameter_m * 500, 3): int(points) for diameter_m, points in spec.items()}


def definitions() -> Iterator[dict[str, object]]:
    """The rows of the catalogue."""
    for face in FACES:
        zones = sorted(rings(face.system, face.diameter, face.unit).items())
        # The X is the zone of 11 in the tables that have one; a compound's small 10 has no X inside.
        valued = rings(face.with_x, face.diameter, face.unit) if face.with_x else {}
        yield {
            "code": face.code,
            "version": face.version,
            "name": face.name,
            "spots": face.spots,
            "radii_mm": [radius for radius, _ in zones],
            "points": [points for _, points in zones],
            "x_radius_mm": next((radius for radius, points in valued.items() if points == X_POINTS), None),
        }


def generate() -> str:
    """The text of the catalogue."""
    return "[\n" + ",\n".join(json.dumps(row) for row in definitions()) + "\n]\n"


def documented() -> str:
    """The text of ``docs/faces.md`` with the present table."""
    rows = [
        "| Code | Face | Spots | Values | Outer edge, mm | X within, mm |",
        "|---|---|---|---|---|---|",
    ]
    for row in json.loads(generate()):
        within = row["x_radius_mm"]
        values = ", ".join(map(str, row["points"]))
        rows.append(
            f"| `{row['code']}` | {row['name']} | {len(row['spots'])} | {values} | {row['radii_mm'][-1]:g} | {f'{within:g}' if within else '-'} |"
        )
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + "\n" + "\n".join(rows) + "\n\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    PATH.write_text(generate(), encoding="utf-8")
    DOCS.write_text(documented(), encoding="utf-8")
