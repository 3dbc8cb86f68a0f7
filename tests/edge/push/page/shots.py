"""Shots as the hub sends them, for tests of the page's pure modules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
FACE = {
    "id": "A", "human_identifier": "A", "x": 640.0, "y": 640.0, "x_radius": 30.5,
    "radii": [61.0 * ring for ring in range(1, 11)], "points": list(range(10, 0, -1)),
}  # fmt: skip


def shot(
    number: int, points: int | None = 10, *, dx: float | None = 0.0, dy: float = 0.0, **more: Any
) -> dict[str, Any]:
    """Return shot ``number`` of a session, ``dx`` and ``dy`` mm off the middle of the face; not landed if ``dx`` is None."""
    at = (START + timedelta(seconds=30 * number)).isoformat()
    return {
        "id": f"shot-{number:03}", "session_id": "S", "result": "hit", "points": points, "is_x": False, "end_number": 1,
        "x": None if dx is None else 640.0 + dx, "y": None if dx is None else 640.0 + dy, "face_id": "A", "flags": [],
        "arrow_id": None, "arrow_tag": None, "human_identifier": None, "arrow_engage_time": None,
        "arrow_disengage_time": at, "arrow_landing_time": at, "created_at": at, "revision": 1, "previous_value": None,
        "corrected_at": None, "line_margin_mm": None, "line_call": False, "diameter_mm": 6.0, "diameter_assumed": False,
        "assignment": "id", "tof_s": None, "speed_mps": None, "launch_mps": None, "landing_device_id": "target-1", "landing_stream_id": "T",
        "landing_seq": number, "void_reason": None,
    } | more  # fmt: skip
