"""One line a shot, for people or for programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from edge.common.console import as_json

SHOT_KEYS = (
    "id", "lane", "end_number", "arrow_id", "human_identifier", "arrow_engage_time", "arrow_disengage_time",
    "arrow_landing_time", "x", "y", "result", "points", "is_x", "tof_s", "speed_mps", "revision",
)  # fmt: skip


LIST_KEYS = (
    *SHOT_KEYS, "session_id", "arrow_tag", "face", "line_margin_mm", "line_call", "assignment", "time_source", "flags",
    "void_reason",
)  # fmt: skip


ODD = {"not_shot": "let down", "unknown": "nobody can say", "pending": "not decided", "void": "taken back"}
"""What stands behind a value that is none."""


def json_line(kind: str, shot: Mapping[str, object]) -> str:
    """The shot as the feed tells it, under the key ``event``: ``shot`` when first decided, ``revision`` after that."""
    return as_json({"event": kind, **{key: shot.get(key) for key in SHOT_KEYS}})


def text_line(kind: str, shot: Mapping[str, object]) -> str:
    """For the terminal: when, which arrow, worth how much, how fast, where."""
    when = str(shot.get("arrow_disengage_time") or shot.get("arrow_landing_time") or "")[11:19]
    name = shot.get("human_identifier") or str(shot.get("arrow_tag") or "?")[:8]
    words = [when, f"lane {shot['lane']}", f"{name:>4}", f"{value(shot):>3}"]
    if shot.get("x") is not None:
        words.append(f"at {shot['x']:7.1f} {shot['y']:7.1f} mm")
    if shot.get("speed_mps") is not None:
        words.append(f"{shot['tof_s']:.3f} s  {shot['speed_mps']:.1f} m/s")
    if shot["result"] in ODD:
        words.append(f"({ODD[str(shot['result'])]})")
    if kind == "revision":
        words.append("(corrected)")
    return "  ".join(words)


def value(shot: Mapping[str, object]) -> str:
    """What an archer calls it: X, 10 .. 1, M; ``-`` for an arrow let down, ``?`` where it is not known."""
    result = shot["result"]
    if result in ("miss", "off_face", "off_view"):
        return "M"
    if result == "hit":
        return "X" if shot.get("is_x") else str(shot.get("points") if shot.get("points") is not None else "•")
    return {"not_shot": "-", "void": "void"}.get(str(result), "?")


def shot_facts(shot: Mapping[str, object]) -> dict[str, object]:
    """A row of ``shots`` for programs."""
    return {key: shot[key] for key in LIST_KEYS}


def list_line(shot: Mapping[str, object]) -> str:
    """A row of ``shots`` for people: the beginning of its id, when, where, which arrow, worth how much, and why it is odd."""
    when = shot["arrow_disengage_time"] or shot["arrow_landing_time"]
    clock = f"{when:%Y-%m-%d %H:%M:%S}" if isinstance(when, datetime) else "?"
    end = "-" if shot["end_number"] is None else shot["end_number"]
    name = shot["human_identifier"] or str(shot["arrow_tag"] or "?")[:8]
    flags = shot["flags"] if isinstance(shot["flags"], list) else []
    notes = [*flags, *([f"voided: {shot['void_reason']}"] if shot["void_reason"] else [])]
    words = [str(shot["id"])[:8], clock, f"lane {shot['lane']}", f"end {end}", f"{name:>8}", f"{value(shot):>4}"]
    return "  ".join([*words, f"{shot['result']:<8}", ", ".join(notes)]).rstrip()
