"""Readings into shots: a pure function, so that the same readings give the same shots in whatever order they came.

Each step is a file of its own: put the readings on one time axis (``timeline``), walk through them once (``walk``:
strings, butt, ends), give landings to releases (``matching``), judge what is left (``finding``, ``verdict``), write rows
(``composing``, ``scoring``), and let people have the last word (``corrections``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from edge.shots.composing import compose
from edge.shots.context import Evidence, Session
from edge.shots.corrections import Correction, corrected, manual_landings
from edge.shots.ends import Cut, End
from edge.shots.finding import Finding, findings
from edge.shots.hearing import Hearing
from edge.shots.matching import match
from edge.shots.parameters import DEFAULT, FlightWindow, Parameters
from edge.shots.placed import Landing, Placed, Release
from edge.shots.sensed import Key, Sensed, end_id
from edge.shots.settling import FROM_START, Settled, settle
from edge.shots.shot import Result, Shot
from edge.shots.timeline import Timeline, to_datetime, to_ns
from edge.shots.walk import Span, walk


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the readings mean, from ``settled`` on when that was given."""

    shots: tuple[Shot, ...]
    """In the order of release, or of landing without one."""
    ends: tuple[End, ...]
    orphans: tuple[Key, ...]
    """Landings that are in no shot: no release fits, or several do."""
    restless: bool
    """Time alone, or a device that tells no more than that it lives, can change something."""
    complete: bool
    """The session's close was asked for, and everything released before is decided."""
    settled: Settled
    """From where the next assembly may start."""


def assemble(
    session: Session,
    readings: Iterable[Sensed],
    evidence: Evidence,
    *,
    corrections: Sequence[Correction] = (),
    timeline: Timeline | None = None,
    settled: Settled = FROM_START,
    parameters: Parameters = DEFAULT,
) -> Assembly:
    """Make shots of a session's readings.

    With ``settled`` (of an earlier assembly) readings before it may be left out, and shots and ends before it are left out
    of the result. Another session, timeline or correction, a reading from before it, or evidence for which it does not
    hold, asks for a start from the beginning.
    """
    readings = list(readings)
    if timeline is None:
        timeline = Timeline.starting(session.start).learning(sensed.instant for sensed in readings)
    span = _span(session, timeline)
    flight = parameters.flight(session.distance_m)
    hearing = Hearing(session, evidence, timeline, parameters)
    placed = (Placed(timeline.place(sensed.instant), sensed) for sensed in readings)
    ordered = sorted((p for p in placed if p.ns >= settled.before_ns), key=lambda p: p.order)
    marks = sorted(ns for mark in session.marks if (ns := timeline.place(mark)) >= settled.before_ns)
    walked = walk(ordered, marks, span, hearing.now_ns, parameters)
    matching = match(
        walked.releases, walked.landings, flight=flight, bows=session.bows, hearing=hearing, parameters=parameters,
        manual=manual_landings(corrections),
    )  # fmt: skip
    found = findings(
        walked.releases, matching, session=session, span=span, flight=flight, hearing=hearing, parameters=parameters
    )
    numbers = {end: settled.ends + n for n, end in enumerate(sorted({finding.basis.end for finding in found}), start=1)}
    decisions = _by_shot(corrections)
    shots = [
        corrected(
            compose(finding, session, numbers[finding.basis.end], flight, parameters),
            decisions.get(finding.basis.key, ()),
        )
        for finding in found
    ]
    ends = _ends(session.id, found, numbers, walked.cuts)
    undecided = bool(matching.waiting) or any(finding.verdict is Result.PENDING for finding in found)
    return Assembly(
        shots=tuple(shots),
        ends=ends,
        orphans=_orphans(walked.landings, shots, decisions),
        restless=undecided
        or any(finding.depends_on for finding in found)
        or any(end.closed_at is None for end in ends)
        or span.until_ns is not None,
        complete=not undecided and _all_told(session, span, hearing, flight),
        settled=settle(
            settled, walk=walked, found=found, waiting=matching.waiting, ordered=ordered, evidence=evidence,
            flight=flight, parameters=parameters,
        ),
    )  # fmt: skip


def _span(session: Session, timeline: Timeline) -> Span:
    since_ns = timeline.place(session.start)
    until_ns = timeline.place(session.closing) if session.closing else None
    if session.not_before is not None:
        since_ns = max(since_ns, timeline.place(session.not_before) + 1)
    if session.shadowed:
        until_ns = since_ns - 1
    return Span(since_ns, until_ns, to_ns(session.end_timeout_s))


def _by_shot(corrections: Iterable[Correction]) -> Mapping[Key, Sequence[Correction]]:
    decisions: dict[Key, list[Correction]] = {}
    for correction in corrections:
        decisions.setdefault(correction.key, []).append(correction)
    return decisions


def _ends(
    session_id: UUID, found: Sequence[Finding], numbers: Mapping[int, int], cuts: Sequence[Cut]
) -> tuple[End, ...]:
    """The stretches between cuts in which something was shot."""
    opened: dict[int, int] = {}
    for finding in found:
        nocking = finding.basis.nocking if isinstance(finding.basis, Release) else None
        opened.setdefault(finding.basis.end, nocking.placed.ns if nocking else finding.ns)
    ends: list[End] = []
    for index, opened_ns in opened.items():
        cut = cuts[index] if index < len(cuts) else None
        closed_at = to_datetime(cut.ns) if cut else None
        number = numbers[index]
        ends.append(
            End(
                end_id(session_id, number),
                session_id,
                number,
                to_datetime(opened_ns),
                closed_at,
                cut.by if cut else None,
            )
        )
    return tuple(sorted(ends, key=lambda end: end.number))


def _orphans(landings: Iterable[Landing], shots: Iterable[Shot], decided: Mapping[Key, object]) -> tuple[Key, ...]:
    used = {shot.landing for shot in shots}
    return tuple(landing.key for landing in landings if landing.key not in used and landing.key not in decided)


def _all_told(session: Session, span: Span, hearing: Hearing, flight: FlightWindow) -> bool:
    """Whether no device can be expected to tell of something that began before the close."""
    if span.until_ns is None:
        return False
    # Where no bow tells of releases, an arrow in the air at the close is known by its landing only.
    target_until_ns = span.until_ns if session.bows else span.until_ns + to_ns(flight.longest_s)
    return not (
        any(hearing.may_still_tell(bow, span.until_ns) for bow in session.bows)
        or any(hearing.may_still_tell(target, target_until_ns) for target in session.targets)
    )
