"""Generates ``edge/shots/faces.json`` from archeryutils' ring tables: ``python -m tests.edge.shots.face_generator``."""

from __future__ import annotations

import json
from pathlib import Path

from archeryutils import Target  # type: ignore[import-untyped]

import edge.shots

PATH = Path(edge.shots.__file__).with_name("faces.json")
VERSION = 1
SINGLE = [(0.0, 0.0)]
# Spot centres of vertical triple faces: 220 mm apart on 40 cm, 320 mm on 60 cm (FFTA II.2.B.2.1.1, after WA Book 2).
VERTICAL_40 = [(0.0, 220.0), (0.0, 0.0), (0.0, -220.0)]
VERTICAL_60 = [(0.0, 320.0), (0.0, 0.0), (0.0, -320.0)]

FACES = [
    ("wa_122", "WA 122 cm", "10_zone", "11_zone", 122, SINGLE),
    ("wa_80", "WA 80 cm", "10_zone", "11_zone", 80, SINGLE),
    ("wa_80_6", "WA 80 cm, zones 5 to 10", "10_zone_6_ring", "11_zone_6_ring", 80, SINGLE),
    ("wa_80_5", "WA 80 cm, zones 6 to 10", "10_zone_5_ring", "11_zone_5_ring", 80, SINGLE),
    ("wa_60", "WA 60 cm", "10_zone", "11_zone", 60, SINGLE),
    ("wa_60_triple", "WA 60 cm triple, vertical", "10_zone_5_ring", "11_zone_5_ring", 60, VERTICAL_60),
    ("wa_60_triple_compound", "WA 60 cm triple, compound", "10_zone_5_ring_compound", None, 60, VERTICAL_60),
    ("wa_40", "WA 40 cm", "10_zone", "11_zone", 40, SINGLE),
    ("wa_40_compound", "WA 40 cm, compound", "10_zone_compound", None, 40, SINGLE),
    ("wa_40_triple", "WA 40 cm triple, vertical", "10_zone_5_ring", "11_zone_5_ring", 40, VERTICAL_40),
    ("wa_40_triple_compound", "WA 40 cm triple, compound", "10_zone_5_ring_compound", None, 40, VERTICAL_40),
]


def rings(system: str, diameter_cm: int) -> dict[float, int]:
    """Radius in millimetres to points."""
    spec = Target(system, (diameter_cm, "cm"), (18, "m")).face_spec
    return {round(diameter_m * 500, 3): int(points) for diameter_m, points in spec.items()}


def generate() -> str:
    """The text of the catalogue."""
    rows = []
    for code, name, system, with_x, diameter_cm, spots in FACES:
        zones = sorted(rings(system, diameter_cm).items())
        # On the tables that value the X at 11 the X is the zone of 11; a compound's small 10 has no X inside.
        x_radius = next((r for r, p in rings(with_x, diameter_cm).items() if p == 11), None) if with_x else None
        rows.append(
            {
                "code": code,
                "version": VERSION,
                "name": name,
                "spots": spots,
                "radii_mm": [radius for radius, _ in zones],
                "points": [points for _, points in zones],
                "x_radius_mm": x_radius,
            }
        )
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


if __name__ == "__main__":
    PATH.write_text(generate(), encoding="utf-8")
