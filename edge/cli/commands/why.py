"""``archstats-sensor why``: explain a shot or an orphan, one line for each piece of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

from edge.cli.commands.options import DatabaseDir, Json, Lane, ShotArgument
from edge.cli.commands.orphan import orphan_facts, orphan_line
from edge.cli.operator_connection import on_database
from edge.common.console import as_json as json_object
from edge.common.console import local, say
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CorrectionKind, Flag, Result
from edge.operator.calibration.records import Calibration
from edge.operator.corrections import RecordedCorrection
from edge.operator.explanation import ExplainedOrphan, ExplainedShot, explain_reference
from edge.operator.rescoring import basis_changes
from edge.operator.shot_format import score_of, score_text, shot_facts
from edge.shots.assembly.explain import Candidate, Explanation, Flight, Placing, Ring, Watching
from edge.shots.assembly.model import ReadingKey, TimedReading

MENTIONED_DELAY_S = 1.0
"""Receive delay from which a reading's line mentions it."""


def why_command(shot: ShotArgument, lane: Lane = None, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Explain a shot: readings, clocks, flight, ring, corrections.

    With the id of an orphan: the releases that may belong to it.
    """

    async def run(connection: Connection) -> None:
        explained = await explain_reference(connection, shot, lane)
        if as_json:
            say(json_object(_facts(explained)))
            return
        lines = orphan_lines(explained) if isinstance(explained, ExplainedOrphan) else shot_lines(explained)
        for line in lines:
            say(line)

    on_database(run, database_dir)


def shot_lines(explained: ExplainedShot) -> Iterator[str]:
    """An explained shot for people. Pure."""
    row, explanation, shot = explained.shot, explained.explanation, explained.explanation.shot
    end = "no end" if shot.end_number is None else f"end {shot.end_number}"
    score = score_text(row.result, row.points, is_x=row.is_x)
    yield f"shot {shot.id}: lane {row.lane}, {end}, {score} ({shot.result}), revision {row.revision}"
    name = row.human_identifier or ("not registered" if shot.arrow_tag else "not read")
    yield _line("arrow", f"{name}, tag {shot.arrow_tag or '-'}, known by {shot.assignment or 'the bow alone'}")
    yield from reading_lines(explanation)
    if explanation.flight is not None:
        yield _line("flight", _flight(explanation.flight))
    if shot.speed_mps is not None:
        yield _line("speed", f"{shot.speed_mps:.1f} m/s")
    if shot.launch_mps is not None:
        yield _line("at the bow", f"{shot.launch_mps:.1f} m/s, measured by the bow's device")
    yield from _candidates(explanation.candidates)
    first = explanation.release or explanation.landing
    for watching in explanation.watching:
        yield _line("watched", _watching(watching, first.t if first else 0.0))
    if explanation.placing is not None:
        yield _line("position", _placing(explanation.placing, explained.calibration))
    if explanation.ring is not None:
        is_wrong = Flag.WRONG_FACE in shot.flags
        yield _line("ring", _ring(explanation.ring, "another archer's face" if is_wrong else f"face {row.face or '-'}"))
        if shot.diameter_assumed:
            yield _line("shaft", f"{explanation.ring.shaft_mm:g} mm is assumed: the arrow's own diameter is not known")
    if shot.line_margin_mm is not None:
        call = "the operator decides" if shot.line_call else "the sensor decides"
        band = f", {explanation.ring.band_mm:g} mm is too near" if explanation.ring else ""
        line = "line of its archer's face" if Flag.WRONG_FACE in shot.flags else "line"
        yield _line("margin", f"{shot.line_margin_mm:+.2f} mm to the nearest {line}{band}: {call}")
    yield _line("flags", ", ".join(shot.flags) or "none")
    for correction in explained.corrections:
        yield _line("corrected", _correction(correction))
    for rescore in explained.rescores:
        changes = "; ".join(basis_changes(rescore.old, rescore.new)) or "nothing else than before"
        yield _line("rescored", f"{local(rescore.at)}  {rescore.who}: {changes}, reason: {rescore.reason}")
    if row.slot is not None:
        yield _line("slot", row.slot)
    rules = f"{shot.rule_set} version {shot.rule_set_version}"
    yield _line("rules", f"{rules}, assembly version {shot.rule_version}, face version {shot.face_version or '-'}")


def orphan_lines(explained: ExplainedOrphan) -> Iterator[str]:
    """An explained orphan for people. Pure."""
    yield orphan_line(explained.orphan)
    yield from _candidates(explained.candidates)
    if not explained.candidates:
        yield _line("candidate", "none: no release is near it in time")


def _facts(explained: ExplainedShot | ExplainedOrphan) -> dict[str, object]:
    if isinstance(explained, ExplainedOrphan):
        return {"orphan": orphan_facts(explained.orphan), "candidates": _plain(explained.candidates)}
    return {
        "shot": shot_facts(explained.shot),
        "explanation": _plain(explained.explanation),
        "corrections": _plain(explained.corrections),
        "rescores": _plain(explained.rescores),
        "calibration": None if explained.calibration is None else explained.calibration.name,
    }


def _plain(value: object) -> object:
    """Dataclasses as JSON objects, tuples and sets as lists."""
    if isinstance(value, ReadingKey):
        return value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value


def _line(topic: str, text: str) -> str:
    return f"  {topic:<10} {text}"


def reading_lines(explanation: Explanation) -> Iterator[str]:
    """The readings of a shot, and those that decide which arrow it was. Pure."""
    if explanation.scan is not None:
        yield _line("scan", _reading(explanation.scan))
    for role in ("engage", "release", "landing"):
        reading: TimedReading | None = getattr(explanation, role)
        yield _line(role, "none" if reading is None else _reading(reading))
    if explanation.next_nocking is not None:
        is_let_down = explanation.shot.result is Result.NOT_SHOT
        again = "the same arrow" if is_let_down else "may be the same arrow: the bow cannot distinguish"
        yield _line("nocked", f"{_reading(explanation.next_nocking)}  {again}")


def _reading(reading: TimedReading) -> str:
    error = "undated" if reading.error_s is None else f"± {reading.error_s * 1000:.1f} ms"
    words = [
        local(reading.at, "%Y-%m-%d %H:%M:%S.%f"),
        error,
        f"{reading.key.device_id} #{reading.key.seq}",
        f"tag {reading.tag or '-'}",
    ]
    if reading.x is not None and reading.y is not None:
        words.append(f"at {reading.x:.2f} {reading.y:.2f} mm")
    if reading.cause is not None:
        words.append(f"cause {reading.cause}")
    if reading.receive_delay_s >= MENTIONED_DELAY_S:
        words.append(f"received {reading.receive_delay_s:.1f} s later")
    return "  ".join(words)


def _flight(flight: Flight) -> str:
    seen = "no landing" if flight.seen_s is None else f"{flight.seen_s:.3f} s"
    return (
        f"{seen}; possible are {flight.least_s:.3f} to {flight.most_s:.3f} s, with clocks up to "
        f"{flight.clock_error_s * 1000:.0f} ms apart; landing window {flight.landing_window_s:.1f} s"
    )


def _candidates(candidates: Sequence[Candidate]) -> Iterator[str]:
    for candidate in candidates:
        reading = candidate.reading
        if candidate.chosen:
            fate = "chosen"
        else:
            fate = f"part of shot {str(candidate.taken_by)[:8]}" if candidate.taken_by else "unassigned"
        tag = "same tag" if candidate.same_tag else f"tag {reading.tag or 'not read'}"
        possible = "possible" if candidate.possible else "impossible"
        source = f"{reading.kind} {reading.key.device_id} #{reading.key.seq}"
        yield _line("candidate", f"{source}: {candidate.flight_s:+.3f} s, {possible}, {tag}, {fate}")


def _watching(watching: Watching, zero: float) -> str:
    window = f"from {watching.since - zero:+.1f} to {watching.until - zero:+.1f} s"
    if watching.is_complete:
        return f"{watching.device_id} watched all the time {window}"
    if watching.blind:
        gaps = ", ".join(f"{gap.since - zero:+.2f} to {gap.until - zero:+.2f} s" for gap in watching.blind)
        return f"{watching.device_id} was blind {gaps}; needed {window}"
    if watching.watermark is None:
        return f"{watching.device_id} has no watermark; needed {window}"
    return f"{watching.device_id} has its watermark at {watching.watermark - zero:+.1f} s; needed {window}"


def _placing(placing: Placing, calibration: Calibration | None) -> str:
    how = f"by calibration {calibration.name}" if calibration else "nominal, for the target was not calibrated then"
    return (
        f"sensed {placing.sensed.x:.2f} {placing.sensed.y:.2f} mm, on the butt {placing.on_butt.x:.2f} "
        f"{placing.on_butt.y:.2f} mm, {how}; sigma {placing.sigma_mm:.2f} mm"
    )


def _ring(ring: Ring, face: str) -> str:
    zone = "beside the face" if ring.zone_mm is None else f"within {ring.zone_mm:g} mm"
    higher = "" if ring.higher_mm is None else f", not within {ring.higher_mm:g} mm"
    return (
        f"{ring.from_centre_mm:.2f} mm from the centre of {face}; the {ring.shaft_mm:g} mm shaft reaches in "
        f"to {ring.edge_mm:.2f} mm: {zone}{higher}"
    )


def _correction(correction: RecordedCorrection) -> str:
    change = ""
    if correction.kind is CorrectionKind.RESULT:
        old, new = correction.old, correction.new
        change = f" {score_of(old)} ({old['result']}) -> {score_of(new)} ({new['result']})"
    return f"{local(correction.at)}  {correction.who}: {correction.kind}{change}, reason: {correction.reason}"
