"""Format a shot as one line, for people or for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime

from edge.common.console import as_json, local
from edge.common.vocabulary import Result
from edge.operator.shots import ShotSummary

SHOT_KEYS = (
    "id", "lane", "end_number", "arrow_id", "human_identifier", "arrow_engage_time", "arrow_disengage_time",
    "arrow_landing_time", "x", "y", "result", "points", "is_x", "tof_s", "speed_mps", "launch_mps",
    "revision",
)  # fmt: skip
"""Keys of a shot in a line of the simulated range."""
_INSTANTS = ("arrow_engage_time", "arrow_disengage_time", "arrow_landing_time")

LIST_KEYS = (
    *SHOT_KEYS, "session_id", "arrow_tag", "face", "slot", "line_margin_mm", "line_call", "diameter_mm", "diameter_assumed", "rule_set", "rule_set_version", "assignment", "time_source", "flags",
    "void_reason",
)  # fmt: skip
"""Keys of a shot in ``shots list --json``."""

EXPLAINED = {
    Result.NOT_SHOT: "let down",
    Result.UNKNOWN: "cannot be decided",
    Result.PENDING: "not decided",
    Result.VOID: "taken back",
}
"""Explanation printed behind a result that has no score."""


def json_line(kind: str, shot: Mapping[str, object]) -> str:
    """A shot as the feed reports it, under the key ``event``: ``shot`` when first decided, ``revision`` after that."""
    instants = {key: _instant(shot, key) for key in _INSTANTS}
    return as_json({"event": kind, **{key: shot.get(key) for key in SHOT_KEYS}, **instants})


def text_line(kind: str, shot: Mapping[str, object]) -> str:
    """A shot as the feed reports it, for the terminal: time, arrow, score, speed and place."""
    at = _instant(shot, "arrow_disengage_time") or _instant(shot, "arrow_landing_time")
    when = "?" if at is None else local(at, "%H:%M:%S")
    name = shot.get("human_identifier") or str(shot.get("arrow_tag") or "?")[:8]
    words = [when, f"lane {shot['lane']}", f"{name:>4}", f"{score_of(shot):>3}"]
    if shot.get("x") is not None:
        words.append(f"at {shot['x']:7.1f} {shot['y']:7.1f} mm")
    if shot.get("speed_mps") is not None:
        words.append(f"{shot['tof_s']:.3f} s  {shot['speed_mps']:.1f} m/s")
    elif shot.get("launch_mps") is not None:
        words.append(f"{shot['launch_mps']:.1f} m/s at the bow")
    result = Result(str(shot["result"]))
    if result in EXPLAINED:
        words.append(f"({EXPLAINED[result]})")
    if kind == "revision":
        words.append("(corrected)")
    return "  ".join(words)


def _instant(shot: Mapping[str, object], key: str) -> datetime | None:
    """An instant of a shot as the feed reports it, which is JSON."""
    text = shot.get(key)
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def score_of(shot: Mapping[str, object]) -> str:
    """The score as an archer calls it: X, 10 .. 1, M; ``-`` for an arrow let down, ``?`` when it is not known."""
    points, is_x = shot.get("points"), shot.get("is_x")
    return score_text(Result(str(shot["result"])), points if isinstance(points, int) else None, is_x=bool(is_x))


def score_text(result: Result, points: int | None, *, is_x: bool) -> str:
    """The same from its parts."""
    if result in (Result.MISS, Result.OFF_FACE, Result.OFF_VIEW):
        return "M"
    if result is Result.HIT:
        return "X" if is_x else str(points if points is not None else "•")
    return {Result.NOT_SHOT: "-", Result.VOID: "void"}.get(result, "?")


def shot_facts(shot: ShotSummary) -> dict[str, object]:
    """A shot for programs."""
    values = {field.name: getattr(shot, field.name) for field in fields(shot)}
    return {key: values[key] for key in LIST_KEYS}


def list_line(shot: ShotSummary) -> str:
    """A shot for people: the beginning of its id, time, lane, end, arrow, score, result and flags."""
    when = shot.arrow_disengage_time or shot.arrow_landing_time
    clock = "?" if when is None else local(when)
    end = "-" if shot.end_number is None else shot.end_number
    name = shot.human_identifier or (shot.arrow_tag or "?")[:8]
    is_assumed = shot.diameter_mm is not None and shot.diameter_assumed
    notes = [
        *shot.flags,
        *([f"{shot.diameter_mm:g} mm shaft assumed"] if is_assumed else []),
        *([f"voided: {shot.void_reason}"] if shot.void_reason else []),
    ]
    score = score_text(shot.result, shot.points, is_x=shot.is_x)
    words = [
        str(shot.id)[:8],
        clock,
        f"lane {shot.lane}",
        f"end {end}",
        *([f"slot {shot.slot}"] if shot.slot else []),
        f"{name:>8}",
        f"{score:>4}",
    ]
    return "  ".join([*words, f"{shot.result:<8}", ", ".join(notes)]).rstrip()
