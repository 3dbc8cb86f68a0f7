"""An explained shot in words, a line for each thing that it rests on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edge.common.console import iso
from edge.operator.shot_format import value
from edge.shots.assembly.explain import Candidate, Explanation, Flight, Ring, Watching
from edge.shots.assembly.model import TimedReading

TOLD_LATE_S = 1.0
"""From here on it is worth a word that the hub heard of a reading only later."""


def why_lines(
    row: Mapping[str, object], explained: Explanation, history: Sequence[Mapping[str, object]]
) -> Iterator[str]:
    """``row`` is the shot as the table has it, ``history`` what persons said of it."""
    shot = explained.shot
    end = "no end" if shot.end_number is None else f"end {shot.end_number}"
    yield f"shot {shot.id}: lane {row['lane']}, {end}, {value(row)} ({shot.result}), revision {row['revision']}"
    name = row["human_identifier"] or ("not registered" if shot.arrow_tag else "not read")
    yield _line("arrow", f"{name}, tag {shot.arrow_tag or '-'}, known by {shot.assignment or 'the bow alone'}")
    for role, reading in (("engage", explained.engage), ("release", explained.release), ("landing", explained.landing)):
        yield _line(role, "none" if reading is None else _reading(reading))
    if explained.flight is not None:
        yield _line("flight", _flight(explained.flight))
    if shot.speed_mps is not None:
        yield _line("speed", f"{shot.speed_mps:.1f} m/s")
    for candidate in explained.candidates:
        yield _line("candidate", _candidate(candidate))
    first = explained.release or explained.landing
    for watching in explained.watching:
        yield _line("watched", _watching(watching, first.t if first else 0.0))
    if explained.ring is not None:
        yield _line("ring", _ring(explained.ring, row))
    if shot.line_margin_mm is not None:
        call = "a person decides" if shot.line_call else "the sensor decides"
        band = f", {explained.ring.band_mm:g} mm is too near" if explained.ring else ""
        yield _line("margin", f"{shot.line_margin_mm:+.2f} mm to the nearest line{band}: {call}")
    yield _line("flags", ", ".join(shot.flags) or "none")
    for said in history:
        yield _line("corrected", _correction(said))
    yield _line("rules", f"version {shot.rule_version}, face version {shot.face_version or '-'}")


def orphan_lines(orphan: str, candidates: Sequence[Candidate]) -> Iterator[str]:
    """A landing that waits for a person, and the releases it might belong to."""
    yield orphan
    for candidate in candidates:
        yield _line("candidate", _candidate(candidate))
    if not candidates:
        yield _line("candidate", "none: no release lies near it in time")


def _line(topic: str, text: str) -> str:
    return f"  {topic:<10} {text}"


def _reading(reading: TimedReading) -> str:
    error = "undated" if reading.error_s is None else f"± {reading.error_s * 1000:.1f} ms"
    words = [iso(reading.at), error, f"{reading.key.device_id} #{reading.key.seq}", f"tag {reading.tag or '-'}"]
    if reading.x is not None and reading.y is not None:
        words.append(f"at {reading.x:.2f} {reading.y:.2f} mm")
    if reading.cause is not None:
        words.append(f"cause {reading.cause}")
    if reading.receive_delay_s >= TOLD_LATE_S:
        words.append(f"told {reading.receive_delay_s:.1f} s later")
    return "  ".join(words)


def _flight(flight: Flight) -> str:
    seen = "nothing landed" if flight.seen_s is None else f"{flight.seen_s:.3f} s"
    return (
        f"{seen}; possible are {flight.least_s:.3f} to {flight.most_s:.3f} s, as the clocks may be "
        f"{flight.clock_error_s * 1000:.0f} ms apart; waited for {flight.landing_window_s:.1f} s"
    )


def _candidate(candidate: Candidate) -> str:
    reading = candidate.reading
    fate = (
        "chosen" if candidate.chosen else f"of shot {str(candidate.taken_by)[:8]}" if candidate.taken_by else "nobody's"
    )
    tag = "same tag" if candidate.same_tag else f"tag {reading.tag or 'not read'}"
    possible = "possible" if candidate.possible else "impossible"
    return f"{reading.kind} {reading.key.device_id} #{reading.key.seq}: {candidate.flight_s:+.3f} s, {possible}, {tag}, {fate}"


def _watching(watching: Watching, zero: float) -> str:
    window = f"from {watching.since - zero:+.1f} to {watching.until - zero:+.1f} s"
    if watching.is_complete:
        return f"{watching.device_id} saw everything {window}"
    if watching.blind:
        gaps = ", ".join(f"{gap.since - zero:+.2f} to {gap.until - zero:+.2f} s" for gap in watching.blind)
        return f"{watching.device_id} was blind {gaps}; needed {window}"
    told = "never told anything" if watching.watermark is None else f"told up to {watching.watermark - zero:+.1f} s"
    return f"{watching.device_id} {told}; needed {window}"


def _ring(ring: Ring, row: Mapping[str, object]) -> str:
    zone = "beside the face" if ring.zone_mm is None else f"within {ring.zone_mm:g} mm"
    higher = "" if ring.higher_mm is None else f", not within {ring.higher_mm:g} mm"
    return (
        f"{ring.from_centre_mm:.2f} mm from the centre of face {row['face'] or '-'}; the {ring.shaft_mm:g} mm shaft reaches in "
        f"to {ring.edge_mm:.2f} mm: {zone}{higher}"
    )


def _correction(said: Mapping[str, object]) -> str:
    return f"{said['at']:%Y-%m-%d %H:%M:%S}  {said['who']}: {said['kind']}{_change(said)}, for: {said['reason']}"


def _change(said: Mapping[str, object]) -> str:
    old, new = said["old"], said["new"]
    if said["kind"] != "result" or not isinstance(old, dict) or not isinstance(new, dict):
        return ""
    return f" {value(old)} ({old['result']}) -> {value(new)} ({new['result']})"
